#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "parser/head_lines.h"
#include "parser/http1_common.h"

namespace sluice {

// ResponseHead - one response head of a provider. All texts are views into the bytes that were
// parsed.
//
// Owns      nothing: see FieldList. WithFields<ResponseHead> brings the room for them.
struct ResponseHead {
  int status = 0;           // 100-599
  std::string_view reason;  // may be empty
  int minor_version = 1;
  FieldList fields;
  BodyFraming framing = BodyFraming::kNone;
  std::uint64_t content_length = 0;  // of kLength; without a body (P2) what the field says
  bool close = false;                // the connection cannot be used again after this answer
  std::size_t bytes = 0;             // of the head, with its blank line

  [[nodiscard]] bool interim() const noexcept { return status < 200; }
};

// ResponseHeadParser - turns the first bytes of a provider's answer into a ResponseHead or a
// refusal with status 502, by the rules P2, P3, F1-F4, F6, F9 and B1-B3. 101 is refused: we never
// ask for an upgrade (C4).
//
// Owns      nothing; keeps offsets of the lines found so far.
// Affinity  none. Lifetime one connection: begins anew after kComplete and kRefused, so interim
//           answers (1xx) and the final one come from one parser after the other.
// Cost      as RequestHeadParser.
class ResponseHeadParser {
 public:
  explicit ResponseHeadParser(const HeadLimits& limits = {}) noexcept : lines_(limits, false) {}

  // As RequestHeadParser::parse. `head_request`: the request was HEAD (P2).
  [[nodiscard]] HeadState parse(std::string_view bytes, bool head_request, ResponseHead& out,
                                Refusal& why) noexcept;
  void reset() noexcept { lines_.clear(); }

 private:
  [[nodiscard]] bool finish(std::string_view bytes, bool head_request, ResponseHead& out,
                            Refusal& why) const noexcept;
  HeadLines lines_;
};

}  // namespace sluice
