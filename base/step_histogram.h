#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "base/clock.h"
#include "base/owned_count.h"

namespace sluice {

// Steps - the places of numbers: 2^kStepBits for each doubling.
template <unsigned kStepBits>
struct Steps {
  static constexpr std::uint64_t kSteps = 1 << kStepBits;
  static constexpr std::size_t kPlaces = 40 * kSteps;

  // Below kSteps exact; above, the highest kStepBits + 1 bits. The last one takes what is beyond.
  static std::size_t place_of(std::uint64_t value) noexcept {
    if (value < kSteps) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kStepBits - 1;
    return std::min(kPlaces - 1, shift * kSteps + (value >> shift));
  }
  // The least and the greatest number of a place.
  static std::int64_t bottom_of(std::size_t place) noexcept {
    return place == 0 ? 0 : top_of(place - 1) + 1;
  }
  static std::int64_t top_of(std::size_t place) noexcept {
    if (place < kSteps) return static_cast<std::int64_t>(place);
    const std::size_t shift = place / kSteps - 1;
    return static_cast<std::int64_t>(((place - shift * kSteps + 1) << shift) - 1);
  }
};

// StepHistogram - how long things took, in microseconds: 2^kStepBits steps for each doubling.
//
// Affinity  one thread.
// Size      320 bytes for each step.
template <unsigned kStepBits>
class StepHistogram {
 public:
  void add(Duration took) noexcept {
    const std::int64_t us = std::max<std::int64_t>(took.count() / 1000, 0);
    ++counts_[Places::place_of(static_cast<std::uint64_t>(us))];
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
      if (seen > wanted) return std::min(Duration(Places::top_of(place) * 1000), max_);
    }
    return max_;
  }

 private:
  using Places = Steps<kStepBits>;

  std::array<std::uint64_t, Places::kPlaces> counts_{};
  std::uint64_t count_ = 0;
  double sum_ns_ = 0;
  Duration max_{};
};

// SharedStepHistogram - how long things took, in nanoseconds, up to hours: 16 steps for each
// doubling, so that what is told of a value is off by 1/32 of it at most.
//
// Affinity  add() one thread, read() any.
// Size      5 KiB.
class SharedStepHistogram {
  using Places = Steps<4>;

 public:
  // What it has counted, at one moment or between two.
  struct Counts {
    std::array<std::uint64_t, Places::kPlaces> counts{};

    [[nodiscard]] std::uint64_t count() const noexcept {
      return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    }
    Counts& operator+=(const Counts& other) noexcept {
      for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
      return *this;
    }
    // What has come since `before`, an earlier reading of the same.
    [[nodiscard]] Counts since(const Counts& before) const noexcept {
      Counts more;
      for (std::size_t i = 0; i < counts.size(); ++i) more.counts[i] = counts[i] - before.counts[i];
      return more;
    }
    // The least value that a share (0 to 1) of all does not exceed: the middle of its step. Zero
    // when nothing was counted.
    [[nodiscard]] Duration quantile(double share) const noexcept {
      const auto wanted = static_cast<std::uint64_t>(
          std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count())));
      std::uint64_t seen = 0;
      for (std::size_t place = 0; place < counts.size(); ++place) {
        seen += counts[place];
        if (seen > 0 && seen >= wanted)
          return Duration(std::midpoint(Places::bottom_of(place), Places::top_of(place)));
      }
      return Duration::zero();
    }
  };

  // Less than nothing, from clocks that were read in another order, is nothing.
  void add(Duration took) noexcept {
    ++counts_[Places::place_of(
        static_cast<std::uint64_t>(std::max(took, Duration::zero()).count()))];
  }
  [[nodiscard]] Counts read() const noexcept {
    Counts now;
    for (std::size_t i = 0; i < counts_.size(); ++i) now.counts[i] = counts_[i];
    return now;
  }

 private:
  std::array<OwnedCount, Places::kPlaces> counts_{};
};

}  // namespace sluice
