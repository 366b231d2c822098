// The rolling bucket under real threads; a build with b_sanitize=thread looks for races as well.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "engine/route/rolling_bucket.h"
#include "tests/unit/route/run_together.h"
#include "tests/unit/route/send_log.h"

namespace sluice::test {
namespace {

constexpr Duration kTick = Duration(kTickNs);
constexpr Instant kT0 = Instant(kTick * 1'000'000);
constexpr Duration kWindow = kTick * 1'000;

// `takers` takes on all threads together, at one instant; how many are granted.
std::uint32_t granted_at(RollingBucket& bucket, Instant now, int takers) {
  std::atomic<std::uint32_t> granted = 0;
  run_together([&](int) {
    for (int i = 0; i < takers / kThreads; ++i) {
      if (!bucket.take(now).granted) continue;
      ++granted;
      bucket.settle_sent(now);
    }
  });
  return granted;
}

TEST(RollingBucketStress, OfFiveThousandTakersOfOneTokenExactlyOneWins) {
  RollingBucket bucket(1, kWindow);
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(granted_at(bucket, kT0 + kWindow * round, 5'000), 1u);
  }
}

TEST(RollingBucketStress, FiveThousandTakersOfFortyTokensGetForty) {
  RollingBucket bucket(40, kWindow);
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(granted_at(bucket, kT0 + kWindow * round, 5'000), 40u);
  }
}

TEST(RollingBucketStress, RefundsLoseNoTokenAndMakeNone) {
  RollingBucket bucket(3, kWindow);
  std::atomic<int> in_hand = 0;
  std::atomic<int> most = 0;
  run_together([&](int) {
    for (int i = 0; i < 5'000; ++i) {
      if (!bucket.take(kT0).granted) continue;
      const int now_in_hand = ++in_hand;
      int seen = most;
      while (seen < now_in_hand && !most.compare_exchange_weak(seen, now_in_hand)) {
      }
      --in_hand;
      bucket.refund();
    }
  });
  EXPECT_LE(most, 3);
  EXPECT_EQ(bucket.available(kT0), 3u);
}

struct StressRow {
  const char* rule;
  std::uint32_t limit_min, limit_max;  // the limit changes between them all the time
};

constexpr StressRow kStressRows[] = {
    {"one token", 1, 1},
    {"a limit that stays", 40, 40},
    {"a limit that falls below what is out, and rises again", 1, 40},
    {"a limit that outgrows its ring again and again", 1, 5'000},
};

// Time moves while eight threads take, send, and refund; each notes what it sent and when.
void stress(const StressRow& row) {
  RollingBucket bucket(row.limit_max == 5'000 ? 1 : row.limit_max, kWindow);
  std::atomic<std::int64_t> clock = 0;
  std::vector<SendLog> logs(kThreads);
  const auto now = [&] { return kT0 + kTick * clock.load(); };
  run_together([&](int thread) {
    Prng prng(static_cast<std::uint64_t>(thread) + 1);
    for (int i = 0; i < 10'000; ++i) {
      if (prng.below(8) == 0) clock.fetch_add(static_cast<std::int64_t>(prng.below(40)));
      if (thread == 0 && row.limit_min != row.limit_max && i % 16 == 0) {
        const std::uint64_t most = 2 + row.limit_max * static_cast<std::uint64_t>(i) / 10'000;
        bucket.set_limit(
            static_cast<std::uint32_t>(row.limit_min + prng.below(most - row.limit_min)), kWindow);
      }
      if (!bucket.take(now()).granted) continue;
      if (prng.below(4) == 0) {
        bucket.refund();
      } else {
        const Instant sent = now();
        logs[static_cast<std::size_t>(thread)].add(sent);
        bucket.settle_sent(sent);
      }
    }
  });

  SendLog all;
  for (const SendLog& log : logs) all.add(log);
  EXPECT_GT(all.size(), 0u);
  EXPECT_LE(all.most_in_any(kWindow), row.limit_max);
  bucket.set_limit(row.limit_max, kWindow);
  std::uint32_t back = 0;
  while (bucket.take(now() + kWindow).granted) ++back;
  EXPECT_EQ(back, row.limit_max);  // none lost, none made
}

TEST(RollingBucketStress, NoSpanHoldsMoreThanTheLargestLimitAndNoTokenIsLost) {
  for (const StressRow& row : kStressRows) {
    SCOPED_TRACE(row.rule);
    stress(row);
  }
}

}  // namespace
}  // namespace sluice::test
