#include "parser/http1_response.h"

#include "parser/field_lines.h"
#include "parser/framing.h"

namespace sluice {
namespace {

bool refuse(Refusal& why, std::string_view message) noexcept {
  why = {502, "P3", message};
  return false;
}

// status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4). The second
// SP may be missing with the reason, as some servers leave out both; nothing is ambiguous in that.
bool parse_status_line(std::string_view line, ResponseHead& out, Refusal& why) noexcept {
  constexpr std::size_t kVersionBytes = 8;             // "HTTP/1.1"
  constexpr std::size_t kCodeEnd = kVersionBytes + 4;  // " 200"
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!line.starts_with("HTTP/1.1 ") && !line.starts_with("HTTP/1.0 "))
    return refuse(why, "the status line does not begin with HTTP/1.1 or HTTP/1.0");
  if (line.size() < kCodeEnd || !digit(line[9]) || !digit(line[10]) || !digit(line[11]))
    return refuse(why, "the status is not three digits");
  if (line.size() > kCodeEnd && line[kCodeEnd] != ' ')
    return refuse(why, "the status is not three digits and a space");
  out.minor_version = line[7] - '0';
  out.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (out.status < 100 || out.status > 599) return refuse(why, "the status is not in 100-599");
  if (out.status == 101) return refuse(why, "the provider switches protocols unasked");
  out.reason = line.size() > kCodeEnd ? line.substr(kCodeEnd + 1) : std::string_view{};
  return true;
}

}  // namespace

bool ResponseHeadParser::finish(std::string_view bytes, bool head_request, ResponseHead& out,
                                Refusal& why) const noexcept {
  if (!parse_status_line(lines_.start_line(bytes), out, why)) return false;
  out.bytes = lines_.head_bytes();
  FieldFacts facts;
  if (!parse_fields(bytes.substr(0, out.bytes), lines_, HeadKind::kResponse, out.fields, facts,
                    why))
    return false;
  Framing framing;
  if (!decide_response_framing(facts, out.minor_version, out.status, head_request, framing, why))
    return false;
  out.framing = framing.body;
  out.content_length = framing.content_length;
  out.close = out.minor_version == 0 || out.framing == BodyFraming::kUntilClose;
  return apply_connection_options(out.fields, facts, HeadKind::kResponse, out.close, why);
}

HeadState ResponseHeadParser::parse(std::string_view bytes, bool head_request, ResponseHead& out,
                                    Refusal& why) noexcept {
  HeadState state = HeadState::kRefused;
  while (true) {
    const HeadLines::Event event = lines_.advance(bytes);
    if (event == HeadLines::Event::kMore) return HeadState::kIncomplete;
    if (event == HeadLines::Event::kStartLine) {
      if (parse_status_line(lines_.start_line(bytes), out, why)) continue;
    } else if (event == HeadLines::Event::kFault) {
      why = refusal_of(lines_.fault(), lines_.in_start_line(), HeadKind::kResponse);
    } else if (finish(bytes, head_request, out, why)) {
      state = HeadState::kComplete;
    }
    lines_.clear();
    return state;
  }
}

}  // namespace sluice
