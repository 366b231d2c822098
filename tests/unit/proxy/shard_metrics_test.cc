#include "engine/proxy/shard_metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <tuple>

namespace sluice {
namespace {

using Requests = std::map<std::tuple<int, int, int, int>, std::uint64_t>;

Requests requests_of(const ShardMetrics& metrics) {
  Requests all;
  for (const SeriesTable::Series& series : metrics.request_series()) {
    const RequestLabels of = RequestLabels::of(series.key);
    all[{of.model, of.account, static_cast<int>(of.pool), of.code}] = series.count;
  }
  return all;
}

TEST(ShardMetrics, LabelsComeBackFromTheirKey) {
  const RequestLabels request{
      .model = 0xffff, .account = 0xfffe, .pool = PoolLabel::kFallback, .code = 599};
  const RequestLabels request_back = RequestLabels::of(request.key());
  EXPECT_EQ(request_back.model, request.model);
  EXPECT_EQ(request_back.account, request.account);
  EXPECT_EQ(request_back.pool, request.pool);
  EXPECT_EQ(request_back.code, request.code);
  const AccountLabels event{.account = 0xffff,
                            .event = AccountEvent::kBreakerOpened,
                            .outcome = TryOutcome::kClientGone,
                            .status = 429};
  const AccountLabels event_back = AccountLabels::of(event.key());
  EXPECT_EQ(event_back.account, event.account);
  EXPECT_EQ(event_back.event, event.event);
  EXPECT_EQ(event_back.outcome, event.outcome);
  EXPECT_EQ(event_back.status, event.status);
}

TEST(ShardMetrics, TooManySeriesAreCountedTogetherAndNoneIsLost) {
  ShardMetrics metrics(6, 4, 2);
  for (Label account = 10; account < 20; ++account) {
    metrics.count_request(
        {.model = 5, .account = account, .pool = PoolLabel::kPrimary, .code = 200});
  }
  metrics.count_request({.model = 5, .account = 10, .pool = PoolLabel::kPrimary, .code = 200});
  metrics.count_request({.model = LabelNames::kNone, .code = 401});
  constexpr int kPrimary = static_cast<int>(PoolLabel::kPrimary);
  constexpr int kOther = LabelNames::kOther;
  const Requests expected = {{{5, 10, kPrimary, 200}, 2},          {{5, 11, kPrimary, 200}, 1},
                             {{5, 12, kPrimary, 200}, 1},          {{5, 13, kPrimary, 200}, 1},
                             {{kOther, kOther, kPrimary, 200}, 6}, {{0, 0, 0, 401}, 1}};
  EXPECT_EQ(requests_of(metrics), expected);
  EXPECT_EQ(metrics.series_lost, 0u);
  metrics.count_request({.model = 5, .account = 10, .pool = PoolLabel::kPrimary, .code = 500});
  EXPECT_EQ(metrics.series_lost, 1u);

  for (Label account = 10; account < 13; ++account)
    metrics.count_account({.account = account, .outcome = TryOutcome::kServed});
  std::map<Label, std::uint64_t> attempts;
  for (const SeriesTable::Series& series : metrics.account_series())
    attempts[AccountLabels::of(series.key).account] += series.count;
  EXPECT_EQ(attempts, (std::map<Label, std::uint64_t>{{10, 1}, {11, 1}, {kOther, 1}}));
}

TEST(ShardMetrics, OddNumbersOfAProviderCountAsNone) {
  ShardMetrics metrics;
  metrics.count_usage({.prompt = 10, .completion = 20, .total = 30, .cached_read = 4}, 700);
  metrics.count_usage({.prompt = -5, .completion = 1, .reasoning = 1}, 1);
  EXPECT_EQ(metrics.tokens[0], 10u);
  EXPECT_EQ(metrics.tokens[1], 21u);
  EXPECT_EQ(metrics.tokens[2], 4u);
  EXPECT_EQ(metrics.tokens[3], 0u);
  EXPECT_EQ(metrics.tokens[4], 1u);
  EXPECT_EQ(metrics.nano_dollars, 701u);
}

// Prometheus takes them as text, and both formats must name the same series.
template <const auto& kBoundaries>
void expect_canonical() {
  Duration before{};
  for (const Boundary& boundary : kBoundaries) {
    SCOPED_TRACE(boundary.seconds);
    EXPECT_GT(boundary.most, before);
    before = boundary.most;
    const double seconds = std::stod(std::string(boundary.seconds));
    EXPECT_NEAR(seconds * 1e9, static_cast<double>(boundary.most.count()), 0.1);
    const bool has_point = boundary.seconds.find('.') != std::string_view::npos;
    EXPECT_TRUE(has_point || boundary.seconds.find('e') != std::string_view::npos);
    EXPECT_EQ(boundary.seconds.find('e') != std::string_view::npos, seconds < 1e-4);
  }
}

TEST(ShardMetrics, BoundariesRiseAndAreWrittenAsOpenMetricsWants) {
  expect_canonical<kOverheadBoundaries>();
  expect_canonical<kDurationBoundaries>();
  expect_canonical<kFirstTokenBoundaries>();
  expect_canonical<kQueueWaitBoundaries>();
}

}  // namespace
}  // namespace sluice
