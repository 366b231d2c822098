#pragma once

#include <sched.h>

#include <cstddef>

namespace sluice {

// CpuPlan - which CPUs the threads of this process run on: shard i alone on the i-th that the
// process may use, all other threads (administration, store, log) on those that no shard has, so
// that what they do takes no time from a request. With a shard on each CPU the others share them
// all, at the priority they have; more shards than CPUs stay where the kernel puts them.
//
// Affinity  made on the main thread before it starts others, which inherit where it may run.
class CpuPlan {
 public:
  // Moves the calling thread to the CPUs that `shards` shards leave, when there are such.
  explicit CpuPlan(std::size_t shards) noexcept;

  // Binds the calling thread to the CPU of shard `index`.
  void bind_shard(std::size_t index) const noexcept;

 private:
  cpu_set_t allowed_;  // to the process when it began
};

}  // namespace sluice
