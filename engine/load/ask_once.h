#pragma once

#include "engine/load/load_tally.h"
#include "engine/load/request_shape.h"
#include "engine/net/upstream_pool.h"
#include "engine/task/task.h"

namespace sluice {

// LoadRun - what the requests of a run share.
//
// Affinity  one shard. Lifetime: longer than every ask_once().
struct LoadRun {
  UpstreamPools* pools = nullptr;
  EndpointPool* pool = nullptr;
  const TrustStore* trust = nullptr;  // null without TLS
  const RequestShape* shape = nullptr;
  LoadTally* tally = nullptr;
  CancelSource interrupt;  // the run is ended: requests in flight are called off
};

// Sends request `number`, which was due at `due`, reads its answer and notes in the tally what came
// of it, at `deadline` at the latest.
Task<void> ask_once(Shard& shard, LoadRun& run, std::uint64_t number, Instant due,
                    Instant deadline);

// What becomes of a request that failed with `error`; `head_seen`: behind its answer's head.
[[nodiscard]] LoadEnd load_end_of(const Error& error, bool head_seen) noexcept;

}  // namespace sluice
