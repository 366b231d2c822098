#pragma once

#include "engine/proxy/ask_account.h"

namespace sluice {

// Whether this request may be sent to two accounts at once: it only generates, and nothing of it is
// kept by the provider.
[[nodiscard]] bool may_hedge(const Exchange& exchange) noexcept;

// Race - a request at one account and, once that has been slow for hedge.after, at a second one:
// whoever has an answer first wins, the other is called off. When one fails the other goes on.
//
// Affinity  one shard. Lifetime: one step of the exchange.
struct Race {
  Race(Shard& shard, Exchange& exchange, Choice&& choice)
      : change(shard), first(shard, exchange, std::move(choice)) {
    first.attempt.races = true;
    first.change = &change;
  }

  [[nodiscard]] Trial& won() noexcept { return second_won ? *second : first; }

  Signal change;
  Trial first;
  std::optional<Trial> second;
  bool second_won = false;
};

// Runs the race to its end: nobody is asking any more when this returns. Nothing: the answer of
// race.won() is the client's to have. Else how the trials ended, taken together.
Task<std::optional<TryResult>> run_race(Shard& shard, Exchange& exchange, Ladder& ladder,
                                        Race& race, HeldAnswer& held);

}  // namespace sluice
