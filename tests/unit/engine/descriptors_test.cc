#include "engine/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace sluice {
namespace {

TEST(Descriptors, EveryClientHasOneForItsProvider) {
  const DescriptorPlan plan = plan_descriptors(1'000'000, 4, 10'000);
  EXPECT_TRUE(plan.enough());
  EXPECT_GT(plan.needed, 4u * 2 * 10'000);
  EXPECT_LT(plan.needed, 4u * 2 * 10'000 + 200);
  EXPECT_TRUE(plan_descriptors(plan.needed, 4, 10'000).enough());
  EXPECT_EQ(plan_descriptors(plan.needed, 4, 10'000).clients_per_shard_max, 10'000u);
  EXPECT_FALSE(plan_descriptors(plan.needed - 1, 4, 10'000).enough());
  EXPECT_EQ(plan_descriptors(plan.needed - 1, 4, 10'000).clients_per_shard_max, 9'999u);
}

TEST(Descriptors, ATinyLimitLeavesOneClient) {
  EXPECT_EQ(plan_descriptors(10, 2, 100).clients_per_shard_max, 1u);
  EXPECT_EQ(plan_descriptors(65, 2, 100).clients_per_shard_max, 1u);
}

TEST(Descriptors, TheSoftLimitGoesUpToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{.rlim_cur = 64, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace sluice
