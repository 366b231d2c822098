#include "engine/cli/traffic_spec.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace sluice::test {
namespace {

TEST(TrafficSpec, ReadsAllThatItNames) {
  const auto spec = parse_traffic(
      "rate=600rpm; shape=bursts; peak=4; burst=30s/5min; priorities=urgent:5, normal:80,low:15;"
      "models=a:3,b; tokens=1200/300; patience=45s; providers=minute; provider_limit=90%;"
      "retry_after=no; latency=500ms; speed=80; errors=0.5%; stalls=0.001; outage=x@2h+10min;"
      "outage=y@0s+1s;");
  ASSERT_TRUE(spec) << spec.error();
  EXPECT_EQ(spec->traffic.per_second, 10);
  EXPECT_EQ(spec->traffic.shape, TrafficShape::kBursts);
  EXPECT_EQ(spec->traffic.peak, 4);
  EXPECT_EQ(spec->traffic.burst, Duration(30s));
  EXPECT_EQ(spec->traffic.burst_every, Duration(5min));
  EXPECT_EQ(spec->traffic.priorities, (std::array<double, 4>{5, 0, 80, 15}));
  EXPECT_EQ(spec->traffic.models, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(spec->traffic.model_shares, (std::vector<double>{3, 1}));
  EXPECT_EQ(spec->traffic.prompt_tokens, 1200);
  EXPECT_EQ(spec->traffic.completion_tokens, 300);
  EXPECT_EQ(spec->traffic.patience, Duration(45s));
  EXPECT_EQ(spec->counting, Counting::kFixed);
  EXPECT_DOUBLE_EQ(spec->provider_limit, 0.9);
  EXPECT_FALSE(spec->retry_after);
  EXPECT_EQ(spec->latency_s, 0.5);
  EXPECT_EQ(spec->tokens_per_second, 80);
  EXPECT_DOUBLE_EQ(spec->error_share, 0.005);
  EXPECT_DOUBLE_EQ(spec->stall_share, 0.001);
  ASSERT_EQ(spec->outages.size(), 2u);
  EXPECT_EQ(spec->outages[0].account, "x");
  EXPECT_EQ(spec->outages[0].from, Duration(2h));
  EXPECT_EQ(spec->outages[0].length, Duration(10min));
}

struct RateRow {
  const char* text;
  double per_second;
};
TEST(TrafficSpec, RatesInAnyUnit) {
  for (const RateRow& row : {RateRow{"60rpm", 1},
                             {"90/min", 1.5},
                             {"7rps", 7},
                             {"0.5/s", 0.5},
                             {"7200/h", 2},
                             {"86400 /d", 1}}) {
    const auto spec = parse_traffic(std::string("rate=") + row.text);
    ASSERT_TRUE(spec) << row.text;
    EXPECT_DOUBLE_EQ(spec->traffic.per_second, row.per_second) << row.text;
  }
}

struct WrongRow {
  const char* text;
  const char* error;  // its begin
};
const WrongRow kWrongRows[] = {
    {"rate=600", "--traffic: rate: \"600\" is wrong; expected requests, on average: 600rpm"},
    {"rate=-1/s", "--traffic: rate: \"-1/s\" is wrong"},
    {"rate=nan/s", "--traffic: rate: \"nan/s\" is wrong"},
    {"rat=600rpm", "--traffic: unknown key \"rat\"; did you mean \"rate\"?"},
    {"shape=round", "--traffic: shape: \"round\" is wrong; expected even, poisson"},
    {"peak=0.5", "--traffic: peak: \"0.5\" is wrong"},
    {"burst=5min/30s", "--traffic: burst: \"5min/30s\" is wrong"},
    {"priorities=urgent:5,usual:3", "--traffic: priorities: "},
    {"priorities=urgent:0", "--traffic: priorities: "},
    {"models=:3", "--traffic: models: "},
    {"tokens=1200", "--traffic: tokens: "},
    {"errors=101%", "--traffic: errors: "},
    {"outage=a@2h", "--traffic: outage: "},
    {"provider_limit=0%", "--traffic: provider_limit: "},
    {"@/nonexistent/x", "--traffic: cannot read /nonexistent/x"},
};
TEST(TrafficSpec, SaysWhatIsWrong) {
  for (const WrongRow& row : kWrongRows) {
    const auto spec = parse_traffic(row.text);
    ASSERT_FALSE(spec) << row.text;
    EXPECT_EQ(spec.error().substr(0, std::string_view(row.error).size()), row.error);
  }
}

TEST(TrafficSpec, AFileHasLinesAndComments) {
  const std::string name = testing::TempDir() + "traffic_spec_test.txt";
  std::ofstream(name) << "# next month\nrate=5/s  # on average\n\nshape=pareto; peak=2\nburs=1\n";
  const auto wrong = parse_traffic("@" + name);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error(), name + ":5: unknown key \"burs\"; did you mean \"burst\"?");
  std::ofstream(name) << "rate=5/s\nshape=pareto";
  const auto spec = parse_traffic("@" + name);
  ASSERT_TRUE(spec) << spec.error();
  EXPECT_EQ(spec->traffic.shape, TrafficShape::kPareto);
  std::remove(name.c_str());
}

}  // namespace
}  // namespace sluice::test
