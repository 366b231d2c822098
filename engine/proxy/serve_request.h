#pragma once

#include "engine/proxy/answer.h"

namespace sluice {

// Serves one request from its first byte to the end of its answer. What is not answered here comes
// back as the Answer to give: serve_connection is the only place that sends errors.
Task<Served> serve_request(Shard& shard, Exchange& exchange);

}  // namespace sluice
