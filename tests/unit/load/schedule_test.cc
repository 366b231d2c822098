#include "engine/load/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sluice::test {
namespace {

std::vector<Duration> all_of(ArrivalSchedule schedule) {
  std::vector<Duration> dues;
  for (auto at = schedule.next(); at; at = schedule.next()) {
    dues.push_back(*at);
    schedule.advance();
  }
  EXPECT_EQ(schedule.passed(), dues.size());
  return dues;
}

struct RateRow {
  std::string_view text;
  double per_second;  // 0: refused
};
constexpr RateRow kRateRows[] = {
    {"50/s", 50},    {"40/m", 40.0 / 60}, {"600rpm", 10}, {"10rps", 10},   {"90/min", 1.5},
    {"36000/h", 10}, {"86400/d", 1},      {"0.5/s", 0.5}, {"600 rpm", 10}, {"1000000/s", 1e6},
    {"", 0},         {"50", 0},           {"fast", 0},    {"/s", 0},       {"0/s", 0},
    {"-1/s", 0},     {"1000001/s", 0},    {"nan/s", 0},   {"inf/s", 0},    {"1e300/s", 0},
    {"5/week", 0},   {"50/s more", 0},
};

TEST(ParseRate, TakesTheUnitsOfPeople) {
  for (const RateRow& row : kRateRows) {
    const std::optional<double> read = parse_rate(row.text);
    ASSERT_EQ(read.has_value(), row.per_second > 0) << row.text;
    if (read) {
      EXPECT_DOUBLE_EQ(*read, row.per_second) << row.text;
    }
  }
}

TEST(ArrivalSchedule, EvenGapsBeginAtOnceAndDoNotDrift) {
  const auto dues = all_of(ArrivalSchedule(ArrivalPattern::kEven, 50, 2s, 1));
  ASSERT_EQ(dues.size(), 100u);
  EXPECT_EQ(dues.front(), Duration::zero());
  EXPECT_EQ(dues[1], Duration(20ms));
  EXPECT_EQ(dues.back(), Duration(1980ms));
}

TEST(ArrivalSchedule, WholeMinutesHoldWholeNumbersOfRequests) {
  for (const double per_minute : {1.0, 7.0, 40.0, 90.0, 600.0, 1234.0}) {
    const auto dues = all_of(ArrivalSchedule(ArrivalPattern::kEven, per_minute / 60, 3min, 1));
    EXPECT_EQ(dues.size(), static_cast<std::size_t>(per_minute * 3)) << per_minute;
  }
}

TEST(ArrivalSchedule, PoissonGapsHaveTheirMeanAndDeviation) {
  const auto dues = all_of(ArrivalSchedule(ArrivalPattern::kPoisson, 1000, 100s, 7));
  const auto count = static_cast<double>(dues.size());
  EXPECT_NEAR(count, 100'000, 4 * std::sqrt(100'000));
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 1; i < dues.size(); ++i) {
    const double gap = static_cast<double>((dues[i] - dues[i - 1]).count()) * 1e-9;
    EXPECT_GE(gap, 0);
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / (count - 1);
  const double deviation = std::sqrt(squares / (count - 1) - mean * mean);
  EXPECT_NEAR(mean, 1e-3, 2e-5);
  EXPECT_NEAR(deviation, 1e-3, 2e-5);  // of an exponential distribution both are the same
}

TEST(ArrivalSchedule, TheSeedDecides) {
  const auto first = all_of(ArrivalSchedule(ArrivalPattern::kPoisson, 50, 10s, 1));
  EXPECT_EQ(first, all_of(ArrivalSchedule(ArrivalPattern::kPoisson, 50, 10s, 1)));
  EXPECT_NE(first, all_of(ArrivalSchedule(ArrivalPattern::kPoisson, 50, 10s, 2)));
}

TEST(ArrivalSchedule, NoTimeHoldsNoRequest) {
  EXPECT_TRUE(all_of(ArrivalSchedule(ArrivalPattern::kEven, 50, Duration::zero(), 1)).empty());
  EXPECT_TRUE(all_of(ArrivalSchedule(ArrivalPattern::kPoisson, 50, Duration::zero(), 1)).empty());
}

}  // namespace
}  // namespace sluice::test
