#include "tools/mock/directive_table.h"

#include <charconv>

#include "base/units.h"

namespace sluice {
namespace {

using Value = std::string_view;

template <class Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

template <class Enum, std::size_t kCount>
bool choose(Enum& out, Value value, const Choice<Enum> (&choices)[kCount]) {
  for (const Choice<Enum>& choice : choices) {
    if (choice.name != value) continue;
    out = choice.value;
    return true;
  }
  return false;
}

bool set_flag(bool& out, Value value) {
  if (value != "true" && value != "false") return false;
  out = value == "true";
  return true;
}

template <class Number>
bool set_number(Number& out, Value value) {
  const std::optional<std::uint64_t> number = parse_bytes(value);
  if (!number || *number > std::uint64_t{1} << 31) return false;
  out = static_cast<Number>(*number);
  return true;
}

bool set_duration(Duration& out, Value value) {
  if (value == "forever") {
    out = kStallForever;
    return true;
  }
  const std::optional<Duration> duration = parse_duration(value);
  if (duration) out = *duration;
  return duration.has_value();
}

bool set_point(Point& out, Value value) {
  const std::optional<Point> point = parse_point(value);
  if (point) out = *point;
  return point.has_value();
}

bool set_text(std::optional<std::string>& out, Value value) {
  out = std::string(value);
  return true;
}

bool set_tokens_per_second(Duration& gap, Value value) {
  double rate = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), rate);
  if (fault != std::errc() || end != value.data() + value.size() || !(rate >= 0)) return false;
  gap = rate == 0 ? Duration(0) : Duration(static_cast<std::int64_t>(1e9 / rate));
  return true;
}

bool set_usage(UsageShape& out, Value value) {
  static constexpr Choice<UsageShape> kChoices[] = {
      {"full", UsageShape::kFull}, {"none", UsageShape::kNone},
      {"null", UsageShape::kNull}, {"total", UsageShape::kTotal},
      {"zero", UsageShape::kZero}, {"continuous", UsageShape::kContinuous},
  };
  return choose(out, value, kChoices);
}

bool set_answer(AnswerShape& out, Value value) {
  static constexpr Choice<AnswerShape> kChoices[] = {
      {"normal", AnswerShape::kNormal},
      {"null", AnswerShape::kNull},
      {"list", AnswerShape::kList},
      {"empty", AnswerShape::kEmpty},
      {"text", AnswerShape::kText},
      {"html", AnswerShape::kHtml},
      {"no-choices", AnswerShape::kNoChoices},
  };
  return choose(out, value, kChoices);
}

bool set_stream(StreamMode& out, Value value) {
  static constexpr Choice<StreamMode> kChoices[] = {
      {"auto", StreamMode::kAuto}, {"never", StreamMode::kNever}, {"always", StreamMode::kAlways}};
  return choose(out, value, kChoices);
}

bool set_framing(WireFraming& out, Value value) {
  static constexpr Choice<WireFraming> kChoices[] = {
      {"auto", WireFraming::kAuto},       {"length", WireFraming::kLength},
      {"chunked", WireFraming::kChunked}, {"close", WireFraming::kClose},
      {"http10", WireFraming::kHttp10},
  };
  return choose(out, value, kChoices);
}

bool set_eol(SseEol& out, Value value) {
  static constexpr Choice<SseEol> kChoices[] = {
      {"lf", SseEol::kLf}, {"crlf", SseEol::kCrlf}, {"cr", SseEol::kCr}, {"mixed", SseEol::kMixed}};
  return choose(out, value, kChoices);
}

bool set_abort(Abort& out, Value value) {
  static constexpr Choice<Abort> kChoices[] = {
      {"rst", Abort::kReset}, {"fin", Abort::kFin}, {"none", Abort::kNone}};
  return choose(out, value, kChoices);
}

bool set_text_kind(bool& unicode, Value value) {
  static constexpr Choice<bool> kChoices[] = {{"plain", false}, {"unicode", true}};
  return choose(unicode, value, kChoices);
}

bool set_status(int& status, Value value) {
  const std::optional<std::uint64_t> number = parse_decimal(value);
  if (!number || *number < 200 || *number > 999) return false;
  status = static_cast<int>(*number);
  return true;
}

// "2" or "1.5": sent as it is written.
bool set_retry_after(std::optional<std::string>& out, Value value) {
  double seconds = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (fault != std::errc() || end != value.data() + value.size()) return false;
  return set_text(out, value);
}

bool add_field(std::vector<MockField>& fields, Value value) {
  const std::size_t colon = value.find(':');
  if (colon == value.npos || colon == 0) return false;
  Value rest = value.substr(colon + 1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  fields.push_back({std::string(value.substr(0, colon)), std::string(rest)});
  return true;
}

// "103", or "103*3".
bool set_informational(HeadBehaviour& head, Value value) {
  const std::size_t star = value.find('*');
  const std::optional<std::uint64_t> status = parse_decimal(value.substr(0, star));
  std::optional<std::uint64_t> count = 1;
  if (star != value.npos) count = parse_decimal(value.substr(star + 1));
  if (!status || *status < 100 || *status > 199 || !count || *count > 1000) return false;
  head.informational_status = static_cast<int>(*status);
  head.informational_count = static_cast<std::uint32_t>(*count);
  return true;
}

bool set_truncate(FaultBehaviour& fault, Value value) {
  fault.abort = Abort::kFin;
  fault.abort_at.kind = Point::Kind::kByte;
  return set_number(fault.abort_at.count, value);
}

bool set_early(Early& early, Value value, Early meaning) {
  bool flag = false;
  if (!set_flag(flag, value)) return false;
  early = flag ? meaning : Early::kNo;
  return true;
}

bool set_malformed(Malformed& out, Value value) {
  const std::optional<Malformed> kind = parse_malformed(value);
  if (kind) out = *kind;
  return kind.has_value();
}

template <class Number>
bool set_optional_number(std::optional<Number>& out, Value value) {
  Number number = 0;
  if (!set_number(number, value)) return false;
  out = number;
  return true;
}

bool set_optional_duration(std::optional<Duration>& out, Value value) {
  Duration duration{0};
  if (!set_duration(duration, value)) return false;
  out = duration;
  return true;
}

bool set_optional_flag(std::optional<bool>& out, Value value) {
  bool flag = false;
  if (!set_flag(flag, value)) return false;
  out = flag;
  return true;
}

constexpr std::string_view kNumber = "a number (KiB, MiB are understood)";
constexpr std::string_view kDuration = "a duration such as 20ms, 2s, or forever";
constexpr std::string_view kFlag = "true or false";
constexpr std::string_view kText = "a text";
constexpr std::string_view kPoint = "start, head, event:N, byte:N or end";

using B = Behaviour;

constexpr Directive kDirectives[] = {
    {"latency", kDuration, [](B& b, Value v) { return set_duration(b.latency, v); }},
    {"gap", kDuration, [](B& b, Value v) { return set_duration(b.gap, v); }},
    {"tokens-per-second", "a rate, 0 for none",
     [](B& b, Value v) { return set_tokens_per_second(b.gap, v); }},
    // What the model says.
    {"tokens", kNumber, [](B& b, Value v) { return set_number(b.content.tokens, v); }},
    {"content-bytes", kNumber,
     [](B& b, Value v) { return set_number(b.content.content_bytes, v); }},
    {"content", kText, [](B& b, Value v) { return set_text(b.content.content, v); }},
    {"text", "plain or unicode", [](B& b, Value v) { return set_text_kind(b.content.unicode, v); }},
    {"tool-call", kFlag, [](B& b, Value v) { return set_flag(b.content.tool_call, v); }},
    {"prompt-tokens", kNumber,
     [](B& b, Value v) { return set_optional_number(b.content.prompt_tokens, v); }},
    {"cached-tokens", kNumber,
     [](B& b, Value v) { return set_number(b.content.cached_tokens, v); }},
    {"reasoning-tokens", kNumber,
     [](B& b, Value v) { return set_number(b.content.reasoning_tokens, v); }},
    {"finish-reason", kText, [](B& b, Value v) { return set_text(b.content.finish_reason, v); }},
    {"dimensions", kNumber, [](B& b, Value v) { return set_number(b.content.dimensions, v); }},
    {"usage", "full, none, null, total, zero or continuous",
     [](B& b, Value v) { return set_usage(b.content.usage, v); }},
    {"answer", "normal, null, list, empty, text, html or no-choices",
     [](B& b, Value v) { return set_answer(b.content.answer, v); }},
    {"stream", "auto, never or always",
     [](B& b, Value v) { return set_stream(b.content.stream, v); }},
    // Status and fields.
    {"status", "200 to 999", [](B& b, Value v) { return set_status(b.head.status, v); }},
    {"message", kText, [](B& b, Value v) { return set_text(b.head.message, v); }},
    {"error-type", kText, [](B& b, Value v) { return set_text(b.head.error_type, v); }},
    {"error-code", kText, [](B& b, Value v) { return set_text(b.head.error_code, v); }},
    {"retry-after", "seconds",
     [](B& b, Value v) { return set_retry_after(b.head.retry_after, v); }},
    {"retry-after-ms", "milliseconds",
     [](B& b, Value v) { return set_retry_after(b.head.retry_after_ms, v); }},
    {"retry-after-date", kDuration,
     [](B& b, Value v) { return set_optional_duration(b.head.retry_after_date, v); }},
    {"should-retry", kFlag,
     [](B& b, Value v) { return set_optional_flag(b.head.should_retry, v); }},
    {"header", "Name: value", [](B& b, Value v) { return add_field(b.head.fields, v); }},
    {"set-cookie", kNumber, [](B& b, Value v) { return set_number(b.head.set_cookies, v); }},
    {"body", kText, [](B& b, Value v) { return set_text(b.head.body, v); }},
    {"content-type", kText, [](B& b, Value v) { return set_text(b.head.content_type, v); }},
    {"informational", "a status 100-199, or one with a count such as 103*3",
     [](B& b, Value v) { return set_informational(b.head, v); }},
    // The wire.
    {"framing", "auto, length, chunked, close or http10",
     [](B& b, Value v) { return set_framing(b.wire.framing, v); }},
    {"gzip", kFlag, [](B& b, Value v) { return set_flag(b.wire.gzip, v); }},
    {"write-bytes", kNumber, [](B& b, Value v) { return set_number(b.wire.write_bytes, v); }},
    {"drip", kDuration, [](B& b, Value v) { return set_duration(b.wire.drip, v); }},
    {"drip-head", kDuration, [](B& b, Value v) { return set_duration(b.wire.drip_head, v); }},
    {"trailer", kFlag, [](B& b, Value v) { return set_flag(b.wire.trailer, v); }},
    {"chunk-extension", kFlag, [](B& b, Value v) { return set_flag(b.wire.chunk_extension, v); }},
    {"close", kFlag, [](B& b, Value v) { return set_flag(b.wire.close, v); }},
    {"close-silent", kFlag, [](B& b, Value v) { return set_flag(b.wire.close_silent, v); }},
    {"close-after", kDuration,
     [](B& b, Value v) { return set_optional_duration(b.wire.close_after, v); }},
    {"sse-eol", "lf, crlf, cr or mixed", [](B& b, Value v) { return set_eol(b.wire.sse_eol, v); }},
    {"sse-comment", kFlag, [](B& b, Value v) { return set_flag(b.wire.sse_comment, v); }},
    {"sse-event-split", kFlag, [](B& b, Value v) { return set_flag(b.wire.sse_event_split, v); }},
    {"sse-no-done", kFlag, [](B& b, Value v) { return set_flag(b.wire.sse_no_done, v); }},
    {"sse-no-finish", kFlag, [](B& b, Value v) { return set_flag(b.wire.sse_no_finish, v); }},
    {"sse-error", kNumber, [](B& b, Value v) { return set_optional_number(b.wire.sse_error, v); }},
    // Faults.
    {"abort", "rst, fin or none", [](B& b, Value v) { return set_abort(b.fault.abort, v); }},
    {"abort-at", kPoint, [](B& b, Value v) { return set_point(b.fault.abort_at, v); }},
    {"truncate", kNumber, [](B& b, Value v) { return set_truncate(b.fault, v); }},
    {"stall", kDuration, [](B& b, Value v) { return set_duration(b.fault.stall, v); }},
    {"stall-at", kPoint, [](B& b, Value v) { return set_point(b.fault.stall_at, v); }},
    {"hang", "true",
     [](B& b, Value v) { return v == "true" && set_duration(b.fault.stall, "forever"); }},
    {"early", kFlag, [](B& b, Value v) { return set_early(b.fault.early, v, Early::kClose); }},
    {"early-keep", kFlag, [](B& b, Value v) { return set_early(b.fault.early, v, Early::kKeep); }},
    {"no-continue", kFlag, [](B& b, Value v) { return set_flag(b.fault.no_continue, v); }},
    {"raw", kText, [](B& b, Value v) { return set_text(b.fault.raw, v); }},
    {"malformed", "a kind such as status-line or chunk-size",
     [](B& b, Value v) { return set_malformed(b.fault.malformed, v); }},
    {"extra", kText,
     [](B& b, Value v) {
       b.fault.extra = v;
       return true;
     }},
    {"extra-after", kDuration, [](B& b, Value v) { return set_duration(b.fault.extra_after, v); }},
};

struct MalformedName {
  std::string_view name;
  Malformed kind;
};
constexpr MalformedName kMalformedNames[] = {
    {"status-line", Malformed::kStatusLine},
    {"no-status", Malformed::kNoStatus},
    {"status-99", Malformed::kStatus99},
    {"status-1000", Malformed::kStatus1000},
    {"version", Malformed::kVersion},
    {"garbage", Malformed::kGarbage},
    {"header-no-colon", Malformed::kHeaderNoColon},
    {"header-space", Malformed::kHeaderSpace},
    {"header-fold", Malformed::kHeaderFold},
    {"header-nul", Malformed::kHeaderNul},
    {"header-control", Malformed::kHeaderControl},
    {"header-name", Malformed::kHeaderName},
    {"bare-lf", Malformed::kBareLf},
    {"bare-cr", Malformed::kBareCr},
    {"cl-te", Malformed::kClTe},
    {"two-lengths", Malformed::kTwoLengths},
    {"length-list", Malformed::kLengthList},
    {"length-sign", Malformed::kLengthSign},
    {"length-negative", Malformed::kLengthNegative},
    {"length-text", Malformed::kLengthText},
    {"length-overflow", Malformed::kLengthOverflow},
    {"te-unknown", Malformed::kTeUnknown},
    {"te-twice", Malformed::kTeTwice},
    {"bodiless-length", Malformed::kBodilessLength},
    {"huge-head", Malformed::kHugeHead},
    {"many-fields", Malformed::kManyFields},
    {"long-field", Malformed::kLongField},
    {"chunk-size", Malformed::kChunkSize},
    {"chunk-overflow", Malformed::kChunkOverflow},
    {"chunk-lf", Malformed::kChunkLf},
    {"chunk-no-crlf", Malformed::kChunkNoCrlf},
    {"chunk-sign", Malformed::kChunkSign},
    {"no-last-chunk", Malformed::kNoLastChunk},
};

}  // namespace

std::span<const Directive> directive_table() { return kDirectives; }

std::optional<Malformed> parse_malformed(std::string_view text) {
  for (const MalformedName& entry : kMalformedNames) {
    if (entry.name == text) return entry.kind;
  }
  return std::nullopt;
}

}  // namespace sluice
