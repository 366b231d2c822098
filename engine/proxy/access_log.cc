#include "engine/proxy/access_log.h"

namespace sluice {
namespace {

// What clients and providers choose is cut, so that all the rest has room in the line: with the
// longest name, number and id that there can be, these sum up to less than kLogLineBytesMax
// (tests/unit/proxy/access_line_room_test.cc).
constexpr std::size_t kMethodBytesMax = 32;  // the longest registered one has 17
constexpr std::size_t kPathBytesMax = 256;
constexpr std::size_t kModelBytesMax = 256;  // what a configuration may name
constexpr std::size_t kErrorBytesMax = 384;  // our sentences with a provider's reason in them

std::int64_t microseconds(Duration duration) { return duration / 1us; }

}  // namespace

void log_exchange(Shard& shard, const Exchange& exchange) {
  if (exchange.head == nullptr && exchange.report.status == 0)
    return;  // a connection that said nothing
  if (!shard.log().enabled(LogLevel::kInfo)) return;
  const ExchangeReport& report = exchange.report;
  LogLine line(shard.log(), LogLevel::kInfo, "request");
  line.field("id", exchange.request_id);
  if (exchange.head != nullptr)
    line.field("method", exchange.head->method_text, kMethodBytesMax)
        .field("path", exchange.head->path, kPathBytesMax);
  line.field("status", report.status);
  if (report.late_status != 0) line.field("late_status", report.late_status);
  if (exchange.client_key != nullptr) line.field("client", exchange.client_key->name);
  if (!exchange.model.empty()) line.field("model", exchange.model, kModelBytesMax);
  if (!report.account.empty()) line.field("account", report.account).field("pool", report.pool);
  if (!report.degraded.empty()) line.field("degraded", report.degraded);
  if (report.attempts > 0) line.field("attempts", report.attempts);
  if (report.hedged) line.field("hedged", "true");
  switch (report.hedge_winner) {
    case HedgeWinner::kNone: break;
    case HedgeWinner::kFirst: line.field("won", "first"); break;
    case HedgeWinner::kSecond: line.field("won", "second"); break;
  }
  if (report.queue_time > Duration::zero()) {
    line.field("priority", priority_text(exchange.priority))
        .field("queue_us", microseconds(report.queue_time));
  }
  line.field("request_bytes", static_cast<std::int64_t>(report.body_bytes_in));
  line.field("answer_bytes", static_cast<std::int64_t>(report.body_bytes_out));
  if (report.usage.seen || report.usage.estimated) {
    line.field("prompt_tokens", report.usage.prompt)
        .field("completion_tokens", report.usage.completion);
    line.field("total_tokens", report.usage.total);
    if (report.usage.cached_read > 0) line.field("cached_tokens", report.usage.cached_read);
    if (report.usage.reasoning > 0) line.field("reasoning_tokens", report.usage.reasoning);
    if (report.usage.estimated) line.field("usage", "estimated");
  }
  if (report.first_token_at != Instant{})
    line.field("ttft_us", microseconds(report.first_token_at - exchange.began_at));
  line.field("total_us", microseconds(shard.now() - exchange.began_at));
  if (report.client_gone) line.field("ended", "the client left");
  if (!report.error.empty()) line.field("error", report.error, kErrorBytesMax);
}

}  // namespace sluice
