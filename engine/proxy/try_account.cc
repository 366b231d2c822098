#include "engine/proxy/try_account.h"

#include "engine/proxy/count_exchange.h"
#include "engine/proxy/early_stream.h"

namespace sluice {
namespace {

// The exchange's report tells of the account that was tried last, or has answered.
void note_account(Exchange& exchange, const Account& account, Rung rung) {
  exchange.report.account = account.name;
  exchange.report.pool = pool_text(account.pool);
  exchange.report.labels.account = account.label;
  exchange.report.labels.pool = pool_label(account.pool);
  exchange.report.degraded = degraded_text(rung);
}

// As the whole answer of an exchange that has none yet.
Task<void> send_held(Shard& shard, Exchange& exchange, const HeldAnswer& held,
                     std::optional<Duration> retry_after) {
  RelayPlan plan;
  plan.account = held.account->name;
  plan.pool = pool_text(held.account->pool);
  plan.degraded = degraded_text(held.rung);
  plan.retry_after = retry_after;
  // The body is at hand as a whole: its length is known, whatever the provider's framing was.
  ResponseHead head = *held.head;
  head.content_length = held.body.size();
  head.framing = held.body.empty() ? BodyFraming::kNone : BodyFraming::kLength;
  const bool head_request = exchange.head->method == Method::kHead;
  plan.framing = head_request ? OutFraming::kNone : OutFraming::kLength;
  if (exchange.head->close || exchange.worker->draining) exchange.ending = Ending::kClose;
  Outbox outbox(shard.blocks());
  outbox.add(write_response_head(exchange, head, plan, shard.clock().now()));
  if (!head_request) outbox.add(held.body);
  exchange.report.body_bytes_out = head_request ? 0 : held.body.size();
  exchange.answered = true;
  exchange.report.status = static_cast<std::uint16_t>(head.status);
  exchange.report.head_sent_at = shard.now();
  const WriteLimits limits{.stall = exchange.settings().client_stall, .cancel = &exchange.cancel};
  const Result<void> written = co_await write_all(shard, *exchange.client, outbox, limits);
  if (written) co_return;
  exchange.ending = Ending::kClose;
  exchange.report.client_gone = written.error().side == Side::kDownstream;
}

}  // namespace

Task<TryResult> try_account(Shard& shard, Exchange& exchange, Ladder& ladder, Choice& choice,
                            HeldAnswer& held, Seat& seat) {
  if (seat.race != nullptr) {
    Race& race = seat.race->emplace(shard, exchange, std::move(choice));
    note_account(exchange, *race.first.attempt.account, race.first.choice.rung);
    const std::optional<TryResult> ended = co_await run_race(shard, exchange, ladder, race, held);
    if (ended) co_return *ended;
    seat.answers = &race.won();
    note_account(exchange, *race.won().attempt.account, race.won().choice.rung);
    co_return TryResult{};
  }
  Trial& trial = seat.trial->emplace(shard, exchange, std::move(choice));
  note_account(exchange, *trial.attempt.account, trial.choice.rung);
  co_await ask_account(shard, exchange, ladder, trial, held);
  exchange.report.upstream_time += trial.attempt.waited;
  if (trial.result) co_return *trial.result;
  seat.answers = &trial;
  co_return TryResult{};
}

void begin_relay(Shard& shard, Exchange& exchange, Trial& trial) {
  exchange.release_body();
  // A provider that answers is well, however long the answer takes.
  Permit& permit = trial.choice.permit;
  if (!permit.probing() || judge_status(trial.attempt.head->status).outcome != TryOutcome::kServed)
    return;
  permit.succeeded();
  if (trial.attempt.account->state->wanted().by_anybody())
    exchange.worker->dispatcher->nudge(shard);
}

Served settle_relayed(Shard& shard, Exchange& exchange, Trial& trial, RelayEnd end) {
  const Attempt& attempt = trial.attempt;
  exchange.report.client_gone = end == RelayEnd::kClientGone;
  const bool called_off = end == RelayEnd::kClientGone || end == RelayEnd::kCut;
  const TryOutcome outcome = called_off ? TryOutcome::kClientGone
                             : end == RelayEnd::kUpstreamBroke
                                 ? TryOutcome::kServerError
                                 : judge_status(attempt.head->status).outcome;
  if (outcome == TryOutcome::kServed && exchange.report.first_token_at != Instant{}) {
    attempt.account->state->latency().update(exchange.report.first_token_at - attempt.asked_at,
                                             shard.now());
  }
  if (end == RelayEnd::kUpstreamBroke && exchange.answered)
    exchange.report.late_status = attempt.broke.code == Errc::kTimedOut ? 504 : 502;
  report_relayed(shard, exchange, trial, outcome);
  count_usage(shard, exchange, *attempt.account);
  end_trial(shard, exchange, trial, tokens_counted(outcome, tokens_used(exchange.report.usage)),
            true);
  if (end == RelayEnd::kUpstreamBroke && !exchange.answered)
    return std::unexpected(upstream_failure(exchange, attempt, attempt.broke));
  return {};
}

Task<void> relay_held(Shard& shard, Exchange& exchange, const HeldAnswer& held,
                      std::optional<Duration> retry_after) {
  note_account(exchange, *held.account, held.rung);
  if (exchange.stream_begun) {
    co_await send_provider_error(shard, exchange, *held.head, held.body, retry_after);
  } else {
    co_await send_held(shard, exchange, held, retry_after);
  }
}

}  // namespace sluice
