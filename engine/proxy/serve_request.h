#pragma once

#include "engine/proxy/answer.h"

namespace sluice {

// What is not answered here comes back as the Answer to give: serve_connection is the only place
// that sends errors.

// Receives one request and finds out what to do with it: to be forwarded, when it succeeds.
Task<Served> receive_request(Shard& shard, Exchange& exchange);
// Serves it from there to the end of its answer.
Task<Served> forward_request(Shard& shard, Exchange& exchange);

}  // namespace sluice
