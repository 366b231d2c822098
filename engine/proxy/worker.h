#pragma once

#include <cstdint>
#include <limits>

#include "engine/net/upstream_pool.h"
#include "engine/proxy/decision_log.h"
#include "engine/proxy/dispatcher.h"
#include "engine/proxy/shard_metrics.h"
#include "engine/proxy/snapshot.h"
#include "engine/route/retry_budget.h"
#include "engine/shard.h"
#include "parser/json_probe.h"

namespace sluice {

class AdminDoor;
class JournalWriter;

// Worker - the proxy's part of a shard: connections to providers, the directory in force, and what
// is reused from request to request.
//
// Affinity  one shard. Lifetime: longer than every connection that it serves.
struct Worker {
  Worker(Shard& shard, UpstreamPools& upstreams, Dispatcher& dispatcher, SnapshotRef snapshot)
      : upstreams(&upstreams),
        dispatcher(&dispatcher),
        snapshot(std::move(snapshot)),
        balancer(shard.prng()),
        connections(shard),
        refusals(shard) {}

  UpstreamPools* upstreams;
  Dispatcher* dispatcher;
  JournalWriter* journal = nullptr;  // null: nothing is recorded
  AdminDoor* admin = nullptr;        // null: there is no administrator
  SnapshotRef snapshot;              // what new exchanges begin with
  JsonProber prober;
  Balancer balancer;
  RetryBudget retries;
  RetryBudget hedges;  // of those requests that may be hedged
  ShardMetrics metrics;
  DecisionLog decisions;
  Scope connections;  // one task per downstream connection
  Scope refusals;     // one task per connection that is refused and not closed yet
  std::size_t clients_max = std::numeric_limits<std::size_t>::max();  // beside connections_max
  CancelSource drain;  // calls off idle waits when the shard drains
  CancelSource cut;    // calls off everything when the grace period is over
  bool draining = false;
  Instant started_at = Instant{};
};

}  // namespace sluice
