#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// Server-sent events as WHATWG HTML section 9.2 frames them: lines end with LF, CRLF or CR, in any
// mixture; a blank line ends an event.

// The index of the first CR or LF in `text`; text.size() when there is none.
[[nodiscard]] std::size_t find_line_end(std::string_view text) noexcept;
// The same without SIMD: what other machines use, and what the tests compare with.
[[nodiscard]] std::size_t find_line_end_scalar(std::string_view text) noexcept;

// SseSplitter - where events end, in a stream that comes in pieces.
//
// Owns      its place in the present line, 3 bytes.
// Affinity  one thread.
class SseSplitter {
 public:
  static constexpr std::size_t npos = std::string_view::npos;

  // The index just behind the blank line that ends the first event in `in`, going on where the last
  // call stopped: after a boundary `in` begins behind it, after npos with the bytes that follow.
  // npos when no event ends here. A CR at the very end waits for the next byte, which may be its
  // LF: the answer can be 0, the event ended with the bytes of earlier calls.
  [[nodiscard]] std::size_t next_boundary(std::string_view in) noexcept;

 private:
  bool line_empty_ = true;  // nothing of the present line seen so far
  bool after_cr_ = false;   // a line ended with CR; an LF here belongs to it
  bool blank_cr_ = false;   // the blank line ended with CR; an LF here belongs to it
};

// SseReader - the payloads of `data` fields, in a stream that comes in pieces. Buffers nothing.
//
// Owns      its place in the present line, 4 bytes.
// Affinity  one thread.
class SseReader {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::string_view data;   // part of a data line's payload, in `in`; "" when there is none
    bool event_end = false;  // the present event ends here, behind `data`
  };

  // Consumes `in` up to the next part of a payload or the end of an event, or all of it. The line
  // ends between two data lines of an event are left out: to JSON they are white space. An event
  // that is one data line, all of it in `in`, is one step.
  [[nodiscard]] Step next(std::string_view in) noexcept;

 private:
  enum class Place : std::uint8_t { kName, kSpace, kData, kOther };

  // At a line end `c`: true when the line was blank.
  bool end_line(char c) noexcept;
  // Behind a line that ended with LF or CRLF: how long the blank line is that follows, if it ends
  // the same way; 0 when there is none.
  std::size_t skip_blank_line(std::string_view in) noexcept;

  Place place_ = Place::kName;
  std::uint8_t matched_ = 0;  // bytes of "data:" at the start of the line
  bool line_empty_ = true;
  bool after_cr_ = false;
};

}  // namespace sluice
