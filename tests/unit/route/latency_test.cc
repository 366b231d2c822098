#include "engine/route/latency.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "base/prng.h"
#include "tests/unit/route/run_together.h"
#include "tests/unit/route/step_model.h"

namespace sluice::test {
namespace {

constexpr Instant kT0 = Instant(1000s);
constexpr Duration kHalfLife = Latency::kHalfLife;

// Times have steps of 17 ms in a half-life of 10 s, and the value 20 bits.
void expect_near(Duration actual, Duration expected) {
  EXPECT_NEAR(static_cast<double>(actual.count()), static_cast<double>(expected.count()),
              static_cast<double>(expected.count()) * 0.002 + 1);
}

TEST(Latency, NothingIsZeroAndTheFirstSampleIsTheValue) {
  Latency latency;
  EXPECT_EQ(latency.value(kT0), 0ns);
  latency.update(300ms, kT0);
  expect_near(latency.value(kT0), 300ms);
  Latency since_boot;
  since_boot.update(300ms, Instant(1s));
  expect_near(since_boot.value(Instant(1s)), 300ms);
}

TEST(Latency, WithoutSamplesItHalvesInAHalfLife) {
  Latency latency;
  latency.update(800ms, kT0);
  expect_near(latency.value(kT0 + kHalfLife), 400ms);
  expect_near(latency.value(kT0 + kHalfLife * 3), 100ms);
  EXPECT_EQ(latency.value(kT0 + 24h), 0ns);
  EXPECT_EQ(latency.value(kT0 + 24h * 365 * 30), 0ns);
}

TEST(Latency, ReadingChangesNothing) {
  Latency latency;
  latency.update(800ms, kT0);
  for (int i = 0; i < 1'000; ++i) (void)latency.value(kT0 + 10ms * i);
  expect_near(latency.value(kT0 + kHalfLife), 400ms);
}

TEST(Latency, ASampleWeighsByTheTimeSinceTheLast) {
  Latency latency;
  latency.update(800ms, kT0);
  latency.update(200ms, kT0 + kHalfLife);
  expect_near(latency.value(kT0 + kHalfLife), 500ms);
  latency.update(900ms, kT0 + kHalfLife + 24h);
  expect_near(latency.value(kT0 + kHalfLife + 24h), 900ms);
}

TEST(Latency, OfSamplesWithinAStepTheFirstCounts) {
  Latency latency;
  latency.update(100ms, kT0);
  latency.update(900s, kT0 + 1us);
  latency.update(900s, kT0 - 1s);  // a clock that runs behind
  expect_near(latency.value(kT0), 100ms);
}

TEST(Latency, ReachesWhatAllSamplesAreHoweverDenseTheyCome) {
  for (const Duration between : {1ms, 17ms, 100ms, 1'500ms, 60'000ms}) {
    SCOPED_TRACE(between / 1ms);
    Latency latency;
    latency.update(1ms, kT0);
    Instant now = kT0;
    while (now < kT0 + kHalfLife * 12) latency.update(250ms, now += between);
    expect_near(latency.value(now), 250ms);
  }
}

TEST(Latency, ASlowAccountLooksFastAgainInBoundedTime) {
  Latency slow;
  Latency fast;
  slow.update(20s, kT0);
  Instant now = kT0;
  while (slow.value(now) > fast.value(now)) {
    fast.update(200ms, now);
    now += 500ms;
    ASSERT_LT(now, kT0 + kHalfLife * 8);
  }
  EXPECT_GT(now, kT0 + kHalfLife * 6);
}

TEST(Latency, AnyDurationIsASample) {
  constexpr Duration kSamples[] = {Duration::min(), -1ns, 0ns, 1ns, 1us, 24h * 365 * 200};
  for (const Duration sample : kSamples) {
    Latency latency;
    latency.update(sample, kT0);
    EXPECT_GE(latency.value(kT0), 1ns);
    expect_near(latency.value(kT0), std::max(sample, Duration(1ns)));
  }
}

// Random samples against the sum that the average is: each by the weight of its age.
TEST(Latency, IsTheWeightedMeanOfItsSamples) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    Latency latency;
    Instant now = kT0;
    double mean = 0;
    for (int i = 0; i < 200; ++i) {
      const Duration pause = 20ms * static_cast<std::int64_t>(1 + prng.below(300));
      const Duration sample = 1ms * static_cast<std::int64_t>(1 + prng.below(5'000));
      now += pause;
      const double weight =
          i == 0 ? 0 : std::exp2(-static_cast<double>(pause.count()) / kHalfLife.count());
      mean = mean * weight + static_cast<double>(sample.count()) * (1 - weight);
      latency.update(sample, now);
      ASSERT_NEAR(static_cast<double>(latency.value(now).count()), mean, mean * 0.02);
    }
  }
}

TEST(Latency, InEveryOrderOfTwoThreadsBothSamplesCount) {
  World::instance().clear();
  BasicLatency<StepAtomics> latency;
  latency.update(800ms, kT0);
  const auto sampled = [&](Duration sample, Duration after) {
    return [&latency, sample, after](Results&) { latency.update(sample, kT0 + after); };
  };
  std::size_t endings = 0;
  Explorer({sampled(400ms, kHalfLife), sampled(200ms, kHalfLife * 2)})
      .explore([&](const std::vector<Results>&) {
        ++endings;
        const Duration value = latency.value(kT0 + kHalfLife * 2);
        // In order: ((800 + 400) / 2 + 200) / 2. The later first: 800 / 4 + 200 x 3 / 4, and the
        // earlier comes too late to weigh.
        if (value > 375ms) expect_near(value, 400ms);
        else expect_near(value, 350ms);
      });
  EXPECT_GE(endings, 2u);
}

TEST(Latency, UnderThreadsItStaysBetweenItsSamples) {
  Latency latency;
  run_together([&](int thread) {
    for (int i = 0; i < 2'000; ++i) {
      latency.update(100ms + 100ms * thread, kT0 + 20ms * i);
      (void)latency.value(kT0 + 20ms * i);
    }
  });
  const Duration value = latency.value(kT0 + 20ms * 1'999);
  EXPECT_GE(value, 99ms);
  EXPECT_LE(value, 801ms);
}

}  // namespace
}  // namespace sluice::test
