#include "engine/proxy/count_exchange.h"

#include <algorithm>
#include <limits>

#include "engine/proxy/cost.h"

namespace sluice {
namespace {

constexpr std::uint16_t kClientClosedRequest = 499;  // nginx's word for it, known to dashboards

std::uint16_t code_of(const ExchangeReport& report) noexcept {
  const std::uint16_t status = report.late_status != 0 ? report.late_status : report.status;
  return status == 0 && report.client_gone ? kClientClosedRequest : status;
}

// At most an hour and a bit: as long as a request may take.
std::uint32_t microseconds(Duration duration) noexcept {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(duration / 1us, 0, std::numeric_limits<std::uint32_t>::max()));
}

// Whether the provider has failed, as far as we know.
bool is_fault(TryOutcome outcome) noexcept {
  switch (outcome) {
    case TryOutcome::kRateLimited:
    case TryOutcome::kAuthRejected:
    case TryOutcome::kServerError:
    case TryOutcome::kConnectFailed:
    case TryOutcome::kTimedOut: return true;
    case TryOutcome::kServed:
    case TryOutcome::kClientFault:
    case TryOutcome::kClientGone: break;
  }
  return false;
}

}  // namespace

void count_exchange(Shard& shard, const Exchange& exchange) noexcept {
  const ExchangeReport& report = exchange.report;
  if (exchange.head == nullptr && report.status == 0) return;  // a connection that said nothing
  ShardMetrics& metrics = exchange.worker->metrics;
  RequestLabels labels = report.labels;
  labels.code = code_of(report);
  metrics.count_request(labels);
  if (!exchange.forwarded) return;
  metrics.duration.add(shard.now() - exchange.began_at);
  if (report.queue_time > Duration::zero())
    metrics.queue_wait[rank_of(exchange.priority)].add(report.queue_time);
  if (report.attempts == 0) return;
  metrics.upstream.add(report.upstream_time);
  if (report.first_token_at != Instant{})
    metrics.first_token.add(report.first_token_at - exchange.began_at);
  // The head of a stream that waited has left before there was an answer.
  if (report.head_sent_at == Instant{} || exchange.stream_begun) return;
  metrics.overhead.add(report.head_sent_at - exchange.received_at - report.upstream_time -
                       report.queue_time);
}

void count_attempt(Shard& shard, Exchange& exchange, const Trial& trial, TryOutcome outcome,
                   const Ladder::Marks& marks) noexcept {
  ShardMetrics& metrics = exchange.worker->metrics;
  AccountLabels labels{.account = trial.attempt.account->label, .outcome = outcome};
  const ResponseHead* const head = trial.attempt.head;
  if (head != nullptr && head->status >= 400)
    labels.status = static_cast<std::uint16_t>(head->status);
  metrics.count_account(labels);
  if (is_fault(outcome)) {
    const std::uint16_t status = head == nullptr ? 0 : static_cast<std::uint16_t>(head->status);
    trial.attempt.account->state->last_fault().note(shard.now(), status,
                                                    static_cast<std::uint8_t>(outcome));
  }
  note_step(
      shard, exchange,
      {.kind = StepKind::kTry,
       .rung = trial.choice.rung,
       .outcome = step_outcome(outcome),
       .status = head == nullptr ? std::uint16_t{0} : static_cast<std::uint16_t>(head->status),
       .account = trial.attempt.account},
      trial.began_at);
  if (marks.cooldown.started)
    metrics.count_account({.account = labels.account, .event = AccountEvent::kCooldown});
  if (marks.breaker.opened)
    metrics.count_account({.account = labels.account, .event = AccountEvent::kBreakerOpened});
}

void note_step(Shard& shard, Exchange& exchange, DecisionStep step, Instant began) noexcept {
  step.at_us = microseconds(began - exchange.received_at);
  step.took_us = microseconds(shard.now() - began);
  exchange.trail.add(step, exchange.arena);
}

void keep_decision(Shard& shard, Exchange& exchange) noexcept {
  if (!exchange.forwarded) return;
  const std::int64_t age_ms = (shard.now() - exchange.received_at) / 1ms;
  exchange.worker->decisions.write(
      {.unix_ms = shard.unix_ms() - age_ms,
       .request_id = exchange.request_id,
       .model = exchange.model,
       .client = exchange.client_key == nullptr ? std::string_view() : exchange.client_key->name,
       .priority = exchange.priority,
       .strategy = exchange.directory().routing.strategy,
       .status = code_of(exchange.report),
       .queue_us = microseconds(exchange.report.queue_time)},
      exchange.trail);
}

void count_usage(Shard& shard, Exchange& exchange, const Account& account) noexcept {
  ExchangeReport& report = exchange.report;
  const auto [price, is_own] =
      exchange.directory().price_of(account, exchange.model, shard.unix_ms());
  report.priced = price.known();
  report.own_price = is_own;
  report.cost_nano_dollars = report.priced ? cost_nano_dollars(price, report.usage) : 0;
  if (exchange.client_key != nullptr)
    exchange.client_key->spending->add(static_cast<std::uint64_t>(report.cost_nano_dollars),
                                       shard.unix_ms());
  ShardMetrics& metrics = exchange.worker->metrics;
  metrics.count_usage(report.usage, static_cast<std::uint64_t>(report.cost_nano_dollars));
  if (!report.priced && report.usage.total > 0) ++metrics.unpriced;
}

}  // namespace sluice
