#include "engine/route/sliding_counts.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/prng.h"

namespace sluice::test {
namespace {

constexpr Instant kT0 = Instant(1000s);

TEST(SlidingCounts, ForgetsOneCellAtATime) {
  SlidingCounts<2, 10> counts;
  for (std::uint64_t second = 0; second < 10; ++second) {
    counts.advance(kT0 + 1s * static_cast<std::int64_t>(second), 10s);
    counts.add(0, 1);
    counts.add(1, second);
  }
  EXPECT_EQ(counts.sum(0), 10u);
  EXPECT_EQ(counts.sum(1), 45u);
  counts.advance(kT0 + 10s, 10s);
  EXPECT_EQ(counts.sum(0), 9u);
  counts.advance(kT0 + 18s, 10s);
  EXPECT_EQ(counts.sum(0), 1u);
  EXPECT_EQ(counts.sum(1), 9u);
  counts.advance(kT0 + 19s, 10s);
  EXPECT_EQ(counts.sum(0), 0u);
}

TEST(SlidingCounts, ALongPauseForgetsAll) {
  SlidingCounts<1, 10> counts;
  counts.advance(kT0, 10s);
  counts.add(0, 5);
  counts.advance(kT0 + 24h, 10s);
  EXPECT_EQ(counts.sum(0), 0u);
}

TEST(SlidingCounts, TimeThatGoesBackForgetsNothingAndCountsNow) {
  SlidingCounts<1, 10> counts;
  counts.advance(kT0, 10s);
  counts.add(0, 5);
  counts.advance(kT0 - 5s, 10s);
  counts.add(0, 1);
  EXPECT_EQ(counts.sum(0), 6u);
  counts.advance(kT0 + 9s, 10s);
  EXPECT_EQ(counts.sum(0), 6u);
}

TEST(SlidingCounts, AnotherWindowBeginsEmpty) {
  SlidingCounts<1, 10> counts;
  counts.advance(kT0, 10s);
  counts.add(0, 5);
  counts.advance(kT0, 20s);
  EXPECT_EQ(counts.sum(0), 0u);
}

TEST(SlidingCounts, SumsWhatTheLastCellsHold) {
  Prng prng(1);
  SlidingCounts<1, 10> counts;
  std::vector<std::uint64_t> seconds(1, 0);
  for (int step = 0; step < 10'000; ++step) {
    if (prng.below(3) == 0) seconds.resize(seconds.size() + 1 + prng.below(prng.below(14) + 1));
    counts.advance(kT0 + 1s * static_cast<std::int64_t>(seconds.size()), 10s);
    const std::uint64_t count = prng.below(5);
    counts.add(0, count);
    seconds.back() += count;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 10 && i < seconds.size(); ++i)
      sum += seconds.rbegin()[static_cast<long>(i)];
    ASSERT_EQ(counts.sum(0), sum);
  }
}

}  // namespace
}  // namespace sluice::test
