#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

// DescriptorPlan - how a process shares out the file descriptors that it may have: one for each
// client, and one more for the provider that the client's request may need, so that a gateway full
// of clients still reaches its providers.
struct DescriptorPlan {
  std::uint64_t limit = 0;                // what the process may have (RLIMIT_NOFILE)
  std::uint64_t needed = 0;               // for connections_max clients on every shard
  std::size_t clients_per_shard_max = 1;  // what `limit` is enough for

  [[nodiscard]] bool enough() const noexcept { return limit >= needed; }
};

[[nodiscard]] DescriptorPlan plan_descriptors(std::uint64_t limit, std::uint64_t shards,
                                              std::uint64_t connections_max) noexcept;

// Raises the soft limit of this process to its hard limit, and returns what it is then.
[[nodiscard]] std::uint64_t raise_descriptor_limit() noexcept;

}  // namespace sluice
