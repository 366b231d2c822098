#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "parser/head_lines.h"
#include "parser/http1_common.h"

namespace sluice {

// RequestHead - one request head. All texts are views into the bytes that were parsed, but for the
// static "/" or "*" of an absolute-form without path.
//
// Owns      nothing: see FieldList. WithFields<RequestHead> brings the room for them.
struct RequestHead {
  Method method = Method::kOther;
  std::string_view method_text;
  std::string_view target;  // as it came
  std::string_view path;    // raw bytes, begins with '/', or is "*" (OPTIONS)
  std::string_view query;   // raw bytes, without the '?'
  bool has_query = false;
  std::string_view host;  // with its port; the authority of an absolute-form replaces the field
  int minor_version = 1;  // HTTP/1.0 or HTTP/1.1
  FieldList fields;
  BodyFraming framing = BodyFraming::kNone;  // never kUntilClose
  std::uint64_t content_length = 0;          // of kLength
  bool close = false;            // the connection ends after the answer (Connection: close, C5)
  bool expect_continue = false;  // the client waits for 100 before it sends the body (C3)
  std::size_t bytes = 0;         // of the head, with its blank line and a skipped first one
};

// RequestHeadParser - turns the first bytes of a request into a RequestHead or a refusal, by the
// rules S1-S5, H1, H2, F1-F6, F9, F11, B1-B3 and C3.
//
// Owns      nothing; keeps offsets of the lines found so far.
// Affinity  none. Lifetime one connection: begins anew after kComplete and kRefused.
// Cost      every byte is looked at once before the head is complete, however it is cut, and parsed
//           once when it is.
// Size      256 bytes.
class RequestHeadParser {
 public:
  explicit RequestHeadParser(const HeadLimits& limits = {}) noexcept : lines_(limits, true) {}

  // `bytes`: all bytes of this head so far, at least as many as in the call before; they may have
  // moved. Bytes behind the head are not looked at. `out.fields` has room. `out` is whole after
  // kComplete only, `why` after kRefused. Every refusal leaves the framing unknown: answer and
  // close.
  [[nodiscard]] HeadState parse(std::string_view bytes, RequestHead& out, Refusal& why) noexcept;

  // Forgets a head that was begun.
  void reset() noexcept { lines_.clear(); }

  // True while no byte of a head was seen but perhaps the empty line of S1: the peer may close now
  // without cutting a request.
  [[nodiscard]] bool idle() const noexcept { return !lines_.begun(); }

 private:
  // The request line as offsets, so that it survives a move of the bytes.
  struct Line {
    std::uint16_t method_bytes = 0;
    std::uint16_t target_bytes = 0;
    std::uint8_t minor_version = 0;
  };
  [[nodiscard]] static bool parse_line(std::string_view line, Line& out, Refusal& why) noexcept;
  [[nodiscard]] bool finish(std::string_view bytes, RequestHead& out, Refusal& why) const noexcept;

  HeadLines lines_;
  Line line_;
};

}  // namespace sluice
