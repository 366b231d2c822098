#pragma once

#include "engine/llm/usage_tap.h"
#include "engine/proxy/attempt.h"

namespace sluice {

// How relaying an answer ended.
enum class RelayEnd : std::uint8_t {
  kComplete,
  kUpstreamBroke,  // the provider's body broke off, was malformed or too slow; the client has been
                   // told
  kClientGone,
  kCut,  // the drain's grace period is over; the client of an event stream has been told
};

// What the answer has used, as `tap` has seen it. An error that tells no numbers has used none:
// what is guessed from bytes is for answers that were served.
[[nodiscard]] Usage usage_of(const UsageTap& tap, const Attempt& attempt) noexcept;

// Sends attempt.head's answer to the client: head and body as they come, each wake-up's bytes in
// one send. Watches usage and, where we injected it, takes it out again. Nothing is retried from
// here on (INVARIANTS R3). The connection to the provider is given back or closed; exchange.ending
// and exchange.report are filled.
Task<RelayEnd> relay_response(Shard& shard, Exchange& exchange, Attempt& attempt);

}  // namespace sluice
