#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/clock.h"

namespace sluice {

// StepHistogram - how long things took, in microseconds: 2^kStepBits steps for each doubling.
//
// Affinity  one thread.
// Size      320 bytes for each step.
template <unsigned kStepBits>
class StepHistogram {
 public:
  void add(Duration took) noexcept {
    const std::int64_t us = std::max<std::int64_t>(took.count() / 1000, 0);
    ++counts_[place_of(static_cast<std::uint64_t>(us))];
    ++count_;
    sum_ns_ += static_cast<double>(took.count());
    max_ = std::max(max_, took);
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] Duration max() const noexcept { return max_; }
  [[nodiscard]] Duration mean() const noexcept {
    if (count_ == 0) return Duration::zero();
    return Duration(static_cast<std::int64_t>(sum_ns_ / static_cast<double>(count_)));
  }
  // The least value that so large a share of all does not exceed, rounded up to a step.
  [[nodiscard]] Duration quantile(double share) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(count_) * share);
    std::uint64_t seen = 0;
    for (std::size_t place = 0; place < counts_.size(); ++place) {
      seen += counts_[place];
      if (seen > wanted) return std::min(Duration(top_of(place) * 1000), max_);
    }
    return max_;
  }

 private:
  static constexpr std::uint64_t kSteps = 1 << kStepBits;
  static constexpr std::size_t kPlaces = 40 * kSteps;

  // Below kSteps exact; above, the highest kStepBits + 1 bits.
  static std::size_t place_of(std::uint64_t us) noexcept {
    if (us < kSteps) return us;
    const auto shift = static_cast<unsigned>(std::bit_width(us)) - kStepBits - 1;
    return std::min(kPlaces - 1, shift * kSteps + (us >> shift));
  }
  static std::int64_t top_of(std::size_t place) noexcept {
    if (place < kSteps) return static_cast<std::int64_t>(place);
    const std::size_t shift = place / kSteps - 1;
    return static_cast<std::int64_t>(((place - shift * kSteps + 1) << shift) - 1);
  }

  std::array<std::uint64_t, kPlaces> counts_{};
  std::uint64_t count_ = 0;
  double sum_ns_ = 0;
  Duration max_{};
};

}  // namespace sluice
