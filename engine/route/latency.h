#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/clock.h"
#include "engine/route/take.h"

namespace sluice {

// BasicLatency - how long an account takes to its first token of late: an exponentially weighted
// moving average in time, by which the latency strategy compares two accounts.
//
// A sample that is one half-life old weighs half as much as one of now, however many came since.
// Without samples the value decays towards zero. So an account that was slow once is tried again
// before long: one a hundred times slower than the others looks as fast after seven half-lives, and
// one more sample tells whether it is. Decay towards the others' mean would not do that: an account
// behind better ones would stay behind them without ever being asked.
//
// Time has steps of 17 ms. Of samples that come within one step the first counts; the others would
// weigh next to nothing.
//
// Affinity  any thread, lock-free.
// Size      8 bytes: the value and its time in one word, 28 bits of a float (sign and three bits of
//           the mantissa are left out: one part in a million) and 36 of time, which is 36 years.
template <class Atomics>
class BasicLatency {
 public:
  static constexpr Duration kHalfLife = 10s;

  void update(Duration sample, Instant now) {
    const float taken = std::max(1.0F, static_cast<float>(sample.count()));
    const std::uint64_t at = steps_of(now);
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      const float weight = seen == 0 ? 0.0F : weight_after(seen, at);
      if (weight == 1.0F) return;
      const float next = value_of(seen) * weight + taken * (1.0F - weight);
      if (word_.compare_exchange_weak(seen, pack(next, at), std::memory_order_relaxed,
                                      std::memory_order_relaxed)) {
        return;
      }
    }
  }

  // Zero before the first sample: an account that nobody knows is worth a try.
  [[nodiscard]] Duration value(Instant now) const {
    const std::uint64_t seen = word_.load(std::memory_order_relaxed);
    if (seen == 0) return Duration::zero();
    return Duration(static_cast<std::int64_t>(value_of(seen) * weight_after(seen, steps_of(now))));
  }

 private:
  static constexpr int kValueBits = 28;
  static constexpr int kLeftOutBits = 3;  // of the mantissa; the sign is a leading zero
  static constexpr std::int64_t kStepNs = std::int64_t{1} << 24;

  static std::uint64_t steps_of(Instant at) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, at.time_since_epoch().count() / kStepNs));
  }
  static std::uint64_t pack(float value, std::uint64_t at) {
    return at << kValueBits | std::bit_cast<std::uint32_t>(value) >> kLeftOutBits;
  }
  static float value_of(std::uint64_t word) {
    constexpr std::uint64_t kMask = (std::uint64_t{1} << kValueBits) - 1;
    return std::bit_cast<float>(static_cast<std::uint32_t>(word & kMask) << kLeftOutBits);
  }
  // What an old value still weighs. A clock that runs behind sees no time pass.
  static float weight_after(std::uint64_t word, std::uint64_t now) {
    constexpr float kHalfLivesPerStep =
        static_cast<float>(kStepNs) / static_cast<float>(kHalfLife.count());
    const std::uint64_t at = word >> kValueBits;
    return now <= at ? 1.0F : std::exp2(-static_cast<float>(now - at) * kHalfLivesPerStep);
  }

  typename Atomics::template Atomic<std::uint64_t> word_{0};
};

using Latency = BasicLatency<StdAtomics>;

}  // namespace sluice
