#include "engine/route/rolling_bucket.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "tests/unit/route/send_log.h"

namespace sluice::test {
namespace {

constexpr Duration kTick = Duration(kTickNs);
constexpr Instant kT0 = Instant(kTick * 1'000'000);  // whole ticks: no rounding in the rows below
constexpr Duration kWindow = kTick * 1'000;

// Takes until refused and settles at once; how many were granted.
std::uint32_t drain(RollingBucket& bucket, Instant now) {
  std::uint32_t granted = 0;
  while (bucket.take(now).granted) {
    bucket.settle_sent(now);
    ++granted;
  }
  return granted;
}

class RollingBucketLimit : public testing::TestWithParam<std::uint32_t> {};

TEST_P(RollingBucketLimit, GrantsItsLimitAndNoMoreUntilOneWindowLater) {
  const std::uint32_t limit = GetParam();
  RollingBucket bucket(limit, kWindow);
  EXPECT_EQ(drain(bucket, kT0), limit);
  EXPECT_EQ(bucket.take(kT0).at, kT0 + kWindow);
  EXPECT_EQ(drain(bucket, kT0 + kWindow - 1ns), 0u);
  EXPECT_EQ(drain(bucket, kT0 + kWindow), limit);
  EXPECT_EQ(drain(bucket, kT0 + kWindow * 2 - 1ns), 0u);
  EXPECT_EQ(drain(bucket, kT0 + kWindow * 5), limit);
}

INSTANTIATE_TEST_SUITE_P(Limits, RollingBucketLimit,
                         testing::Values(1, 2, 3, 40, 63, 64, 65, 1'000, 1'000'000));

TEST(RollingBucket, AWindowCountsFromWhenTheRequestLeftNotFromWhenItWasAllowed) {
  RollingBucket bucket(1, kWindow);
  ASSERT_TRUE(bucket.take(kT0).granted);
  EXPECT_EQ(bucket.take(kT0).at, kT0 + kWindow);
  // Still in hand: it will leave now at the earliest.
  const Instant late = kT0 + kWindow * 3;
  EXPECT_FALSE(bucket.take(late).granted);
  EXPECT_EQ(bucket.next_at(late), late + kWindow);
  bucket.settle_sent(late);
  EXPECT_FALSE(bucket.take(late + kWindow - 1ns).granted);
  EXPECT_TRUE(bucket.take(late + kWindow).granted);
  bucket.refund();
}

TEST(RollingBucket, ASlowRequestHoldsNoOtherTokenBack) {
  RollingBucket bucket(2, kWindow);
  ASSERT_TRUE(bucket.take(kT0).granted);  // stays in hand
  ASSERT_TRUE(bucket.take(kT0).granted);
  bucket.settle_sent(kT0);
  EXPECT_EQ(bucket.next_at(kT0), kT0 + kWindow);
  EXPECT_TRUE(bucket.take(kT0 + kWindow).granted);
}

TEST(RollingBucket, ARefundedTokenIsFreeAtOnceAndIsOne) {
  RollingBucket bucket(2, kWindow);
  ASSERT_EQ(drain(bucket, kT0), 2u);
  ASSERT_TRUE(bucket.take(kT0 + kWindow).granted);
  ASSERT_TRUE(bucket.take(kT0 + kWindow).granted);
  bucket.settle_sent(kT0 + kWindow);
  bucket.refund();
  EXPECT_EQ(bucket.available(kT0 + kWindow), 1u);
  EXPECT_EQ(bucket.next_at(kT0 + kWindow), kT0 + kWindow);
  EXPECT_EQ(drain(bucket, kT0 + kWindow), 1u);
}

TEST(RollingBucket, StampsAreRoundedUpToATickNeverDown) {
  RollingBucket bucket(1, kWindow);
  ASSERT_TRUE(bucket.take(kT0).granted);
  bucket.settle_sent(kT0 + 1ns);
  EXPECT_EQ(bucket.next_at(kT0 + 1ns), kT0 + kTick + kWindow);
}

TEST(RollingBucket, AClockThatRunsBehindDelaysAndNeverAdmits) {
  RollingBucket bucket(2, kWindow);
  ASSERT_TRUE(bucket.take(kT0).granted);
  ASSERT_TRUE(bucket.take(kT0).granted);
  bucket.settle_sent(kT0 + kTick * 5);  // another shard's clock is ahead
  bucket.settle_sent(kT0);
  EXPECT_EQ(drain(bucket, kT0 + kWindow), 0u);
  EXPECT_EQ(bucket.next_at(kT0 + kWindow), kT0 + kWindow + kTick * 5);
  EXPECT_EQ(drain(bucket, kT0 + kWindow + kTick * 5), 2u);
}

struct LimitChangeRow {
  const char* rule;
  std::uint32_t before, spent, after;
  std::uint32_t at_once;       // granted right after the change
  std::uint32_t window_later;  // granted when all that was spent has come back
};

constexpr LimitChangeRow kLimitChangeRows[] = {
    {"a higher limit holds at once", 2, 2, 5, 3, 5},
    {"a higher limit keeps what is free", 4, 1, 5, 4, 5},
    {"a lower limit holds at once", 5, 0, 2, 2, 2},
    {"a lower limit counts what was spent", 5, 3, 4, 1, 4},
    {"a limit below what was spent waits", 5, 5, 2, 0, 2},
    {"a limit that stays changes nothing", 5, 3, 5, 2, 5},
    {"down to one", 1000, 1000, 1, 0, 1},
    {"up from one", 1, 1, 1000, 999, 1000},
};

TEST(RollingBucket, LimitsChangeInPlace) {
  for (const LimitChangeRow& row : kLimitChangeRows) {
    SCOPED_TRACE(row.rule);
    RollingBucket bucket(row.before, kWindow);
    for (std::uint32_t i = 0; i < row.spent; ++i) {
      ASSERT_TRUE(bucket.take(kT0).granted);
      bucket.settle_sent(kT0);
    }
    bucket.set_limit(row.after, kWindow);
    EXPECT_EQ(drain(bucket, kT0), row.at_once);
    EXPECT_EQ(bucket.next_at(kT0), kT0 + kWindow);
    EXPECT_EQ(drain(bucket, kT0 + kWindow), row.window_later);
  }
}

TEST(RollingBucket, ALoweredLimitTellsWhenItsDebtWillBePaid) {
  RollingBucket bucket(3, kWindow);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(bucket.take(kT0).granted);
    bucket.settle_sent(kT0 + kTick * i);
  }
  bucket.set_limit(1, kWindow);
  // Two of the three have to come back before one is free.
  EXPECT_EQ(bucket.next_at(kT0 + kTick * 3), kT0 + kTick * 2 + kWindow);
  EXPECT_FALSE(bucket.take(kT0 + kTick * 2 + kWindow - 1ns).granted);
  EXPECT_TRUE(bucket.take(kT0 + kTick * 2 + kWindow).granted);
  bucket.refund();
}

TEST(RollingBucket, AnotherWindowHoldsForWhatWasSpentBefore) {
  RollingBucket bucket(1, kWindow);
  ASSERT_EQ(drain(bucket, kT0), 1u);
  bucket.set_limit(1, kWindow * 2);
  EXPECT_EQ(bucket.next_at(kT0), kT0 + kWindow * 2);
  bucket.set_limit(1, kWindow / 2);
  EXPECT_EQ(bucket.next_at(kT0), kT0 + kWindow / 2);
}

TEST(RollingBucket, AfterAPauseAvailableCatchesUp) {
  RollingBucket bucket(1'000, kWindow);
  ASSERT_EQ(drain(bucket, kT0), 1'000u);
  const Instant later = kT0 + kWindow * 2;
  std::uint32_t before = 0;
  for (int i = 0; i < 20; ++i) {
    const std::uint32_t now = bucket.available(later);
    EXPECT_GE(now, before);
    before = now;
  }
  EXPECT_EQ(before, 1'000u);
}

// Random takes, refunds, sends and pauses against the log: a token is granted exactly when the log
// says that there is one, and the time of the next one is exact.
void random_run(std::uint64_t seed, std::uint32_t limit) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << " limit " << limit);
  Prng prng(seed);
  RollingBucket bucket(limit, kWindow);
  SendLog log;
  std::uint64_t in_hand = 0;
  Instant now = kT0;
  for (int step = 0; step < 2'000; ++step) {
    const std::uint64_t live = log.in_last(kWindow, now) + in_hand;
    switch (prng.below(8)) {
      case 0: now += kTick * static_cast<std::int64_t>(prng.below(400)); break;
      case 1: now = std::max(now, std::min(bucket.next_at(now), now + kWindow)); break;
      case 2:
      case 3:
        if (in_hand == 0) break;
        --in_hand;
        prng.below(3) == 0 ? bucket.refund() : (log.add(now), bucket.settle_sent(now));
        break;
      case 4: ASSERT_EQ(bucket.available(now), std::min<std::uint64_t>(limit - live, limit)); break;
      default: {
        const Take take = bucket.take(now);
        ASSERT_EQ(take.granted, live < limit);
        if (take.granted) {
          ++in_hand;
        } else if (in_hand == limit) {
          ASSERT_EQ(take.at, now + kWindow);
        } else {
          ASSERT_EQ(take.at, log.oldest_in_last(kWindow, now) + kWindow);
        }
      }
    }
  }
  ASSERT_LE(log.most_in_any(kWindow), limit);
  ASSERT_GT(log.size(), 0u);
}

TEST(RollingBucket, NoSpanOfOneWindowEverHoldsMoreThanTheLimit) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    for (const std::uint32_t limit : {1u, 2u, 3u, 7u, 40u, 64u}) random_run(seed, limit);
  }
}

TEST(RollingBucket, AtEachGrantNoMoreAreOutThanTheLimitOfThatMoment) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    RollingBucket bucket(10, kWindow);
    SendLog log;
    std::uint64_t in_hand = 0;
    Instant now = kT0;
    for (int step = 0; step < 2'000; ++step) {
      switch (prng.below(10)) {
        case 0: now += kTick * static_cast<std::int64_t>(prng.below(300)); break;
        case 1:
          bucket.set_limit(
              static_cast<std::uint32_t>(prng.below(8) == 0 ? prng.below(300) : 1 + prng.below(20)),
              kWindow);
          break;
        case 2:
        case 3:
        case 4:
          if (in_hand == 0) break;
          --in_hand;
          prng.below(4) == 0 ? bucket.refund() : (log.add(now), bucket.settle_sent(now));
          break;
        default: {
          const std::uint64_t live = log.in_last(kWindow, now) + in_hand;
          const bool granted = bucket.take(now).granted;
          ASSERT_EQ(granted, live < bucket.limit());
          if (granted) ++in_hand;
        }
      }
    }
  }
}

}  // namespace
}  // namespace sluice::test
