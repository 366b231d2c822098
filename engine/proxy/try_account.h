#pragma once

#include "engine/proxy/attempt.h"
#include "engine/route/ladder.h"

namespace sluice {

// HeldAnswer - a provider's whole error answer that was not relayed because another account may do
// better. The last one is what the client gets when no account is left.
struct HeldAnswer {
  const Account* account = nullptr;
  Rung rung = Rung::kPrimary;
  const ResponseHead* head = nullptr;  // null: there is none
  std::string_view body;
};

// How one try ended.
struct TryResult {
  enum class Kind : std::uint8_t {
    kAnswered,  // the client has its answer, or is gone: the exchange is over
    kNext,      // nothing was sent to the client: the next account may try
    kRefused,   // nothing was sent to the client, and trying on would not be safe: `answer` tells
  };
  Kind kind = Kind::kAnswered;
  Answer answer;
  bool failed = false;  // kNext: the provider failed, so that the next try is a retry
};

// Sends the exchange's request to the account of `choice` and relays the answer, or finds that
// another account should try. Tells the ladder how it went; settles the permit exactly once
// (INVARIANTS R1).
Task<TryResult> try_account(Shard& shard, Exchange& exchange, Ladder& ladder, Choice choice,
                            HeldAnswer& held);

// Sends a held answer to the client, with the true Retry-After.
Task<void> relay_held(Shard& shard, Exchange& exchange, const HeldAnswer& held,
                      std::optional<Duration> retry_after);

}  // namespace sluice
