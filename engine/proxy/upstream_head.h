#pragma once

#include "engine/net/outbox.h"
#include "engine/proxy/exchange.h"

namespace sluice {

// Adds the request head as `account`'s provider gets it: target by the base URL rule, Host and key
// of the account, the client's fields but for what HTTP_RULES F8 and F9 keep back, a body of
// `body_bytes`. The key goes from its Secret straight to the wire (INVARIANTS K1).
void add_upstream_head(Exchange& exchange, const Account& account, std::uint64_t body_bytes,
                       Prng& prng, Outbox& outbox);

// Adds the head of a GET for the provider's list of models, as nobody's client but our own.
void add_probe_head(Arena& arena, const Account& account, Outbox& outbox);

// Our name in Via.
inline constexpr std::string_view kViaPseudonym = "sluice";

}  // namespace sluice
