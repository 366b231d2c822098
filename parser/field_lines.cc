#include "parser/field_lines.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "parser/scan.h"

namespace sluice {
namespace {

bool refuse(Refusal& why, HeadKind kind, std::string_view rule, std::string_view message) noexcept {
  why = {refusal_status(kind), rule, message};
  return false;
}

// Why the line whose name ends at `name_end` is no field line.
[[gnu::cold, gnu::noinline]] bool refuse_line(std::string_view line, std::size_t name_end,
                                              bool first, HeadKind kind, Refusal& why) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (blank(line[0])) {
    if (first) return refuse(why, kind, "S1", "white space stands before the first field");
    return refuse(why, kind, "F2", "a field value is folded over several lines");
  }
  if (line.find(':') == std::string_view::npos)
    return refuse(why, kind, "F4", "a field line has no colon");
  if (name_end == 0) return refuse(why, kind, "F4", "a field name is empty");
  const std::size_t behind = line.find_first_not_of(" \t", name_end);
  if (blank(line[name_end]) && line[behind] == ':')
    return refuse(why, kind, "F1", "white space stands before the colon of a field");
  return refuse(why, kind, "F4", "a field name is no token");
}

constexpr bool is_security_field(FieldId id) noexcept {
  switch (id) {
    case FieldId::kHost:
    case FieldId::kContentLength:
    case FieldId::kTransferEncoding:
    case FieldId::kConnection:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kTe:
    case FieldId::kTrailer:
    case FieldId::kUpgrade:
    case FieldId::kExpect:
    case FieldId::kAuthorization:
    case FieldId::kXApiKey:
    case FieldId::kApiKey:
    case FieldId::kCookie:
    case FieldId::kProxy:
    case FieldId::kForwarded:
    case FieldId::kXForwarded:
    case FieldId::kXRealIp:
    case FieldId::kXPriority:
    case FieldId::kXRequestId:
    case FieldId::kTraceparent:
    case FieldId::kTracestate:
    case FieldId::kIdempotencyKey:
    case FieldId::kVia:
    case FieldId::kXSluice: return true;
    case FieldId::kOther:
    case FieldId::kAccept:
    case FieldId::kAcceptEncoding:
    case FieldId::kContentType:
    case FieldId::kContentEncoding:
    case FieldId::kCacheControl:
    case FieldId::kRetryAfter:
    case FieldId::kRetryAfterMs:
    case FieldId::kXShouldRetry:
    case FieldId::kRateLimit:
    case FieldId::kXUpstreamRequestId:
    case FieldId::kXAccelBuffering:
    case FieldId::kRequestId:
    case FieldId::kSetCookie:
    case FieldId::kDate:
    case FieldId::kServer:
    case FieldId::kUserAgent:
    case FieldId::kWwwAuthenticate:
    case FieldId::kAllow:
    case FieldId::kAnthropicVersion: return false;
  }
  return false;
}

// F5: CGI-like servers read `_` as `-`, so `Content_Length` would slip past us and count there.
[[gnu::noinline]] bool imitates_security_field(std::string_view name) noexcept {
  if (name.find('_') == std::string_view::npos) return false;
  constexpr std::size_t kNameBytesMax = 64;  // longer than any name or prefix that we know
  char dashed[kNameBytesMax];
  const std::size_t bytes = std::min(name.size(), kNameBytesMax);
  std::replace_copy(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(bytes), dashed, '_',
                    '-');
  return is_security_field(field_id({dashed, bytes}));
}

void note(const Field& field, FieldFacts& facts) noexcept {
  if (field.id == FieldId::kHost) {
    if (facts.hosts++ == 0) facts.host = &field;
  } else if (field.id == FieldId::kContentLength) {
    if (facts.content_lengths++ == 0) facts.content_length = &field;
  } else if (field.id == FieldId::kTransferEncoding) {
    if (facts.transfer_encodings++ == 0) facts.transfer_encoding = &field;
  } else if (field.id == FieldId::kExpect) {
    // A repeated field is a list, and no list is what we support (RFC 9110 section 10.1.1).
    constexpr static Field kList{"expect", "", FieldId::kExpect, false};
    facts.expect = facts.expect == nullptr ? &field : &kList;
  } else if (field.id == FieldId::kConnection) {
    if (facts.connections++ == 0) facts.connection = &field;
  }
}

// F9: what may not be taken out of a message by naming it in Connection.
bool may_be_named(FieldId id, HeadKind kind) noexcept {
  if (id == FieldId::kContentLength) return false;
  if (kind == HeadKind::kResponse) return true;
  return id != FieldId::kHost && id != FieldId::kAuthorization && id != FieldId::kTraceparent &&
         id != FieldId::kTracestate && id != FieldId::kXPriority && id != FieldId::kXRequestId &&
         id != FieldId::kXApiKey && id != FieldId::kXSluice && id != FieldId::kXUpstreamRequestId &&
         id != FieldId::kRateLimit;
}

bool apply_option(std::string_view option, FieldList& fields, HeadKind kind, bool& close,
                  Refusal& why) noexcept {
  if (!is_token(option)) return refuse(why, kind, "F9", "a Connection option is no token");
  if (equals_ignoring_case(option, "close")) {
    close = true;
    return true;
  }
  const FieldId id = field_id(option);
  if (is_hop_by_hop(id)) return true;  // marked by its own name
  if (!may_be_named(id, kind))
    return refuse(why, kind, "F9", "Connection names a field that is not hop-by-hop");
  for (Field& field : fields)
    if (equals_ignoring_case(field.name, option)) field.drop = true;
  return true;
}

}  // namespace

bool parse_fields(std::string_view bytes, const HeadLines& lines, HeadKind kind, FieldList& out,
                  FieldFacts& facts, Refusal& why) noexcept {
  SL_ASSERT(out.items != nullptr);
  out.count = 0;
  for (std::uint32_t i = 0; i < lines.field_count(); ++i) {
    const std::size_t at = lines.field_at(i);
    const std::size_t end = lines.field_end(i);
    // The searches may run over the whole head: the CR at `end` is no token byte.
    const std::size_t plain_end = find_plain_name_end(bytes, at);
    const bool plain = bytes[plain_end] == ':';
    const std::size_t colon = plain ? plain_end : find_token_end_scalar(bytes, plain_end);
    if (colon == at || bytes[colon] != ':')
      return refuse_line(bytes.substr(at, end - at), colon - at, i == 0, kind, why);
    Field& field = out.items[i];
    field.name = {bytes.data() + at, colon - at};
    field.value = trim_blanks({bytes.data() + colon + 1, end - colon - 1});
    field.id = field_id(field.name);
    field.drop = is_hop_by_hop(field.id);
    if (field.id != FieldId::kOther) note(field, facts);
    else if (!plain && kind == HeadKind::kRequest && imitates_security_field(field.name))
      return refuse(why, kind, "F5", "a field name imitates another with an underscore");
  }
  out.count = lines.field_count();
  return true;
}

bool apply_connection_options(FieldList& fields, const FieldFacts& facts, HeadKind kind,
                              bool& close, Refusal& why) noexcept {
  constexpr int kOptionsMax = 32;  // each costs a pass over the fields
  int options = 0;
  std::uint32_t left = facts.connections;
  for (const Field* field = facts.connection; left > 0; ++field) {
    if (field->id != FieldId::kConnection) continue;
    --left;
    std::string_view list = field->value;
    while (!list.empty()) {
      const std::size_t comma = list.find(',');
      const std::string_view option = trim_blanks(list.substr(0, comma));
      list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
      if (option.empty()) continue;  // RFC 9110 section 5.6.1: empty elements are ignored
      if (++options > kOptionsMax)
        return refuse(why, kind, "F9", "Connection holds too many options");
      if (!apply_option(option, fields, kind, close, why)) return false;
    }
  }
  return true;
}

Refusal refusal_of(HeadLines::Fault fault, bool in_start_line, HeadKind kind) noexcept {
  const bool request = kind == HeadKind::kRequest;
  const std::uint16_t status = refusal_status(kind);
  const std::uint16_t too_large = request ? 431 : 502;
  switch (fault) {
    case HeadLines::Fault::kNone: break;
    case HeadLines::Fault::kControl:
      return {status, in_start_line ? "S4" : "F3", "the head holds a control character"};
    case HeadLines::Fault::kBareCr: return {status, "F3", "the head holds a CR without LF"};
    case HeadLines::Fault::kBareLf: return {status, "F3", "the head holds a LF without CR"};
    case HeadLines::Fault::kSecondEmptyLine:
      return {status, "S1", "more than one empty line stands before the request"};
    case HeadLines::Fault::kStartLineTooLong:
      if (request) return {414, "S2", "the request line is too long"};
      return {502, "P3", "the status line is too long"};
    case HeadLines::Fault::kFieldTooLong: return {too_large, "F6", "a field is too long"};
    case HeadLines::Fault::kFieldsTooLarge: return {too_large, "F6", "the fields are too large"};
    case HeadLines::Fault::kTooManyFields: return {too_large, "F6", "there are too many fields"};
  }
  return {status, "P1", "the head is invalid"};
}

}  // namespace sluice
