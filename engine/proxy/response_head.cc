#include "engine/proxy/response_head.h"

#include "base/units.h"
#include "engine/proxy/client_limits.h"
#include "engine/proxy/head_text.h"
#include "parser/http_date.h"

namespace sluice {
namespace {

// The status line, the blank line and our fields at their longest come to 457 bytes, without the
// account's name and the request's id; those of a client's limits to 324.
constexpr std::size_t kOwnFieldBytes = 512;
constexpr std::size_t kLimitFieldBytes = 384;
constexpr std::string_view kUpstreamIdName = "x-upstream-request-id";

std::size_t head_bytes_max(const ResponseHead& response) {
  std::size_t bytes = response.reason.size() + kOwnFieldBytes;
  for (const Field& field : response.fields) {
    const bool renamed = field.id == FieldId::kXRequestId;
    bytes += (renamed ? kUpstreamIdName.size() : field.name.size()) + field.value.size() + 4;
    if (field.id == FieldId::kRequestId) bytes += kUpstreamIdName.size() + field.value.size() + 4;
  }
  return bytes;
}

// Writes one field of the provider's, unless it is ours to say.
void relay_field(HeadText& text, const Field& field, const RelayPlan& plan) {
  switch (field.id) {
    case FieldId::kContentLength:  // framing is written once, by add_framing()
    case FieldId::kXSluice:        // ours alone
    case FieldId::kXUpstreamRequestId: return;
    case FieldId::kXRequestId: text.field(kUpstreamIdName, field.value); return;
    case FieldId::kCacheControl:
    case FieldId::kXAccelBuffering:
      if (!plan.event_stream) text.field(field.name, field.value);
      return;
    case FieldId::kRateLimit:
      if (!plan.client_limits) text.field(field.name, field.value);
      return;
    case FieldId::kRetryAfter:
    case FieldId::kRetryAfterMs:
      if (!plan.retry_after) text.field(field.name, field.value);
      return;
    default: text.field(field.name, field.value); return;
  }
}

// Anthropic calls its id request-id. Its own clients look for that name, so the field stays too.
void add_upstream_id(HeadText& text, const ResponseHead& response) {
  if (response.fields.find(FieldId::kXRequestId) != nullptr) return;  // told already
  const Field* const id = response.fields.find(FieldId::kRequestId);
  if (id != nullptr && !id->drop) text.field(kUpstreamIdName, id->value);
}

void add_identity(HeadText& text, const Exchange& exchange, const ResponseHead& response,
                  const RelayPlan& plan, Instant now) {
  text.field("x-request-id", exchange.request_id);
  if (response.status >= 400) text.field("x-sluice-error-source", "upstream");
  if (!plan.degraded.empty()) text.field("x-sluice-degraded", plan.degraded);
  if (!exchange.settings().identity_headers) return;
  const ExchangeReport& report = exchange.report;
  const Duration overhead = now - exchange.received_at - report.upstream_time - report.queue_time;
  text.field("x-sluice-account", plan.account);
  text.field("x-sluice-pool", plan.pool);
  text.field("x-sluice-attempts", report.attempts);
  text.field("x-sluice-queue-ms", report.queue_time / 1ms);
  text.field("x-sluice-overhead-us", overhead / 1us);
}

void add_framing(HeadText& text, const Exchange& exchange, const ResponseHead& response,
                 const RelayPlan& plan) {
  switch (plan.framing) {
    case OutFraming::kLength:
      text.field("content-length", static_cast<std::int64_t>(response.content_length));
      break;
    case OutFraming::kChunked: text.field("transfer-encoding", "chunked"); break;
    case OutFraming::kClose: break;
    case OutFraming::kNone:
      // What GET would have sent; 204 and 1xx have no length (RFC 9110 section 8.6).
      if (const Field* const length = response.fields.find(FieldId::kContentLength);
          length != nullptr && response.status != 204) {
        text.field("content-length", length->value);
      }
      break;
  }
  if (exchange.ending != Ending::kKeepAlive) text.field("connection", "close");
}

}  // namespace

OutFraming choose_framing(const RequestHead& request, const ResponseHead& response,
                          bool filtered) noexcept {
  if (response.framing == BodyFraming::kNone) {
    const bool bodiless =
        request.method == Method::kHead || response.status == 204 || response.status == 304;
    return bodiless ? OutFraming::kNone : OutFraming::kLength;
  }
  if (response.framing == BodyFraming::kLength && !filtered) return OutFraming::kLength;
  return request.minor_version == 0 ? OutFraming::kClose : OutFraming::kChunked;
}

std::string_view write_response_head(Exchange& exchange, const ResponseHead& response,
                                     const RelayPlan& wanted, Instant now) {
  RelayPlan plan = wanted;
  plan.client_limits = has_client_limits(exchange);
  HeadText text(exchange.arena, head_bytes_max(response) + plan.account.size() +
                                    exchange.request_id.size() +
                                    (plan.client_limits ? kLimitFieldBytes : 0));
  text.add("HTTP/1.1 ").add(response.status).add(" ").add(response.reason).add("\r\n");
  for (const Field& field : response.fields) {
    if (!field.drop) relay_field(text, field, plan);
  }
  add_upstream_id(text, response);
  if (plan.event_stream) text.field("cache-control", "no-cache").field("x-accel-buffering", "no");
  if (plan.retry_after) {
    text.field("retry-after", retry_after_seconds(*plan.retry_after));
    text.field("retry-after-ms", retry_after_milliseconds(*plan.retry_after));
  }
  add_client_limits(text, exchange, now);
  add_identity(text, exchange, response, plan, now);
  add_framing(text, exchange, response, plan);
  return text.add("\r\n").take();
}

std::string_view write_early_head(Exchange& exchange, std::int64_t unix_ms, Instant now) {
  HeadText text(exchange.arena, kOwnFieldBytes + kLimitFieldBytes + exchange.request_id.size());
  char date[kHttpDateBytes];
  write_http_date(date, unix_ms / 1000);
  text.add("HTTP/1.1 200 OK\r\n").field("date", std::string_view(date, kHttpDateBytes));
  text.field("content-type", "text/event-stream");
  text.field("cache-control", "no-cache").field("x-accel-buffering", "no");
  add_client_limits(text, exchange, now);
  text.field("x-request-id", exchange.request_id);
  text.field("transfer-encoding", "chunked");
  if (exchange.ending != Ending::kKeepAlive) text.field("connection", "close");
  return text.add("\r\n").take();
}

AnswerKind answer_kind(const ResponseHead& response) noexcept {
  const auto value = [&response](FieldId id) {
    const Field* const field = response.fields.find(id);
    return field == nullptr ? std::string_view{} : field->value;
  };
  return classify_answer(value(FieldId::kContentType), value(FieldId::kContentEncoding));
}

std::string_view write_interim_head(Arena& arena, const ResponseHead& response) {
  HeadText text(arena, head_bytes_max(response));
  text.add("HTTP/1.1 ").add(response.status).add(" ").add(response.reason).add("\r\n");
  for (const Field& field : response.fields) {
    if (!field.drop) relay_field(text, field, RelayPlan{});
  }
  return text.add("\r\n").take();
}

}  // namespace sluice
