#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "parser/http1_common.h"

namespace sluice {

// HeadLines - finds the lines of one head while its bytes arrive, and refuses at the first byte
// what can never become a head: bare CR, bare LF, controls, lines and heads over their limits.
//
// Owns      nothing; keeps offsets, so the bytes may move between two calls.
// Affinity  none. Lifetime one head; clear() begins the next.
// Cost      each byte is looked at once, however the input is cut; 16 bytes at a time.
// Size      240 bytes.
//
// Which fault is found depends on the bytes alone, never on where the input was cut: every limit
// has a byte that breaks it, and the first faulty byte decides.
class HeadLines {
 public:
  enum class Event : std::uint8_t { kMore, kStartLine, kEnd, kFault };
  enum class Fault : std::uint8_t {
    kNone,
    kControl,
    kBareCr,
    kBareLf,
    kSecondEmptyLine,
    kStartLineTooLong,
    kFieldTooLong,
    kFieldsTooLarge,
    kTooManyFields,
  };

  // `skip_empty_line`: one empty line before the start line is passed over (S1).
  HeadLines(const HeadLimits& limits, bool skip_empty_line) noexcept;

  // Looks on in `bytes`, all bytes of the head so far. kStartLine comes once, as soon as the start
  // line is whole; call again for the rest.
  Event advance(std::string_view bytes) noexcept;
  void clear() noexcept;

  [[nodiscard]] Fault fault() const noexcept { return fault_; }
  // A byte of the start line was seen.
  [[nodiscard]] bool begun() const noexcept { return scanned_ != first_; }
  [[nodiscard]] bool in_start_line() const noexcept { return line_count_ == 0; }

  // After kStartLine.
  [[nodiscard]] std::string_view start_line(std::string_view bytes) const noexcept {
    return bytes.substr(first_, line_ends_[0] - first_);
  }
  // After kEnd: field line i is bytes[field_at(i) .. field_end(i)), without its CRLF.
  [[nodiscard]] std::uint32_t field_count() const noexcept { return line_count_ - 1; }
  [[nodiscard]] std::size_t field_at(std::uint32_t i) const noexcept {
    return std::size_t{line_ends_[i]} + 2;
  }
  [[nodiscard]] std::size_t field_end(std::uint32_t i) const noexcept { return line_ends_[i + 1]; }
  // Bytes of the head with its blank line.
  [[nodiscard]] std::size_t head_bytes() const noexcept { return scanned_; }

 private:
  [[nodiscard]] Event advance_start_line(std::string_view bytes) noexcept;
  [[nodiscard]] Event advance_fields(std::string_view bytes) noexcept;
  [[nodiscard]] std::size_t field_end_max(std::size_t line_at) const noexcept;
  [[nodiscard]] Event refuse_long_field(std::size_t line_at) noexcept;
  [[nodiscard]] Event unfinished_line(std::string_view bytes) noexcept;
  [[nodiscard]] Event refuse(Fault fault) noexcept {
    fault_ = fault;
    return Event::kFault;
  }

  HeadLimits limits_;
  bool skip_empty_line_;
  Fault fault_ = Fault::kNone;
  std::uint16_t first_ = 0;                  // where the start line begins
  std::uint16_t line_count_ = 0;             // lines that are whole, start line included
  std::uint32_t line_at_ = 0;                // where the current line begins
  std::uint32_t scanned_ = 0;                // everything before is known
  std::uint16_t line_ends_[kFieldsMax + 1];  // offsets of the CRs; the first line_count_ are set
};

}  // namespace sluice
