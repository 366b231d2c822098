#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/owned_count.h"

namespace sluice {

// Boundary - an upper edge of a histogram, and how it is written in seconds (OpenMetrics 1.0,
// "Canonical numbers"), so that both formats of a scrape name one and the same series.
struct Boundary {
  Duration most;
  std::string_view seconds;
};

// HistogramCounts - what a histogram has counted: the last count is of what was above every
// boundary.
template <const auto& kBoundaries>
struct HistogramCounts {
  static constexpr std::size_t kCounts = kBoundaries.size() + 1;

  std::array<std::uint64_t, kCounts> counts{};
  std::uint64_t sum_ns = 0;

  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t some : counts) sum += some;
    return sum;
  }

  HistogramCounts& operator+=(const HistogramCounts& other) noexcept {
    for (std::size_t i = 0; i < kCounts; ++i) counts[i] += other.counts[i];
    sum_ns += other.sum_ns;
    return *this;
  }
};

// Histogram - how long things took, counted by fixed boundaries: a value belongs to the first
// boundary that it does not exceed (`le`). How many there were is the sum of the counts, so that
// the two always agree.
//
// Affinity  add() one thread, read() any.
// Size      8 bytes for each boundary, and 16.
template <const auto& kBoundaries>
class Histogram {
 public:
  using Counts = HistogramCounts<kBoundaries>;

  // Less than nothing, from clocks that were read in another order, is nothing.
  void add(Duration took) noexcept {
    took = std::max(took, Duration::zero());
    std::size_t i = 0;
    while (i < kBoundaries.size() && took > kBoundaries[i].most) ++i;
    ++counts_[i];
    sum_ns_ += static_cast<std::uint64_t>(took.count());
  }

  [[nodiscard]] Counts read() const noexcept {
    Counts now;
    for (std::size_t i = 0; i < Counts::kCounts; ++i) now.counts[i] = counts_[i];
    now.sum_ns = sum_ns_;
    return now;
  }

 private:
  std::array<OwnedCount, Counts::kCounts> counts_{};
  OwnedCount sum_ns_;
};

}  // namespace sluice
