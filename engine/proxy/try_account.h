#pragma once

#include "engine/proxy/hedge.h"
#include "engine/proxy/relay_response.h"

namespace sluice {

// Seat - where the trials of an exchange take place, one after the other: the last one outlives the
// ladder, while its answer is relayed.
//
// Lifetime  within that of `trial`, or of `race` where two accounts may be asked at once.
struct Seat {
  explicit Seat(std::optional<Trial>& trial) noexcept : trial(&trial) {}
  explicit Seat(std::optional<Race>& race) noexcept : race(&race) {}
  // Nothing of a trial that has ended is held any longer.
  void clear() noexcept {
    if (trial != nullptr) trial->reset();
    if (race != nullptr) race->reset();
  }

  std::optional<Trial>* trial = nullptr;
  std::optional<Race>* race = nullptr;
  Trial* answers = nullptr;  // whose answer is the client's to have; null: nobody's yet
};

// Sends the exchange's request to the account of `choice`, which it takes over: relay_response()
// follows when seat.answers is set then, and nothing is said of the trial yet. Else it finds
// whether another account should try, tells the ladder how it went, and settles the permit exactly
// once (INVARIANTS R1).
Task<TryResult> try_account(Shard& shard, Exchange& exchange, Ladder& ladder, Choice& choice,
                            HeldAnswer& held, Seat& seat);

// Before the answer of `trial` is relayed; and after: tells how it went, and settles the permit. An
// error when nothing has reached the client, and nothing will.
void begin_relay(Shard& shard, Exchange& exchange, Trial& trial);
[[nodiscard]] Served settle_relayed(Shard& shard, Exchange& exchange, Trial& trial, RelayEnd end);

// Sends a held answer to the client, with the true Retry-After.
Task<void> relay_held(Shard& shard, Exchange& exchange, const HeldAnswer& held,
                      std::optional<Duration> retry_after);

}  // namespace sluice
