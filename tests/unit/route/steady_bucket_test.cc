#include "engine/route/steady_bucket.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "tests/unit/route/send_log.h"

namespace sluice::test {
namespace {

constexpr Instant kT0 = Instant(1000s);
constexpr Duration kWindow = 60s;

std::uint32_t drain(SteadyBucket& bucket, Instant now) {
  std::uint32_t granted = 0;
  for (Take take = bucket.take(now); take.granted; take = bucket.take(now)) {
    bucket.settle_sent(take, now);
    ++granted;
  }
  return granted;
}

class SteadyBucketLimit : public testing::TestWithParam<std::uint32_t> {};

TEST_P(SteadyBucketLimit, GrantsItsCapacityThenOnePerInterval) {
  const std::uint32_t limit = GetParam();
  SteadyBucket bucket(limit, kWindow);
  const Duration interval = Duration((kWindow.count() + limit - 1) / limit);
  EXPECT_EQ(bucket.available(kT0), limit);
  EXPECT_EQ(drain(bucket, kT0), limit);
  EXPECT_EQ(bucket.available(kT0), 0u);
  EXPECT_EQ(bucket.take(kT0).at, kT0 + interval);
  EXPECT_EQ(bucket.next_at(kT0), kT0 + interval);
  EXPECT_EQ(drain(bucket, kT0 + interval - 1ns), 0u);
  EXPECT_EQ(drain(bucket, kT0 + interval), 1u);
  EXPECT_EQ(drain(bucket, kT0 + interval * 4), std::min(limit, 3u));
  EXPECT_EQ(drain(bucket, kT0 + kWindow * 10), limit);
}

INSTANTIATE_TEST_SUITE_P(Limits, SteadyBucketLimit, testing::Values(1, 2, 3, 7, 40, 1'000'000));

TEST(SteadyBucket, ARefundGivesTheWholeTokenBackWhenNoTimeHasPassed) {
  SteadyBucket bucket(3, kWindow);
  const Take take = bucket.take(kT0);
  EXPECT_EQ(drain(bucket, kT0), 2u);
  bucket.refund(take, kT0);
  EXPECT_EQ(drain(bucket, kT0), 1u);
}

TEST(SteadyBucket, ARefundGivesBackNothingThatTheRefillHasAlreadyGiven) {
  SteadyBucket bucket(1, kWindow);
  const Take early = bucket.take(kT0);
  ASSERT_TRUE(early.granted);
  const Take later = bucket.take(kT0 + kWindow);
  ASSERT_TRUE(later.granted);
  bucket.refund(early, kT0 + kWindow);
  EXPECT_FALSE(bucket.take(kT0 + kWindow).granted);
  EXPECT_EQ(bucket.next_at(kT0 + kWindow), kT0 + kWindow * 2);
}

TEST(SteadyBucket, TimeInHandIsChargedAgainUpToOneToken) {
  SteadyBucket bucket(1, kWindow);
  const Take take = bucket.take(kT0);
  bucket.settle_sent(take, kT0 + 10s);
  EXPECT_EQ(bucket.next_at(kT0 + 10s), kT0 + 10s + kWindow);
  const Take again = bucket.take(kT0 + 70s);
  bucket.settle_sent(again, kT0 + 500s);
  EXPECT_EQ(bucket.next_at(kT0 + 500s), kT0 + 500s + kWindow);
}

TEST(SteadyBucket, AChangedLimitKeepsThePartThatIsSpent) {
  SteadyBucket bucket(40, kWindow);
  for (int i = 0; i < 20; ++i) bucket.settle_sent(bucket.take(kT0), kT0);
  bucket.set_limit(80, kWindow, kT0);
  EXPECT_EQ(bucket.available(kT0), 40u);
  bucket.set_limit(20, kWindow, kT0);
  EXPECT_EQ(bucket.available(kT0), 10u);
}

TEST(SteadyBucket, AChangedWindowKeepsThePartThatIsSpent) {
  SteadyBucket bucket(4, 20s);
  EXPECT_EQ(drain(bucket, kT0), 4u);
  bucket.set_limit(4, 60s, kT0);
  EXPECT_EQ(drain(bucket, kT0), 0u);
  EXPECT_EQ(drain(bucket, kT0 + 31s), 2u);
  bucket.set_limit(8, 20s, kT0 + 31s);
  EXPECT_EQ(drain(bucket, kT0 + 31s), 0u);
  EXPECT_EQ(drain(bucket, kT0 + 31s + 20s), 8u);
}

TEST(SteadyBucket, BegunEmptyItRefillsAtTheSteadyRate) {
  SteadyBucket bucket(60, kWindow);
  bucket.begin(1'000, kT0);
  EXPECT_EQ(drain(bucket, kT0), 0u);
  EXPECT_EQ(drain(bucket, kT0 + 10s), 10u);
}

TEST(SteadyBucket, ItBeginsWithWhatIsSpent) {
  SteadyBucket bucket(60, kWindow);
  bucket.begin(1, kT0);
  EXPECT_EQ(bucket.available(kT0), 59u);
  EXPECT_EQ(bucket.available(kT0 + 1s), 60u);
}

// Settled at once, refunds included: any span of length d holds at most capacity + refill.
TEST(SteadyBucket, NoSpanHoldsMoreThanCapacityAndRefill) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    const auto limit = static_cast<std::uint32_t>(1 + prng.below(50));
    SteadyBucket bucket(limit, kWindow);
    SendLog log;
    std::vector<Take> in_hand;
    Instant now = kT0;
    for (int step = 0; step < 3'000; ++step) {
      if (prng.below(6) == 0) now += Duration(static_cast<std::int64_t>(prng.below(5'000'000'000)));
      if (!in_hand.empty() && prng.below(2) == 0) {
        bucket.refund(in_hand.back(), now);
        in_hand.pop_back();
        continue;
      }
      const std::uint32_t available = bucket.available(now);
      const Take take = bucket.take(now);
      ASSERT_EQ(take.granted, available > 0);
      if (!take.granted) {
        ASSERT_EQ(take.at, bucket.next_at(now));
        ASSERT_GT(take.at, now);
      } else if (prng.below(3) == 0) {
        in_hand.push_back(take);
      } else {
        bucket.settle_sent(take, now);
        log.add(now);
      }
    }
    EXPECT_LE(log.most_in_any(kWindow), 2 * limit);
    EXPECT_LE(log.most_in_any(kWindow / 4), limit + limit / 4 + 1);
  }
}

}  // namespace
}  // namespace sluice::test
