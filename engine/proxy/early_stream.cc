#include "engine/proxy/early_stream.h"

#include <charconv>
#include <cstring>

#include "engine/llm/usage_tap.h"
#include "engine/proxy/head_text.h"
#include "engine/proxy/response_head.h"
#include "parser/chunked.h"

namespace sluice {
namespace {

constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Whether the head may go before anything is known of the answer: a stream is asked for, and the
// body's end can be told without a length.
bool may_begin_early(const Exchange& exchange) noexcept {
  if (!exchange.json || !exchange.probe.stream) return false;
  if (exchange.head->method != Method::kPost || exchange.head->minor_version == 0) return false;
  switch (exchange.api) {
    case ApiKind::kChat:
    case ApiKind::kCompletions:
    case ApiKind::kResponses:
    case ApiKind::kMessages: return true;
    default: return false;
  }
}

// `text` as one chunk.
std::string_view chunk_of(Arena& arena, std::string_view text) {
  std::array<char, kChunkHeadBytesMax> head;
  const std::size_t bytes = write_chunk_head(head.data(), text.size());
  return arena.join(std::string_view(head.data(), bytes), text, "\r\n");
}

// A line end between two tokens of a JSON text is as good as a blank, and none stands within a
// token: one line of an event holds it all.
std::string_view in_one_line(Arena& arena, std::string_view json) {
  while (!json.empty() && (json.back() == '\n' || json.back() == '\r')) json.remove_suffix(1);
  char* const out = arena.bytes(json.size() + 1);
  for (std::size_t i = 0; i < json.size(); ++i)
    out[i] = json[i] == '\n' || json[i] == '\r' ? ' ' : json[i];
  return {out, json.size()};
}

// Sends `events`, all that is left of the body, and its end.
Task<Result<void>> send_last(Shard& shard, Exchange& exchange, std::string_view events) {
  Outbox outbox(shard.blocks());
  outbox.add(chunk_of(exchange.arena, events));
  outbox.add(kLastChunk);
  exchange.answered = true;
  exchange.report.body_bytes_out += events.size();
  if (exchange.head->close || exchange.worker->draining) exchange.ending = Ending::kClose;
  // Everything is called off by now when the drain is over: a last word, to a client that takes it
  // at once.
  constexpr Duration kLastWord = 100ms;
  WriteLimits limits{.stall = exchange.settings().client_stall, .cancel = &exchange.worker->cut};
  if (exchange.worker->cut.requested()) limits = WriteLimits{.stall = kLastWord};
  const Result<void> written = co_await write_all(shard, *exchange.client, outbox, limits);
  if (!written) exchange.ending = Ending::kClose;
  co_return written;
}

std::string_view type_of(int status) {
  return status >= 500 ? "server_error" : "invalid_request_error";
}

}  // namespace

QueueComments::QueueComments(const Exchange& exchange, Instant began) noexcept : began_(began) {
  const Duration interval = exchange.directory().routing.queue.comments;
  if (interval > Duration::zero() && may_begin_early(exchange)) due_ = began + interval;
}

Task<void> say_queued(Shard& shard, Exchange& exchange, QueueComments& comments) {
  const Duration waited = exchange.report.queue_time + (shard.now() - comments.began_);
  constexpr std::string_view kWords = ": queued wait_ms=";
  char text[40];  // the words, 19 digits, a blank line
  std::memcpy(text, kWords.data(), kWords.size());
  char* end = std::to_chars(text + kWords.size(), std::end(text) - 2, waited / 1ms).ptr;
  *end++ = '\n';
  *end++ = '\n';
  const auto bytes = static_cast<std::size_t>(end - text);
  char* const chunk = comments.text_.data();
  const std::size_t head_bytes = write_chunk_head(chunk, bytes);
  std::memcpy(chunk + head_bytes, text, bytes);
  std::memcpy(chunk + head_bytes + bytes, "\r\n", 2);
  Outbox outbox(shard.blocks());
  if (!exchange.stream_begun) {
    if (exchange.head->close || exchange.worker->draining) exchange.ending = Ending::kClose;
    outbox.add(write_early_head(exchange, shard.unix_ms(), shard.now()));
    exchange.stream_begun = true;
    exchange.report.status = 200;
    exchange.report.head_sent_at = shard.now();
  }
  outbox.add({chunk, head_bytes + bytes + 2});
  const WriteLimits limits{.stall = exchange.settings().client_stall, .cancel = &exchange.cancel};
  const Result<void> written = co_await write_all(shard, *exchange.client, outbox, limits);
  comments.due_ = shard.now() + exchange.directory().routing.queue.comments;
  if (written) co_return;
  // Perhaps in the middle of it: nothing can follow.
  exchange.answered = true;
  Error cause = written.error();
  cause.side = Side::kDownstream;
  exchange.cancel.request(cause);
}

Task<void> send_error_event(Shard& shard, Exchange& exchange, const Answer& answer) {
  const std::string_view event = error_event(exchange, answer);
  exchange.report.late_status = answer.status;
  exchange.report.error = answer.message;
  static_cast<void>(co_await send_last(shard, exchange, event));
}

Task<void> send_provider_error(Shard& shard, Exchange& exchange, const ResponseHead& head,
                               std::string_view body, std::optional<Duration> retry_after) {
  Arena& arena = exchange.arena;
  exchange.report.late_status = static_cast<std::uint16_t>(head.status);
  const bool told = answer_kind(head) == AnswerKind::kJson && body.contains("\"error\"");
  std::string_view event;
  if (told) {
    const std::string_view name = exchange.api == ApiKind::kMessages ? "event: error\n" : "";
    event = arena.join(name, "data: ", in_one_line(arena, body), "\n\n");
  } else {
    char digits[8];
    const auto end = std::to_chars(digits, std::end(digits), head.status).ptr;
    const std::string_view status(digits, static_cast<std::size_t>(end - digits));
    event = error_event(exchange, {.status = static_cast<std::uint16_t>(head.status),
                                   .type = type_of(head.status),
                                   .code = "upstream_error",
                                   .message = arena.join("the provider answered ", status),
                                   .retry_after = retry_after});
  }
  static_cast<void>(co_await send_last(shard, exchange, event));
}

Task<RelayEnd> relay_as_event(Shard& shard, Exchange& exchange, Attempt& attempt, AnswerKind kind) {
  constexpr std::size_t kBytesMax = 1024 * 1024;  // of an answer that becomes one event
  const ResponseHead& head = *attempt.head;
  Arena& arena = exchange.arena;
  const BodyBounds bounds{.bytes_max = kBytesMax, .deadline = attempt.deadline};
  const std::optional<std::string_view> body =
      co_await read_whole_body(shard, exchange, attempt, bounds);
  release_connection(exchange, attempt, body && can_be_reused(attempt));
  if (!body) {
    exchange.ending = Ending::kClose;
    const Error& cause = exchange.cancel.cause();
    if (exchange.cancel.requested())
      co_return cause.code == Errc::kDrained ? RelayEnd::kCut : RelayEnd::kClientGone;
    attempt.broke = Error{.code = Errc::kEndOfStream, .side = Side::kUpstream};
    co_return RelayEnd::kUpstreamBroke;
  }
  UsageTap tap(kind, arena);
  tap.watch(*body);
  exchange.report.usage = usage_of(tap, attempt);
  if (head.status >= 300) {
    co_await send_provider_error(shard, exchange, head, *body, std::nullopt);
    co_return RelayEnd::kComplete;
  }
  if (kind != AnswerKind::kJson) {
    const Answer strange{.status = 502,
                         .type = "server_error",
                         .code = "upstream_invalid_response",
                         .message = "the provider answered 2xx, with neither events nor JSON",
                         .never_retry = true};
    co_await send_error_event(shard, exchange, strange);
    co_return RelayEnd::kComplete;
  }
  exchange.report.first_token_at = shard.now();
  const std::string_view done = api_injects_usage(exchange.api) ? "data: [DONE]\n\n" : "";
  const std::string_view events = arena.join("data: ", in_one_line(arena, *body), "\n\n", done);
  const Result<void> sent = co_await send_last(shard, exchange, events);
  co_return sent ? RelayEnd::kComplete : RelayEnd::kClientGone;
}

std::string_view served_comment(Exchange& exchange) {
  if (!exchange.settings().identity_headers) return {};
  const ExchangeReport& report = exchange.report;
  HeadText text(exchange.arena, 160 + report.account.size());
  text.add(": served account=").add(report.account).add(" pool=").add(report.pool);
  if (!report.degraded.empty()) text.add(" degraded=").add(report.degraded);
  text.add(" attempts=").add(report.attempts);
  text.add(" queue_ms=").add(report.queue_time / 1ms);
  return text.add("\n\n").take();
}

}  // namespace sluice
