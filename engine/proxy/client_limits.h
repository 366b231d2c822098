#pragma once

#include "engine/proxy/answer.h"
#include "engine/proxy/head_text.h"

namespace sluice {

// What the request may need of tokens: a quarter of the bytes of its JSON, and as many more as it
// allows. Of other bodies (audio, images) the bytes tell nothing.
[[nodiscard]] Demand demand_of(const Exchange& exchange) noexcept;

// Lets the exchange in within the budget and the limits of its client key. Errors: 429.
// leave_client() follows once nobody works on it any more, with the usage in its report.
[[nodiscard]] OrAnswer<void> enter_client(Shard& shard, Exchange& exchange);
void leave_client(Exchange& exchange, Instant now) noexcept;

// Whether x-ratelimit-* of the answer is ours to say: its client key has limits.
[[nodiscard]] bool has_client_limits(const Exchange& exchange) noexcept;
// x-ratelimit-{limit,remaining,reset}-{requests,tokens}; nothing for a key without such limits.
void add_client_limits(HeadText& text, const Exchange& exchange, Instant now) noexcept;

}  // namespace sluice
