#pragma once

#include <chrono>
#include <cstdint>

namespace sluice {

// MonotonicClock - names the time line that all deadlines and buckets use (CLOCK_MONOTONIC,
// nanoseconds). Read it through a Clock, so that tests and the simulator can drive time.
struct MonotonicClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<MonotonicClock, duration>;
  static constexpr bool is_steady = true;
};

using Duration = MonotonicClock::duration;
using Instant = MonotonicClock::time_point;

using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

inline constexpr Instant kNever = Instant::max();

// Clock - the source of time of one thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() noexcept = 0;  // monotonic
  virtual std::int64_t
  unix_ms() noexcept = 0;  // wall clock, milliseconds since 1970, for logs and HTTP dates
};

// SystemClock - the clock of the machine; about 24 ns a reading.
class SystemClock final : public Clock {
 public:
  Instant now() noexcept override {
    return Instant(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
  }
  std::int64_t unix_ms() noexcept override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

// ManualClock - stands still until a test moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Instant start = Instant(1s)) : now_(start) {}
  Instant now() noexcept override { return now_; }
  std::int64_t unix_ms() noexcept override {
    return kEpochMs +
           std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count();
  }
  void advance(Duration by) { now_ += by; }

 private:
  static constexpr std::int64_t kEpochMs =
      1'700'000'000'000;  // an arbitrary day, so that dates look like dates
  Instant now_;
};

}  // namespace sluice
