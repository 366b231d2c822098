#pragma once

#include <cstdint>

#include "parser/field_lines.h"
#include "parser/http1_common.h"

namespace sluice {

// Framing - where a body ends.
struct Framing {
  BodyFraming body = BodyFraming::kNone;
  std::uint64_t content_length = 0;  // of kLength; in answers without body what the field says
};

// INVARIANTS P1: the only place that decides how long a body is (RFC 9112 section 6.3, rules
// B1-B3). Whoever forwards a message writes its own framing fields from the result.
[[nodiscard]] bool decide_request_framing(const FieldFacts& facts, int minor_version, Framing& out,
                                          Refusal& why) noexcept;

// The same for a provider's answer (P2, P3). `head_request`: the answer is to a HEAD request.
[[nodiscard]] bool decide_response_framing(const FieldFacts& facts, int minor_version, int status,
                                           bool head_request, Framing& out, Refusal& why) noexcept;

}  // namespace sluice
