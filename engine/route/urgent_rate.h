#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>

#include "base/clock.h"

namespace sluice {

// UrgentRate - how often urgent and high requests have taken a permit of an account of late, and so
// how many of its last permits others should leave to them.
//
// Permits that were spent in a crowd come back in a crowd, and until then there are none. Whoever
// is more urgent would wait through that pause like everybody else, were it not for what is kept:
// as many as are likely to be asked for until the next permit comes back. Most of them are used, so
// that little is lost by it; without such requests nothing is kept.
//
// An average over the last minute; at first as if there had been half a minute without any, so that
// it learns soon, and one request does not keep everything.
//
// Affinity  any thread; tick() one.
// Size      20 bytes.
class UrgentRate {
 public:
  void count() noexcept { taken_.fetch_add(1, std::memory_order_relaxed); }

  // Once a second.
  void tick() noexcept {
    constexpr float kShare = 1.0F / 60;  // of the last second in the average
    const std::uint32_t taken = taken_.load(std::memory_order_relaxed);
    const auto of_second = static_cast<float>(taken - seen_);
    seen_ = taken;
    sum_ += (of_second - sum_) * kShare;
    weight_ += (1 - weight_) * kShare;
    constexpr float kForgotten = 1.0F / 3600;
    const float rate = sum_ / weight_;
    per_second_.store(rate < kForgotten ? 0 : rate, std::memory_order_relaxed);
  }

  [[nodiscard]] float per_second() const noexcept {
    return per_second_.load(std::memory_order_relaxed);
  }

  // For `pause`: the mean of what may come, and its standard deviation (Poisson).
  [[nodiscard]] std::uint32_t expected_within(Duration pause) const noexcept {
    const float mean =
        per_second() * std::chrono::duration<float>(std::max(pause, Duration::zero())).count();
    return static_cast<std::uint32_t>(std::min(mean + std::sqrt(mean), 1e6F));
  }

  // The longest pause for which fewer than `kept` are expected.
  [[nodiscard]] Duration pause_for(std::uint32_t kept) const noexcept {
    const float root = (std::sqrt(1 + 4 * static_cast<float>(kept)) - 1) / 2;
    const float seconds = root * root / per_second();
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<float>(std::min(seconds, 86'400.0F)));
  }

 private:
  std::atomic<std::uint32_t> taken_{0};
  std::atomic<float> per_second_{0};
  std::uint32_t seen_ = 0;
  float sum_ = 0;
  float weight_ = 0.4F;  // 1 - (1 - kShare)^30
};

}  // namespace sluice
