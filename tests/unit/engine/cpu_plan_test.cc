#include "engine/cpu_plan.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sluice {
namespace {

std::vector<int> cpus_of_this_thread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

// Where a thread may run that does `what`, on a thread of its own, so that the test's stays.
template <class Do>
std::vector<int> after(const Do& what) {
  std::vector<int> cpus;
  std::thread([&] {
    what();
    cpus = cpus_of_this_thread();
  }).join();
  return cpus;
}

TEST(CpuPlan, EachShardHasACpuOfItsOwnAndTheOthersTheRest) {
  const std::vector<int> all = cpus_of_this_thread();
  for (std::size_t shards = 1; shards < all.size(); ++shards) {
    const auto rest = after([&] { const CpuPlan plan(shards); });
    EXPECT_EQ(rest, std::vector(all.begin() + static_cast<std::ptrdiff_t>(shards), all.end()));
    for (std::size_t i = 0; i < shards; ++i)
      EXPECT_EQ(after([&] { CpuPlan(shards).bind_shard(i); }), std::vector{all[i]});
  }
}

TEST(CpuPlan, WithAShardOnEveryCpuTheOthersShareThem) {
  const std::vector<int> all = cpus_of_this_thread();
  EXPECT_EQ(after([&] { const CpuPlan plan(all.size()); }), all);
  EXPECT_EQ(after([&] { CpuPlan(all.size()).bind_shard(all.size() - 1); }),
            std::vector{all.back()});
}

TEST(CpuPlan, AShardThatFindsNoCpuStaysWhereTheKernelPutsIt) {
  const std::vector<int> all = cpus_of_this_thread();
  EXPECT_EQ(after([&] { CpuPlan(all.size() + 1).bind_shard(all.size()); }), all);
}

TEST(CpuPlan, OnlyCpusThatTheProcessMayUseCount) {
  const int last = cpus_of_this_thread().back();
  const auto on_last = [&](const auto& what) {
    return after([&] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(last, &one);
      ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
      what();
    });
  };
  EXPECT_EQ(on_last([] { const CpuPlan plan(1); }), std::vector{last});
  EXPECT_EQ(on_last([] { CpuPlan(1).bind_shard(0); }), std::vector{last});
}

}  // namespace
}  // namespace sluice
