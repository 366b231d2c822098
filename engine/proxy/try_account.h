#pragma once

#include "engine/proxy/ask_account.h"

namespace sluice {

// Sends the exchange's request to the account of `choice`, which it takes over, and relays the
// answer, or finds that another account should try. Tells the ladder how it went; settles the
// permit exactly once (INVARIANTS R1).
Task<TryResult> try_account(Shard& shard, Exchange& exchange, Ladder& ladder, Choice& choice,
                            HeldAnswer& held);

// Sends a held answer to the client, with the true Retry-After.
Task<void> relay_held(Shard& shard, Exchange& exchange, const HeldAnswer& held,
                      std::optional<Duration> retry_after);

}  // namespace sluice
