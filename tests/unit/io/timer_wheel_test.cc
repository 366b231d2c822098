#include "engine/io/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include "base/prng.h"

namespace sluice {
namespace {

struct RecordingTimer final : Timer {
  void on_timer() noexcept override { ++fired; }
  int fired = 0;
};

constexpr Instant kStart = Instant(1s);

struct ExpiryRow {
  const char* rule;
  Duration after;
};
constexpr ExpiryRow kExpiryRows[] = {
    {"now", 0ms},
    {"less than a tick", 300us},
    {"one tick", 1ms},
    {"the end of the first wheel", 63ms},
    {"the first slot of the second wheel", 64ms},
    {"inside the second wheel", 65ms},
    {"the third wheel", 4096ms},
    {"one off the third wheel", 4097ms},
    {"ten minutes", 600s},
    {"a day", 24h},
    {"a year", 8760h},
};

TEST(TimerWheel, FiresAtItsTickNeverEarly) {
  for (const ExpiryRow& row : kExpiryRows) {
    for (const Duration offset : {0ms, 1ms, 63ms, 1234567ms}) {
      TimerWheel wheel(kStart);
      wheel.advance(kStart + offset);
      RecordingTimer timer;
      const Instant at = kStart + offset + row.after;
      wheel.start(timer, at);
      ASSERT_LE(wheel.next_expiry(), at + TimerWheel::kTick) << row.rule;
      if (row.after > 0ms) {
        wheel.advance(at - 1ns);
        ASSERT_EQ(timer.fired, 0) << row.rule;
      }
      wheel.advance(at + TimerWheel::kTick);
      ASSERT_EQ(timer.fired, 1) << row.rule;
      ASSERT_TRUE(wheel.empty()) << row.rule;
    }
  }
}

TEST(TimerWheel, AStoppedTimerDoesNotFire) {
  TimerWheel wheel(kStart);
  RecordingTimer timer;
  wheel.start(timer, kStart + 100ms);
  wheel.stop(timer);
  EXPECT_TRUE(wheel.empty());
  EXPECT_EQ(wheel.next_expiry(), kNever);
  wheel.advance(kStart + 10s);
  EXPECT_EQ(timer.fired, 0);
}

TEST(TimerWheel, AMovedTimerFiresOnceAtItsNewInstant) {
  TimerWheel wheel(kStart);
  RecordingTimer timer;
  wheel.start(timer, kStart + 100ms);
  wheel.start(timer, kStart + 5s);
  wheel.advance(kStart + 4999ms);
  EXPECT_EQ(timer.fired, 0);
  wheel.advance(kStart + 5s);
  EXPECT_EQ(timer.fired, 1);
}

struct RestartingTimer final : Timer {
  explicit RestartingTimer(TimerWheel& wheel) : wheel(wheel) {}
  void on_timer() noexcept override {
    at += 10ms;
    if (++fired < 5) wheel.start(*this, at);
  }
  TimerWheel& wheel;
  Instant at = kStart + 10ms;
  int fired = 0;
};

TEST(TimerWheel, ATimerMayStartItselfAgain) {
  TimerWheel wheel(kStart);
  RestartingTimer timer(wheel);
  wheel.start(timer, timer.at);
  wheel.advance(kStart + 1s);
  EXPECT_EQ(timer.fired, 5);
}

// Against a sorted map as the oracle: random starts, moves, stops and leaps of time.
TEST(TimerWheel, AgreesWithASortedMapOverRandomRuns) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Prng prng(seed);
    TimerWheel wheel(kStart);
    std::deque<RecordingTimer> timers(200);
    std::vector<Instant> due(timers.size(), kNever);
    Instant now = kStart;
    for (int step = 0; step < 3000; ++step) {
      const std::size_t i = prng.below(timers.size());
      const int magnitude = static_cast<int>(prng.below(34));
      const Duration delay(static_cast<std::int64_t>(prng.below(std::uint64_t{1} << magnitude)) *
                           1000);
      switch (prng.below(4)) {
        case 0:
        case 1:
          wheel.start(timers[i], now + delay);
          due[i] = now + delay;
          break;
        case 2:
          wheel.stop(timers[i]);
          due[i] = kNever;
          break;
        default:
          ASSERT_LE(wheel.next_expiry(), *std::min_element(due.begin(), due.end()) == kNever
                                             ? kNever
                                             : *std::min_element(due.begin(), due.end()) + 2ms);
          now += delay / 4;
          wheel.advance(now);
          for (std::size_t k = 0; k < timers.size(); ++k) {
            // Due a whole tick ago: must have fired. Not yet due: must not.
            if (due[k] == kNever) continue;
            if (timers[k].fired > 0) {
              ASSERT_LE(due[k], now) << "early, seed " << seed;
              timers[k].fired = 0;
              due[k] = kNever;
            } else {
              ASSERT_GT(due[k] + 2 * TimerWheel::kTick, now) << "late, seed " << seed;
            }
          }
      }
    }
    for (auto& timer : timers) wheel.stop(timer);
  }
}

}  // namespace
}  // namespace sluice
