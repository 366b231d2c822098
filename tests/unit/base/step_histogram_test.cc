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

TEST(SharedStepHistogram, QuantilesAreThoseOfWhatWasCounted) {
  SharedStepHistogram histogram;
  EXPECT_EQ(histogram.read().quantile(0.5), Duration::zero());
  // From what the gateway adds to the longest stream.
  for (std::int64_t ns = 200; ns < Duration(1h).count(); ns = ns * 5 / 4) {
    const SharedStepHistogram::Counts before = histogram.read();
    for (int i = 0; i < 6; ++i) histogram.add(Duration(ns));
    const SharedStepHistogram::Counts six = histogram.read().since(before);
    EXPECT_EQ(six.count(), 6u);
    for (const double share : {0.01, 0.5, 0.99, 1.0})
      EXPECT_NEAR(static_cast<double>(six.quantile(share).count()), static_cast<double>(ns),
                  static_cast<double>(ns) / 32);
  }
}

TEST(SharedStepHistogram, AQuantileIsTheLeastThatAShareDoesNotExceed) {
  SharedStepHistogram histogram, other;
  for (int i = 0; i < 98; ++i) histogram.add(1ms);
  for (int i = 0; i < 2; ++i) other.add(2s);
  SharedStepHistogram::Counts all = histogram.read();
  all += other.read();
  EXPECT_LT(all.quantile(0), Duration(1100us));
  EXPECT_LT(all.quantile(0.98), Duration(1100us));
  EXPECT_GT(all.quantile(0.99), Duration(1900ms));
  other = {};
  other.add(Duration(-1));       // clocks that were read in another order
  other.add(Duration(24h * 4));  // far beyond its last step
  EXPECT_EQ(other.read().quantile(0.5), Duration::zero());
  EXPECT_GT(other.read().quantile(1), Duration(1h));
}

}  // namespace
}  // namespace sluice::test
