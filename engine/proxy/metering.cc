#include "engine/proxy/metering.h"

#include "store/journal/journal_writer.h"

namespace sluice {
namespace {

std::uint64_t microseconds(Duration duration) {
  return static_cast<std::uint64_t>(std::max(duration, Duration::zero()) / 1us);
}

// What is known of a request from its beginning.
UsageEvent event_of(Shard& shard, const Exchange& exchange) {
  UsageEvent event;
  event.unix_ms = shard.unix_ms();
  event.attempt = static_cast<std::uint16_t>(exchange.report.attempts);
  event.request_id = exchange.request_id;
  if (exchange.client_key != nullptr) event.client_key = exchange.client_key->name;
  event.model = exchange.model;
  event.queue_us = microseconds(exchange.report.queue_time);
  return event;
}

UsageEvent event_of(Shard& shard, const Exchange& exchange, const Trial& trial) {
  UsageEvent event = event_of(shard, exchange);
  const Account& account = *trial.attempt.account;
  event.attempt = static_cast<std::uint16_t>(trial.number);
  event.account = account.name;
  event.pool = pool_text(account.pool);
  event.native_model = trial.choice.native_model;
  if (trial.choice.rung == Rung::kFallback) event.flags |= kUsageFallback;
  if (trial.choice.rung == Rung::kEmergency) event.flags |= kUsageEmergency;
  return event;
}

void add_usage(UsageEvent& event, const ExchangeReport& report) {
  const Usage& usage = report.usage;
  event.prompt_tokens = token_count(usage.prompt);
  event.completion_tokens = token_count(usage.completion);
  event.total_tokens = token_count(usage.total);
  event.cached_read_tokens = token_count(usage.cached_read);
  event.cached_write_tokens = token_count(usage.cached_write);
  event.reasoning_tokens = token_count(usage.reasoning);
  if (usage.estimated) event.flags |= kUsageTokensGuessed;
  if (!report.priced) return;
  event.flags |= kUsageCostKnown;
  if (report.own_price) event.flags |= kUsageOwnPrice;
  event.cost_nano_dollars = report.cost_nano_dollars;
}

}  // namespace

bool meter_start(Shard& shard, Exchange& exchange, Trial& trial) {
  JournalWriter* const journal = exchange.worker->journal;
  if (journal == nullptr) return true;
  UsageEvent event = event_of(shard, exchange, trial);
  if (trial.is_second) event.flags |= kUsageHedged;
  event.reserved_tokens = trial.choice.permit.tokens_reserved();
  event.client_reserved_tokens = exchange.client_pass.tokens_reserved();
  trial.metered_as = journal->start(event);
  exchange.asked = exchange.asked || trial.metered_as.any();
  if (trial.metered_as.any()) return true;
  ++exchange.worker->metrics.journal_refusals;
  return false;
}

void meter_end(Shard& shard, Exchange& exchange, Trial& trial, bool told, bool relayed) {
  if (!trial.metered_as.any()) return;
  const Attempt& attempt = trial.attempt;
  const ExchangeReport& report = exchange.report;
  UsageEvent event = event_of(shard, exchange, trial);
  if (attempt.head != nullptr) event.status = static_cast<std::uint16_t>(attempt.head->status);
  if (attempt.broke.code != Errc::kOk) event.flags |= kUsageBrokenOff;
  if (report.hedged) event.flags |= kUsageHedged;
  if (exchange.probe.stream) event.flags |= kUsageStreamed;
  if (trial.choice.permit.held()) event.flags |= kUsageUnsent;
  else if (!told) event.flags |= kUsageReserved;
  event.latency_us = microseconds(shard.now() - trial.began_at);
  event.sent_ms = (microseconds(trial.settled_at - trial.began_at) + 999) / 1000;
  if (relayed) {
    if (exchange.answered) {
      event.flags |= kUsageLast;
      exchange.metered = true;
    }
    if (report.client_gone) event.flags |= kUsageClientGone;
    if (report.first_token_at != Instant{})
      event.first_token_us = microseconds(report.first_token_at - trial.began_at);
    add_usage(event, report);
  }
  const std::uint64_t sequence =
      exchange.worker->journal->end(event, std::exchange(trial.metered_as, {}));
  exchange.trail.add_row({event.unix_ms, sequence}, exchange.arena);
}

void meter_unserved(Shard& shard, Exchange& exchange) {
  JournalWriter* const journal = exchange.worker->journal;
  if (journal == nullptr || !exchange.forwarded || exchange.metered) return;
  UsageEvent event = event_of(shard, exchange);
  // One whose only attempt found no room in the journal is the first that is told of its request.
  if (!exchange.asked) event.attempt = 0;
  if (exchange.client_pass.refused()) event.flags |= kUsageOverLimit;
  const ExchangeReport& report = exchange.report;
  if (exchange.asked) {
    event.account = report.account;
    event.pool = report.pool;
  }
  event.status = report.late_status != 0 ? report.late_status : report.status;
  event.latency_us = microseconds(shard.now() - exchange.received_at);
  if (report.client_gone) event.flags |= kUsageClientGone;
  if (exchange.probe.stream) event.flags |= kUsageStreamed;
  const std::uint64_t sequence = journal->refused(event);
  if (sequence == 0) ++exchange.worker->metrics.journal_refusals;
  else exchange.trail.add_row({event.unix_ms, sequence}, exchange.arena);
}

Answer metering_stuck() {
  return Answer{.status = 503,
                .type = "server_error",
                .code = "usage_journal_full",
                .message =
                    "the gateway cannot record what requests use and so forwards none: its "
                    "disk is full or fails (see its log)",
                .retry_after = 1s};
}

}  // namespace sluice
