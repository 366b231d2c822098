#include "engine/cpu_plan.h"

#include <pthread.h>

namespace sluice {
namespace {

// The same CPUs of `set` without the first `n`.
cpu_set_t without_first(const cpu_set_t& set, std::size_t n) {
  cpu_set_t rest = set;
  for (int cpu = 0; cpu < CPU_SETSIZE && n > 0; ++cpu) {
    if (!CPU_ISSET(cpu, &rest)) continue;
    CPU_CLR(cpu, &rest);
    --n;
  }
  return rest;
}

// Where it is refused (a sandbox that forbids the call) the thread stays where the kernel puts it.
void run_on(const cpu_set_t& set) {
  if (CPU_COUNT(&set) > 0)
    static_cast<void>(pthread_setaffinity_np(pthread_self(), sizeof(set), &set));
}

}  // namespace

CpuPlan::CpuPlan(std::size_t shards) noexcept {
  CPU_ZERO(&allowed_);
  if (sched_getaffinity(0, sizeof(allowed_), &allowed_) == 0)
    run_on(without_first(allowed_, shards));
}

void CpuPlan::bind_shard(std::size_t index) const noexcept {
  cpu_set_t from = without_first(allowed_, index);
  const cpu_set_t others = without_first(from, 1);
  CPU_XOR(&from, &from, &others);
  run_on(from);
}

}  // namespace sluice
