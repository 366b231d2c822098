#pragma once

#include <atomic>
#include <cstdint>

namespace sluice {

// RunningMean - how many tokens the answers of an account have of late: each new one counts for a
// sixteenth, so that the last thirty or so are what it tells.
//
// Affinity  any thread. Of two that add at the same moment one may be lost, which a mean can bear.
// Size      8 bytes.
class RunningMean {
 public:
  // Before anything is known: a middling chat answer.
  static constexpr std::uint64_t kFirst = 256;

  void add(std::uint64_t count) noexcept {
    const auto mean = static_cast<std::int64_t>(scaled_.load(std::memory_order_relaxed));
    const auto next = mean + static_cast<std::int64_t>(count) - mean / kWeight;
    scaled_.store(static_cast<std::uint64_t>(next), std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return scaled_.load(std::memory_order_relaxed) / kWeight;
  }

 private:
  static constexpr std::int64_t kWeight = 16;

  std::atomic<std::uint64_t> scaled_{kFirst * kWeight};
};

}  // namespace sluice
