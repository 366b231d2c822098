#pragma once

#include "engine/proxy/ask_account.h"

namespace sluice {

// What an exchange adds to its shard's metrics.

// Once, when it is over.
void count_exchange(Shard& shard, const Exchange& exchange) noexcept;

// Keeps how it went through the ladder, for explaining; once, when it is over.
void keep_decision(Shard& shard, Exchange& exchange) noexcept;
// A step of that way, which began at `began` and has just ended.
void note_step(Shard& shard, Exchange& exchange, DecisionStep step, Instant began) noexcept;

// How the try of one account ended, once for each; `marks`: what that did to the account.
void count_attempt(Shard& shard, Exchange& exchange, const Trial& trial, TryOutcome outcome,
                   const Ladder::Marks& marks) noexcept;

// What the answer of `account` has used, once it was relayed; tells the report what that costs, and
// the client key, which pays it.
void count_usage(Shard& shard, Exchange& exchange, const Account& account) noexcept;

}  // namespace sluice
