#pragma once

#include "engine/proxy/answer.h"

namespace sluice {

// Reads the request head into exchange.head. Refusals become answers; an end before a whole head is
// nobody().
Task<Served> read_request_head(Shard& shard, Exchange& exchange);

// True when there is no body, or it lies behind the head already, copied with it: it is
// exchange.body then.
[[nodiscard]] bool body_came_with_head(Exchange& exchange) noexcept;

// Else reads the request body into exchange.body, whole: a retry must be able to send it again.
// Answers 100 first when the client waits for it. Errors: 408 when it comes too slowly, 413 above
// the limit, 400 for broken chunks.
Task<Served> read_request_body(Shard& shard, Exchange& exchange);

}  // namespace sluice
