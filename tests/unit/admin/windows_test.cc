#include <gtest/gtest.h>

#include "admin/live/success_window.h"
#include "admin/live/traffic_window.h"
#include "tests/unit/admin/metrics_fixture.h"

namespace sluice {
namespace {

using test::kStart;

TEST(SuccessWindow, OfTheLastFiveMinutesWithoutWhatClientsDid) {
  MetricsSample sample;
  SuccessWindow window;
  HealthBoard board;
  const auto attempts = [&sample](TryOutcome outcome, int times) {
    for (int i = 0; i < times; ++i)
      sample.shard(0).count_account({.account = sample.account(0).label, .outcome = outcome});
  };
  const auto take = [&](Duration at) {
    window.take(sample.figures(), sample.directory(), kStart + at, board);
    return board.find("team-a").success_rate;
  };
  EXPECT_EQ(take(0s), std::nullopt);
  attempts(TryOutcome::kServed, 3);
  attempts(TryOutcome::kServerError, 1);
  attempts(TryOutcome::kClientFault, 5);
  attempts(TryOutcome::kClientGone, 5);
  EXPECT_EQ(take(10s), 0.75);
  EXPECT_EQ(take(5min), 0.75);
  EXPECT_EQ(take(5min + 10s), std::nullopt);  // they are older than the window
}

TEST(SuccessWindow, WhatCameBeforeTheFirstLookStaysForTheWindow) {
  MetricsSample sample;
  SuccessWindow window;
  HealthBoard board;
  sample.shard(0).count_account(
      {.account = sample.account(0).label, .outcome = TryOutcome::kServerError});
  const auto take = [&](Duration at) {
    window.take(sample.figures(), sample.directory(), kStart + at, board);
    return board.find("team-a").success_rate;
  };
  EXPECT_EQ(take(0s), 0.0);
  EXPECT_EQ(take(10s), 0.0);
  EXPECT_EQ(take(5min + 10s), std::nullopt);
}

TEST(TrafficWindow, RatesOfASecondAndPercentilesOfTen) {
  MetricsSample sample;
  TrafficWindow window;
  EXPECT_EQ(window.take(sample.figures(), 0, kStart).requests, 0);
  for (int i = 0; i < 4; ++i) sample.served(i % 2, 0, i == 0 ? 429 : 200);
  sample.shard(0).overhead.add(25us);
  TrafficPoint point = window.take(sample.figures(), 3, kStart + 2s);
  EXPECT_EQ(point.requests, 2);
  EXPECT_EQ(point.errors, 0.5);
  EXPECT_EQ(point.requests_total, 4u);
  EXPECT_EQ(point.waiting, 3u);
  EXPECT_EQ(point.count, 4u);
  ASSERT_TRUE(point.overhead_us.p50);
  EXPECT_GE(*point.overhead_us.p50, 20);
  EXPECT_LE(*point.overhead_us.p99, 30);
  EXPECT_FALSE(point.first_token_ms.p50);
  for (int i = 3; i < 14; ++i) point = window.take(sample.figures(), 0, kStart + i * 1s);
  EXPECT_EQ(point.requests, 0);
  EXPECT_FALSE(point.overhead_us.p50);  // it is more than ten seconds ago
}

TEST(TrafficWindow, ALookSoonAfterAnotherMakesNoSecondOfAMoment) {
  MetricsSample sample;
  TrafficWindow window;
  static_cast<void>(window.take(sample.figures(), 0, kStart));
  static_cast<void>(window.take(sample.figures(), 0, kStart + 1s));
  sample.served(0, 0, 200);
  EXPECT_NEAR(window.take(sample.figures(), 0, kStart + 1005ms).requests, 1, 0.01);
}

TEST(TrafficWindow, PercentilesAreThoseOfWhatWasMeasured) {
  const auto near = [](const TrafficPoint::Percentiles& told, double p50, double p99) {
    ASSERT_TRUE(told.p50 && told.p99);
    EXPECT_NEAR(*told.p50, p50, p50 / 20);
    EXPECT_NEAR(*told.p99, p99, p99 / 20);
  };
  MetricsSample sample;
  TrafficWindow window;
  static_cast<void>(window.take(sample.figures(), 0, kStart));
  for (int i = 0; i < 6; ++i) sample.shard(i % 2).first_token.add(1100ms + i * 300us);
  for (const Duration took : {Duration(500us), Duration(2003ms), Duration(2003ms)})
    sample.shard(0).duration.add(took);
  for (int i = 0; i < 6; ++i) sample.shard(0).overhead.add(17us);
  TrafficPoint point = window.take(sample.figures(), 0, kStart + 1s);
  near(point.first_token_ms, 1100, 1101);
  near(point.duration_ms, 2003, 2003);
  near(point.overhead_us, 17, 17);
  for (int i = 2; i < 14; ++i) point = window.take(sample.figures(), 0, kStart + i * 1s);
  for (int i = 0; i < 6; ++i) sample.shard(1).first_token.add(300us);
  near(window.take(sample.figures(), 0, kStart + 14s).first_token_ms, 0.3, 0.3);
}

}  // namespace
}  // namespace sluice
