#include "parser/framing.h"

#include "parser/scan.h"

namespace sluice {
namespace {

struct Fault {
  std::uint16_t status;  // of a request; 502 for a response
  std::string_view rule;
  std::string_view message;
};

bool refuse(Refusal& why, HeadKind kind, const Fault& fault) noexcept {
  const bool request = kind == HeadKind::kRequest;
  why = {request ? fault.status : std::uint16_t{502}, fault.rule, fault.message};
  return false;
}

// B3: 1*DIGIT that fits. The highest bit stays free, so that sums of two lengths do not overflow.
bool parse_content_length(std::string_view text, std::uint64_t& out) noexcept {
  constexpr std::uint64_t kMax = INT64_MAX;
  std::uint64_t length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (kMax - digit) / 10) return false;
    length = length * 10 + digit;
  }
  out = length;
  return !text.empty();
}

// B2: what a Transfer-Encoding other than `chunked` is refused with. A coding that may exist but
// that we do not know is 501; what two parsers could read differently is 400.
Fault coding_fault(std::string_view value) noexcept {
  if (!is_token(value)) return {400, "B2", "Transfer-Encoding is not exactly one coding"};
  if (equals_ignoring_case(value, "identity"))
    return {400, "B2", "the transfer coding identity does not exist any more"};
  return {501, "B2", "the transfer coding is not supported"};
}

// B1-B3 for both directions; leaves kNone when no field tells a length.
bool decide(const FieldFacts& facts, HeadKind kind, int minor_version, Framing& out,
            Refusal& why) noexcept {
  out = {};
  if (facts.transfer_encodings > 0) {
    if (minor_version == 0)
      return refuse(why, kind, {400, "B1", "HTTP/1.0 has no Transfer-Encoding"});
    if (facts.content_lengths > 0)
      return refuse(why, kind, {400, "B1", "Transfer-Encoding and Content-Length come together"});
    if (facts.transfer_encodings > 1)
      return refuse(why, kind, {400, "B2", "Transfer-Encoding is repeated"});
    const std::string_view coding = facts.transfer_encoding->value;
    if (!equals_ignoring_case(coding, "chunked")) return refuse(why, kind, coding_fault(coding));
    out.body = BodyFraming::kChunked;
    return true;
  }
  if (facts.content_lengths == 0) return true;
  if (facts.content_lengths > 1)
    return refuse(why, kind, {400, "B3", "Content-Length is repeated"});
  if (!parse_content_length(facts.content_length->value, out.content_length))
    return refuse(why, kind, {400, "B3", "Content-Length is no number in range"});
  out.body = BodyFraming::kLength;
  return true;
}

}  // namespace

bool decide_request_framing(const FieldFacts& facts, int minor_version, Framing& out,
                            Refusal& why) noexcept {
  return decide(facts, HeadKind::kRequest, minor_version, out, why);
}

bool decide_response_framing(const FieldFacts& facts, int minor_version, int status,
                             bool head_request, Framing& out, Refusal& why) noexcept {
  if (!decide(facts, HeadKind::kResponse, minor_version, out, why)) return false;
  const bool bodiless = head_request || status < 200 || status == 204 || status == 304;
  if (bodiless) out.body = BodyFraming::kNone;  // P2: whatever the fields say
  else if (out.body == BodyFraming::kNone) out.body = BodyFraming::kUntilClose;
  return true;
}

}  // namespace sluice
