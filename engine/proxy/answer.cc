#include "engine/proxy/answer.h"

#include "base/units.h"
#include "engine/proxy/client_limits.h"
#include "engine/proxy/early_stream.h"
#include "engine/proxy/head_text.h"
#include "engine/proxy/json_text.h"
#include "engine/proxy/reason_phrase.h"
#include "parser/http_date.h"

namespace sluice {
namespace {

constexpr std::string_view kInvalidRequest = "invalid_request_error";

// The members of an error object, without its braces.
std::string_view error_members(Arena& arena, const Answer& answer) {
  return arena.join("\"message\":\"", escape_json(arena, answer.message), "\",\"type\":\"",
                    answer.type, "\",\"param\":", quote_or_null(arena, answer.param),
                    ",\"code\":", quote_or_null(arena, answer.code));
}

std::string_view error_document(Arena& arena, const Answer& answer) {
  return arena.join("{\"error\":{", error_members(arena, answer), "}}\n");
}

std::string_view answer_head(Shard& shard, Exchange& exchange, const Answer& answer,
                             std::size_t body_bytes) {
  HeadText text(exchange.arena, 1024 + answer.allow.size());
  text.add("HTTP/1.1 ").add(answer.status).add(" ").add(reason_phrase(answer.status)).add("\r\n");
  char date[kHttpDateBytes];
  write_http_date(date, shard.unix_ms() / 1000);
  text.field("date", std::string_view(date, kHttpDateBytes));
  // Documents are JSON objects or plain lines.
  const bool lines = !answer.document.empty() && answer.document.front() != '{';
  text.field("content-type", lines ? "text/plain; charset=utf-8" : "application/json");
  text.field("content-length", static_cast<std::int64_t>(body_bytes));
  if (!exchange.request_id.empty()) text.field("x-request-id", exchange.request_id);
  if (answer.document.empty()) text.field("x-sluice-error-source", "gateway");
  if (exchange.report.attempts > 0 && exchange.settings().identity_headers) {
    text.field("x-sluice-attempts", exchange.report.attempts);
  }
  if (answer.retry_after) {
    text.field("retry-after", retry_after_seconds(*answer.retry_after));
    text.field("retry-after-ms", retry_after_milliseconds(*answer.retry_after));
  }
  add_client_limits(text, exchange, shard.now());
  if (answer.never_retry) text.field("x-should-retry", "false");
  if (!answer.allow.empty()) text.field("allow", answer.allow);
  if (answer.authenticate) text.field("www-authenticate", "Bearer realm=\"sluice\"");
  if (exchange.ending != Ending::kKeepAlive) text.field("connection", "close");
  return text.add("\r\n").take();
}

}  // namespace

std::unexpected<const Answer*> refuse(Exchange& exchange, const Answer& answer) {
  return std::unexpected<const Answer*>(exchange.arena.make<Answer>(answer));
}

std::unexpected<const Answer*> nobody() noexcept {
  static constexpr Answer kNobody{};
  return std::unexpected<const Answer*>(&kNobody);
}

Answer answer_refusal(const Refusal& refusal) {
  Answer answer{.status = refusal.status, .type = kInvalidRequest, .message = refusal.message};
  switch (refusal.status) {
    case 413:
    case 414:
    case 431: answer.code = "request_too_large"; break;
    case 405: answer.code = "method_not_allowed"; break;
    default: break;
  }
  answer.close = true;
  return answer;
}

Answer bad_request(std::string_view message, std::string_view param) {
  return Answer{.status = 400, .type = kInvalidRequest, .param = param, .message = message};
}

Answer too_large(std::string_view message) {
  return Answer{.status = 413,
                .type = kInvalidRequest,
                .code = "request_too_large",
                .message = message,
                .close = true};
}

Answer overloaded(std::string_view message) {
  constexpr Duration kSoon = 1s;  // what is lacking comes back as other requests end
  return Answer{.status = 503,
                .type = "server_error",
                .code = "gateway_overloaded",
                .message = message,
                .retry_after = kSoon};
}

Answer not_found(std::string_view code, std::string_view message) {
  return Answer{.status = 404, .type = kInvalidRequest, .code = code, .message = message};
}

std::string_view error_event(Exchange& exchange, const Answer& answer) {
  Arena& arena = exchange.arena;
  HeadText more(arena, 80);
  if (answer.status != 0) more.add(",\"status\":").add(answer.status);
  if (answer.retry_after)
    more.add(",\"retry_after_ms\":").add(ceil_milliseconds(*answer.retry_after));
  // Who speaks Anthropic's API goes by the event's name.
  const std::string_view begin = exchange.api == ApiKind::kMessages
                                     ? "event: error\ndata: {\"type\":\"error\",\"error\":{"
                                     : "data: {\"error\":{";
  return arena.join(begin, error_members(arena, answer), more.take(), "}}\n\n");
}

Task<void> send_answer(Shard& shard, Exchange& exchange, const Answer& answer) {
  if (answer.status == 0 || exchange.answered) {
    exchange.ending = Ending::kClose;
    co_return;
  }
  if (exchange.stream_begun) {
    co_await send_error_event(shard, exchange, answer);
    co_return;
  }
  const bool client_closes = exchange.head == nullptr || exchange.head->close;
  if (answer.close) exchange.ending = Ending::kLinger;
  else if (client_closes || exchange.worker->draining) exchange.ending = Ending::kClose;
  const std::string_view body =
      answer.document.empty() ? error_document(exchange.arena, answer) : answer.document;
  Outbox outbox(shard.blocks());
  outbox.add(answer_head(shard, exchange, answer, body.size()));
  const bool head_request = exchange.head != nullptr && exchange.head->method == Method::kHead;
  if (!head_request) outbox.add(body);
  exchange.answered = true;
  exchange.report.status = answer.status;
  exchange.report.error = answer.document.empty() ? answer.message : std::string_view{};
  exchange.report.head_sent_at = shard.now();
  const WriteLimits limits{.stall = exchange.settings().client_stall,
                           .cancel = &exchange.worker->cut};
  const Result<void> written = co_await write_all(shard, *exchange.client, outbox, limits);
  if (!written) exchange.ending = Ending::kClose;
  if (!head_request) exchange.report.body_bytes_out = body.size();
}

}  // namespace sluice
