#include "parser/http1_request.h"

#include "parser/authority.h"
#include "parser/field_lines.h"
#include "parser/framing.h"
#include "parser/scan.h"
#include "parser/target.h"

namespace sluice {
namespace {

bool refuse(Refusal& why, std::uint16_t status, std::string_view rule,
            std::string_view message) noexcept {
  why = {status, rule, message};
  return false;
}

Method method_of(std::string_view text) noexcept {
  switch (text.size()) {
    case 3: return text == "GET" ? Method::kGet : text == "PUT" ? Method::kPut : Method::kOther;
    case 4: return text == "POST" ? Method::kPost : text == "HEAD" ? Method::kHead : Method::kOther;
    case 5:
      return text == "PATCH" ? Method::kPatch : text == "TRACE" ? Method::kTrace : Method::kOther;
    case 6: return text == "DELETE" ? Method::kDelete : Method::kOther;
    case 7:
      return text == "OPTIONS"   ? Method::kOptions
             : text == "CONNECT" ? Method::kConnect
                                 : Method::kOther;
    default: return Method::kOther;
  }
}

// S3.
bool parse_version(std::string_view text, std::uint8_t& minor_version, Refusal& why) noexcept {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || !text.starts_with("HTTP/") || !digit(text[5]) || text[6] != '.' ||
      !digit(text[7]))
    return refuse(why, 400, "S3", "the request line does not end with an HTTP version");
  if (text[5] != '1' || text[7] > '1')
    return refuse(why, 505, "S3", "only HTTP/1.1 and HTTP/1.0 are supported");
  minor_version = static_cast<std::uint8_t>(text[7] - '0');
  return true;
}

// H1, H2; an absolute-form's authority replaces the field, which must be valid all the same.
bool decide_host(const FieldFacts& facts, std::string_view authority, RequestHead& out,
                 Refusal& why) noexcept {
  if (facts.hosts > 1) return refuse(why, 400, "H1", "Host is repeated");
  if (facts.hosts == 0 && out.minor_version > 0) return refuse(why, 400, "H1", "Host is missing");
  Authority parts;
  if (facts.hosts == 1 && !parse_authority(facts.host->value, parts))
    return refuse(why, 400, "H2", "Host is invalid");
  out.host = facts.hosts == 1 ? facts.host->value : std::string_view{};
  if (!authority.empty()) out.host = authority;
  return true;
}

// C3. HTTP/1.0 knows no 100 (RFC 9110 section 10.1.1), and without a body there is nothing to wait
// for.
bool decide_expectation(const FieldFacts& facts, RequestHead& out, Refusal& why) noexcept {
  out.expect_continue = false;
  if (facts.expect == nullptr) return true;
  if (!equals_ignoring_case(facts.expect->value, "100-continue"))
    return refuse(why, 417, "C3", "the only supported expectation is 100-continue");
  const bool body = out.framing == BodyFraming::kChunked || out.content_length > 0;
  out.expect_continue = body && out.minor_version > 0;
  return true;
}

}  // namespace

bool RequestHeadParser::parse_line(std::string_view line, Line& out, Refusal& why) noexcept {
  const std::size_t method_end = find_token_end(line, 0);
  if (method_end == 0 || method_end == line.size() || line[method_end] != ' ')
    return refuse(why, 400, "S2", "the request line does not begin with a method and one space");
  const std::size_t target_at = method_end + 1;
  const std::size_t target_end = find_target_end(line, target_at);
  if (target_end == target_at && target_end < line.size() && line[target_end] == ' ')
    return refuse(why, 400, "S2", "the parts of the request line are not one space apart");
  if (target_end == line.size())
    return refuse(why, 400, "S3", "the request line has no HTTP version");
  if (line[target_end] != ' ' || target_end == target_at)
    return refuse(why, 400, "S4", "the request target holds a byte that no target may hold");
  out.method_bytes = static_cast<std::uint16_t>(method_end);
  out.target_bytes = static_cast<std::uint16_t>(target_end - target_at);
  return parse_version(line.substr(target_end + 1), out.minor_version, why);
}

bool RequestHeadParser::finish(std::string_view bytes, RequestHead& out,
                               Refusal& why) const noexcept {
  const std::string_view line = lines_.start_line(bytes);
  out.method_text = line.substr(0, line_.method_bytes);
  out.method = method_of(out.method_text);
  out.target = line.substr(line_.method_bytes + std::size_t{1}, line_.target_bytes);
  out.minor_version = line_.minor_version;
  out.bytes = lines_.head_bytes();

  Target target;
  if (!parse_target(out.method, out.target, target, why)) return false;
  out.path = target.path;
  out.query = target.query;
  out.has_query = target.has_query;

  FieldFacts facts;
  if (!parse_fields(bytes.substr(0, out.bytes), lines_, HeadKind::kRequest, out.fields, facts, why))
    return false;
  if (!decide_host(facts, target.authority, out, why)) return false;

  Framing framing;
  if (!decide_request_framing(facts, out.minor_version, framing, why)) return false;
  out.framing = framing.body;
  out.content_length = framing.content_length;

  out.close = out.minor_version == 0;  // C5
  if (!apply_connection_options(out.fields, facts, HeadKind::kRequest, out.close, why))
    return false;
  return decide_expectation(facts, out, why);
}

HeadState RequestHeadParser::parse(std::string_view bytes, RequestHead& out,
                                   Refusal& why) noexcept {
  HeadState state = HeadState::kRefused;
  while (true) {
    const HeadLines::Event event = lines_.advance(bytes);
    if (event == HeadLines::Event::kMore) return HeadState::kIncomplete;
    if (event == HeadLines::Event::kStartLine) {
      // At once, so that other protocols are answered and not waited for.
      if (parse_line(lines_.start_line(bytes), line_, why)) continue;
    } else if (event == HeadLines::Event::kFault) {
      why = refusal_of(lines_.fault(), lines_.in_start_line(), HeadKind::kRequest);
    } else if (finish(bytes, out, why)) {
      state = HeadState::kComplete;
    }
    lines_.clear();
    return state;
  }
}

}  // namespace sluice
