#include "engine/route/cooldown.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace sluice::test {
namespace {

constexpr Instant kT0 = Instant(1000s);
constexpr Duration kTick = 4096ns;  // deadlines are rounded up by less than this
constexpr CooldownPolicy kPolicy = {.base = 30s, .max = 600s};

void expect_about(Instant actual, Instant expected) {
  EXPECT_GE(actual, expected);
  EXPECT_LT(actual, expected + kTick);
}

// One thing that happens to an account. Times count from kT0.
struct Step {
  Duration at;
  std::optional<Duration> retry_after;   // of a 429
  std::optional<Duration> permitted_at;  // of a success; nothing: it is a 429
  bool started;
  Duration until;
  std::uint32_t count;
};

constexpr Step rate_limited(Duration at, std::optional<Duration> retry_after, bool started,
                            Duration until, std::uint32_t count) {
  return {at, retry_after, {}, started, until, count};
}
constexpr Step success(Duration at, Duration permitted_at, Duration until, std::uint32_t count) {
  return {at, {}, permitted_at, false, until, count};
}

struct Row {
  const char* rule;
  std::vector<Step> steps;
};

const Row kRows[] = {
    {"the first cooldown lasts the base", {rate_limited(0s, {}, true, 30s, 1)}},
    {"each further one in a row doubles, up to the maximum",
     {rate_limited(0s, {}, true, 30s, 1), rate_limited(31s, {}, true, 91s, 2),
      rate_limited(92s, {}, true, 212s, 3), rate_limited(213s, {}, true, 453s, 4),
      rate_limited(454s, {}, true, 934s, 5), rate_limited(935s, {}, true, 1535s, 6),
      rate_limited(1536s, {}, true, 2136s, 7)}},
    {"Retry-After is a floor",
     {rate_limited(0s, 45s, true, 45s, 1), rate_limited(46s, 10s, true, 106s, 2)}},
    {"Retry-After counts above the maximum too", {rate_limited(0s, 3600s, true, 3600s, 1)}},
    {"a negative Retry-After is none", {rate_limited(0s, -5s, true, 30s, 1)}},
    {"a 429 while it runs is no event and raises no count",
     {rate_limited(0s, {}, true, 30s, 1), rate_limited(1s, {}, false, 30s, 1)}},
    {"while it runs a later Retry-After extends it",
     {rate_limited(0s, {}, true, 30s, 1), rate_limited(10s, 60s, false, 70s, 1)}},
    {"while it runs an earlier Retry-After does not shorten it",
     {rate_limited(0s, 60s, true, 60s, 1), rate_limited(10s, 5s, false, 60s, 1)}},
    {"its end resets no count",
     {rate_limited(0s, {}, true, 30s, 1), rate_limited(10'000s, {}, true, 10'060s, 2)}},
    {"a success after it resets the count",
     {rate_limited(0s, {}, true, 30s, 1), success(40s, 39s, 30s, 0),
      rate_limited(50s, {}, true, 80s, 1)}},
    {"a success while it runs neither ends it nor resets the count",
     {rate_limited(0s, {}, true, 30s, 1), success(10s, -1s, 30s, 1)}},
    {"a success of a request from before it resets nothing",
     {rate_limited(0s, {}, true, 30s, 1), success(40s, -1s, 30s, 1)}},
    {"a success without a cooldown changes nothing", {success(0s, -1s, -1000s, 0)}},
};

TEST(Cooldown, Rows) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.rule);
    Cooldown cooldown;
    for (const Step& step : row.steps) {
      SCOPED_TRACE(step.at / 1s);
      const Instant now = kT0 + step.at;
      if (step.permitted_at) {
        cooldown.succeeded(kT0 + *step.permitted_at);
      } else {
        const CooldownChange change = cooldown.rate_limited(now, step.retry_after, kPolicy);
        EXPECT_EQ(change.started, step.started);
        EXPECT_EQ(change.count, step.count);
        expect_about(change.until, kT0 + step.until);
        EXPECT_TRUE(cooldown.running(now));
        EXPECT_FALSE(cooldown.running(kT0 + step.until + kTick));
      }
      EXPECT_EQ(cooldown.count(), step.count);
      expect_about(cooldown.until(), kT0 + step.until);
    }
  }
}

TEST(Cooldown, ARetryAfterBeyondAllBoundsIsKept) {
  Cooldown cooldown;
  cooldown.rate_limited(kT0, Duration::max(), kPolicy);
  EXPECT_GT(cooldown.until(), kT0 + 24h * 365 * 30);
}

TEST(Cooldown, TheCountStopsAtItsMaximumAndTheLengthToo) {
  Cooldown cooldown;
  Instant now = kT0;
  for (int i = 0; i < 70'000; ++i) {
    cooldown.rate_limited(now, {}, kPolicy);
    now = cooldown.until();
  }
  EXPECT_EQ(cooldown.count(), 65'535u);
  const CooldownChange change = cooldown.rate_limited(now, {}, kPolicy);
  expect_about(change.until, now + 600s);
}

TEST(Cooldown, SixteenConcurrent429sAreOneEvent) {
  for (int round = 0; round < 50; ++round) {
    Cooldown cooldown;
    std::atomic<int> events = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&, i] {
        if (cooldown.rate_limited(kT0 + 1ms * i, 1s * i, kPolicy).started) ++events;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(events, 1);
    EXPECT_EQ(cooldown.count(), 1u);
    EXPECT_GE(cooldown.until(), kT0 + 30s);
  }
}

}  // namespace
}  // namespace sluice::test
