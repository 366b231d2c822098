#include "base/step_histogram.h"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

TEST(StepHistogram, QuantilesAreRightToThreePercent) {
  StepHistogram<5> histogram;
  for (int ms = 1; ms <= 100'000; ++ms) histogram.add(Duration(ms * 1ms));
  EXPECT_EQ(histogram.count(), 100'000u);
  for (const double share : {0.01, 0.5, 0.95, 0.99}) {
    const double is = static_cast<double>(histogram.quantile(share).count()) / 1e6;
    EXPECT_GE(is, share * 100'000);
    EXPECT_LE(is, share * 100'000 * 1.032);
  }
  EXPECT_EQ(histogram.max(), Duration(100s));
  EXPECT_EQ(histogram.quantile(1), Duration(100s));
  EXPECT_NEAR(static_cast<double>(histogram.mean().count()), 50e9, 1e9);
}

TEST(StepHistogram, NothingIsNothing) {
  StepHistogram<5> histogram;
  EXPECT_EQ(histogram.quantile(0.5), Duration::zero());
  histogram.add(Duration::zero());
  histogram.add(Duration(24h * 400));  // far beyond its last step
  EXPECT_EQ(histogram.quantile(0.4), Duration::zero());
  EXPECT_EQ(histogram.max(), Duration(24h * 400));
}

}  // namespace
}  // namespace sluice::test
