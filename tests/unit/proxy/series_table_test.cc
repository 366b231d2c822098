#include "engine/proxy/series_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "base/prng.h"

namespace sluice {
namespace {

std::map<std::uint64_t, std::uint64_t> contents(const SeriesTable& table) {
  std::map<std::uint64_t, std::uint64_t> all;
  for (const SeriesTable::Series& series : table.series()) {
    EXPECT_FALSE(all.contains(series.key));
    all[series.key] = series.count;
  }
  return all;
}

TEST(SeriesTable, AKeyHasOneCounter) {
  SeriesTable table(8);
  EXPECT_TRUE(table.series().empty());
  EXPECT_TRUE(table.count(0));  // a key like any other
  EXPECT_TRUE(table.count(7));
  EXPECT_TRUE(table.count(0));
  EXPECT_EQ(contents(table), (std::map<std::uint64_t, std::uint64_t>{{0, 2}, {7, 1}}));
}

TEST(SeriesTable, AFullTableTakesNoNewKeyAndCountsTheOldOnes) {
  SeriesTable table(4);
  for (std::uint64_t key = 1; key <= 4; ++key) EXPECT_TRUE(table.count(key << 40));
  EXPECT_FALSE(table.count(5));
  EXPECT_TRUE(table.count(std::uint64_t{2} << 40));
  EXPECT_EQ(table.series().size(), 4u);
}

TEST(SeriesTable, ReservedPlacesAreForThoseWhoReserveNone) {
  SeriesTable table(4);
  EXPECT_TRUE(table.count(1, 2));
  EXPECT_TRUE(table.count(2, 2));
  EXPECT_FALSE(table.count(3, 2));
  EXPECT_TRUE(table.count(1, 2));
  EXPECT_TRUE(table.count(3));
  EXPECT_TRUE(table.count(4));
  EXPECT_FALSE(table.count(5));
}

TEST(SeriesTable, CountsAsAMapWould) {
  Prng prng(7);
  SeriesTable table(1000);
  std::map<std::uint64_t, std::uint64_t> expected;
  for (int i = 0; i < 50'000; ++i) {
    // Keys as labels make them: small numbers at several places of the word.
    const std::uint64_t key = prng.below(9) << 48 | prng.below(100) << 32 | prng.below(2);
    const bool has_place = expected.contains(key) || expected.size() < 1000;
    ASSERT_EQ(table.count(key), has_place);
    if (has_place) ++expected[key];
  }
  EXPECT_EQ(expected.size(), 1000u);
  EXPECT_EQ(contents(table), expected);
}

TEST(SeriesTable, IsReadWhileItGrows) {
  constexpr std::uint64_t kKeys = 5'000;
  SeriesTable table(kKeys);
  std::atomic<bool> over{false};
  bool whole = true;
  std::thread reader([&] {
    std::size_t seen = 0;
    while (!over.load(std::memory_order_acquire)) {
      const auto series = table.series();
      whole = whole && series.size() >= seen;
      for (std::size_t i = 0; i < series.size(); ++i)
        whole = whole && series[i].key == i * 3 && series[i].count > 0;
      seen = series.size();
    }
  });
  for (std::uint64_t key = 0; key < kKeys; ++key) ASSERT_TRUE(table.count(key * 3));
  over.store(true, std::memory_order_release);
  reader.join();
  EXPECT_TRUE(whole);
}

}  // namespace
}  // namespace sluice
