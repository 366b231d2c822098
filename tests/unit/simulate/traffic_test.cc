#include "engine/simulate/traffic.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::test {
namespace {

constexpr Instant kStart = Instant(24h);

std::vector<std::uint64_t> per_hour(const Traffic& traffic, std::size_t hours) {
  Arrivals arrivals(traffic, kStart, 1);
  std::vector<std::uint64_t> counts(hours);
  for (Instant at = arrivals.next(); at < kStart + hours * 1h; at = arrivals.next()) {
    ++counts[static_cast<std::size_t>((at - kStart) / Duration(1h))];
  }
  return counts;
}

double sum(const std::vector<std::uint64_t>& counts) {
  double all = 0;
  for (const std::uint64_t count : counts) all += static_cast<double>(count);
  return all;
}

class TrafficMean : public ::testing::TestWithParam<TrafficShape> {};
TEST_P(TrafficMean, IsTheRateWhateverTheShape) {
  Traffic traffic;
  traffic.per_second = 2;
  traffic.shape = GetParam();
  traffic.peak = 5;
  // A heavy tail averages slowly.
  const double tolerance = GetParam() == TrafficShape::kPareto ? 0.15 : 0.02;
  EXPECT_NEAR(sum(per_hour(traffic, 48)) / (48 * 3600 * 2), 1, tolerance);
}
INSTANTIATE_TEST_SUITE_P(Shapes, TrafficMean,
                         ::testing::Values(TrafficShape::kEven, TrafficShape::kPoisson,
                                           TrafficShape::kDiurnal, TrafficShape::kBursts,
                                           TrafficShape::kPareto));

TEST(Traffic, NoonIsPeakTimesMidnight) {
  Traffic traffic;
  traffic.per_second = 5;
  traffic.shape = TrafficShape::kDiurnal;
  traffic.peak = 4;
  const auto hours = per_hour(traffic, 24);
  const double trough = static_cast<double>(hours[23] + hours[0]);
  EXPECT_NEAR(static_cast<double>(hours[11] + hours[12]) / trough, 4, 0.25);
}

TEST(Traffic, ABurstIsPeakTimesTheQuiet) {
  Traffic traffic;
  traffic.per_second = 5;
  traffic.shape = TrafficShape::kBursts;
  traffic.peak = 10;
  traffic.burst = 1min;
  traffic.burst_every = 10min;
  Arrivals arrivals(traffic, kStart, 1);
  double in_burst = 0, quiet = 0;
  for (Instant at = arrivals.next(); at < kStart + 24h; at = arrivals.next()) {
    const bool burst = (at - kStart) % 10min < Duration(1min);
    (burst ? in_burst : quiet) += 1;
  }
  EXPECT_NEAR(in_burst / (quiet / 9), 10, 0.3);
}

TEST(Traffic, DrawsInTheGivenShares) {
  Traffic traffic;
  traffic.priorities = {1, 0, 2, 1};
  traffic.models = {"m", "n"};
  traffic.model_shares = {3, 1};
  Arrivals arrivals(traffic, kStart, 1);
  std::vector<double> priorities(4), models(2);
  for (int i = 0; i < 40'000; ++i) {
    const DrawnRequest drawn = arrivals.draw();
    ++priorities[rank_of(drawn.priority)];
    ++models[drawn.model];
  }
  EXPECT_NEAR(priorities[0], 10'000, 400);
  EXPECT_EQ(priorities[1], 0);
  EXPECT_NEAR(priorities[2], 20'000, 400);
  EXPECT_NEAR(models[0], 30'000, 400);
}

TEST(Traffic, TheSameSeedIsTheSameTraffic) {
  const Traffic traffic;
  Arrivals a(traffic, kStart, 7), b(traffic, kStart, 7), c(traffic, kStart, 8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const Instant at = a.next();
    EXPECT_EQ(at, b.next());
    differs = differs || at != c.next();
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace sluice::test
