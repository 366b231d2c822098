#include "engine/proxy/hedge.h"

#include <algorithm>

namespace sluice {
namespace {

bool has_answer(const Trial& trial) { return trial.ended && !trial.result; }

// A second account for a request whose first is slow: one with a free permit, if the budget allows
// it.
bool begin_second(Shard& shard, Exchange& exchange, Ladder& ladder, Race& race) {
  Worker& worker = *exchange.worker;
  Choice choice = ladder.second(race.first.choice.pool, shard.now());
  if (choice.kind != Choice::Kind::kTry) return false;
  const RetryBudgetPolicy budget = exchange.directory().routing.hedge.budget();
  if (!worker.hedges.take(shard.now(), budget)) {
    end_permit(shard, exchange, choice.permit, std::nullopt);
    return false;
  }
  ++worker.metrics.hedges;
  exchange.report.hedged = true;
  race.second.emplace(shard, exchange, std::move(choice));
  race.second->attempt.races = true;
  race.second->is_second = true;
  race.second->change = &race.change;
  return true;
}

// What two trials without an answer mean. Of two failures the weightier one tells: after one that
// is not safe to repeat there is no next account.
TryResult both(const TryResult& first, const TryResult& second) {
  using Kind = TryResult::Kind;
  for (const Kind kind : {Kind::kAnswered, Kind::kRefused}) {
    if (first.kind == kind) return first;
    if (second.kind == kind) return second;
  }
  TryResult next = second.answer != nullptr ? second : first;
  next.failed = first.failed || second.failed;
  return next;
}

}  // namespace

bool may_hedge(const Exchange& exchange) noexcept {
  if (exchange.directory().routing.hedge.after == Duration::zero()) return false;
  if (!exchange.json || exchange.head->method != Method::kPost) return false;
  switch (exchange.api) {
    case ApiKind::kChat:
    case ApiKind::kCompletions:
    case ApiKind::kEmbeddings:
    case ApiKind::kMessages: return true;
    default: return false;
  }
}

Task<std::optional<TryResult>> run_race(Shard& shard, Exchange& exchange, Ladder& ladder,
                                        Race& race, HeldAnswer& held) {
  const Duration after = exchange.directory().routing.hedge.after;
  Trial& first = race.first;
  Scope trials(shard);
  trials.spawn(ask_account(shard, exchange, ladder, first, held));
  bool looks = true;  // for a second account
  while (!first.ended && looks) {
    const bool sent = first.attempt.sent_at != kNever;
    const Instant slow_at = sent ? first.attempt.sent_at + after : kNever;
    const Limits limits{.deadline = slow_at};
    static_cast<void>(co_await race.change.wait(limits));
    if (exchange.cancel.requested()) break;
    if (first.ended || shard.now() < slow_at) continue;
    looks = false;
    if (begin_second(shard, exchange, ladder, race))
      trials.spawn(ask_account(shard, exchange, ladder, *race.second, held));
  }
  while (race.second && !has_answer(first) && !has_answer(*race.second) &&
         !(first.ended && race.second->ended)) {
    static_cast<void>(co_await race.change.wait());
  }
  race.second_won = race.second && !has_answer(first) && has_answer(*race.second);
  if (race.second) {
    Trial& lost = race.second_won ? first : *race.second;
    if (!lost.ended) lost.attempt.call_off();
    co_await trials.join();
    const bool won = has_answer(race.won());
    if (won && has_answer(lost)) discard_answer(shard, exchange, ladder, lost);
    if (won)
      exchange.report.hedge_winner = race.second_won ? HedgeWinner::kSecond : HedgeWinner::kFirst;
    exchange.report.upstream_time += waited_since(shard, first.attempt.asked_at);
  } else {
    co_await trials.join();
    exchange.report.upstream_time += first.attempt.waited;
  }
  if (has_answer(race.won())) co_return std::nullopt;
  co_return race.second ? both(*first.result, *race.second->result) : *first.result;
}

}  // namespace sluice
