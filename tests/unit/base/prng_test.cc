#include "base/prng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace sluice {
namespace {

TEST(Prng, TheSameSeedGivesTheSameRun) {
  Prng a(42), b(42), c(43);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t number = a.next();
    EXPECT_EQ(number, b.next());
    differs = differs || number != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Prng, BelowAndUnitAreSpreadEvenly) {
  Prng random(1);
  constexpr int kDraws = 100'000;
  std::array<int, 10> counts{};
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    ++counts.at(random.below(10));
    const double unit = random.unit();
    ASSERT_TRUE(unit >= 0 && unit < 1);
    sum += unit;
  }
  EXPECT_GT(*std::ranges::min_element(counts), kDraws / 10 * 95 / 100);
  EXPECT_LT(*std::ranges::max_element(counts), kDraws / 10 * 105 / 100);
  EXPECT_NEAR(sum / kDraws, 0.5, 0.01);
  EXPECT_EQ(random.below(1), 0u);
}

}  // namespace
}  // namespace sluice
