#include "base/histogram.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace sluice {
namespace {

constexpr auto kEdges = std::to_array<Boundary>({{10us, "1e-05"}, {100us, "0.0001"}, {1s, "1.0"}});
using Small = Histogram<kEdges>;

struct EdgeRow {
  const char* rule;
  Duration took;
  std::size_t place;
};
constexpr EdgeRow kEdgeRows[] = {
    {"nothing is in the first", 0ns, 0},
    {"less than nothing, from two clocks, is nothing", -5us, 0},
    {"a boundary belongs to what it bounds", 10us, 0},
    {"what is above it to the next", 10us + 1ns, 1},
    {"the second boundary, likewise", 100us, 1},
    {"the last boundary", 1s, 2},
    {"above all boundaries", 1s + 1ns, 3},
    {"far above", 24h, 3},
};

TEST(Histogram, AValueCountsUnderTheFirstBoundaryThatItDoesNotExceed) {
  for (const EdgeRow& row : kEdgeRows) {
    SCOPED_TRACE(row.rule);
    Small histogram;
    histogram.add(row.took);
    Small::Counts expected;
    expected.counts[row.place] = 1;
    expected.sum_ns = static_cast<std::uint64_t>(std::max(row.took, Duration{}).count());
    EXPECT_EQ(histogram.read().counts, expected.counts);
    EXPECT_EQ(histogram.read().sum_ns, expected.sum_ns);
    EXPECT_EQ(histogram.read().count(), 1u);
  }
}

TEST(Histogram, ShardsAddUp) {
  Small one;
  Small other;
  one.add(5us);
  one.add(50us);
  one.add(2s);
  other.add(60us);
  Small::Counts all = one.read();
  all += other.read();
  EXPECT_EQ(all.counts, (std::array<std::uint64_t, 4>{1, 2, 0, 1}));
  EXPECT_EQ(Duration(static_cast<std::int64_t>(all.sum_ns)), 2s + 115us);
}

TEST(Histogram, IsReadWhileItCounts) {
  constexpr int kTimes = 20'000;
  Small histogram;
  std::atomic<bool> over{false};
  std::uint64_t last = 0;
  bool fell = false;
  std::thread reader([&] {
    while (!over.load(std::memory_order_acquire)) {
      const std::uint64_t count = histogram.read().count();
      fell = fell || count < last;
      last = count;
    }
  });
  for (int i = 0; i < kTimes; ++i) histogram.add(Duration(i * 100));
  over.store(true, std::memory_order_release);
  reader.join();
  EXPECT_FALSE(fell);
  EXPECT_LE(last, static_cast<std::uint64_t>(kTimes));
  EXPECT_EQ(histogram.read().count(), static_cast<std::uint64_t>(kTimes));
}

TEST(OwnedCount, CountsUpAndDownAndACopyStandsStill) {
  OwnedCount count;
  ++count;
  count += 5;
  const OwnedCount copy = count;
  --count;
  count -= 2;
  EXPECT_EQ(copy, 6u);
  EXPECT_EQ(count, 3u);
}

}  // namespace
}  // namespace sluice
