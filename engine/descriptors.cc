#include "engine/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace sluice {

DescriptorPlan plan_descriptors(std::uint64_t limit, std::uint64_t shards,
                                std::uint64_t connections_max) noexcept {
  // Standard streams, signals, the control ring; files that a reload reads.
  constexpr std::uint64_t kProcess = 16;
  // Ring, listeners, sockets of the resolver, and clients that are just being refused.
  constexpr std::uint64_t kPerShard = 24;
  constexpr std::uint64_t kPerClient = 2;  // its own, and its provider's
  const std::uint64_t own = kProcess + shards * kPerShard;
  DescriptorPlan plan;
  plan.limit = limit;
  plan.needed = own + shards * kPerClient * connections_max;
  if (limit > own) {
    const std::uint64_t clients = (limit - own) / shards / kPerClient;
    plan.clients_per_shard_max = std::max<std::uint64_t>(clients, 1);
  }
  return plan;
}

std::uint64_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;  // the usual limit of a shell
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

}  // namespace sluice
