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

// HistogramCounts - what a histogram has counted, at one moment or between two: the last count is
// of what was above every boundary.
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
  // What has come since `before`, an earlier reading of the same.
  [[nodiscard]] HistogramCounts since(const HistogramCounts& before) const noexcept {
    HistogramCounts more;
    for (std::size_t i = 0; i < kCounts; ++i) more.counts[i] = counts[i] - before.counts[i];
    more.sum_ns = sum_ns - before.sum_ns;
    return more;
  }

  // The value that a share (0 to 1) of all does not exceed, as Prometheus' histogram_quantile says
  // it: evenly spread within a bucket, and the highest boundary for what is above it. Zero when
  // nothing was counted.
  [[nodiscard]] Duration quantile(double share) const noexcept {
    const std::uint64_t all = count();
    if (all == 0) return Duration::zero();
    const double rank = std::clamp(share, 0.0, 1.0) * static_cast<double>(all);
    double below = 0;
    Duration low{};
    for (std::size_t i = 0; i < kBoundaries.size(); ++i) {
      const Duration high = kBoundaries[i].most;
      const auto here = static_cast<double>(counts[i]);
      if (here > 0 && below + here >= rank) {
        const double part = std::max(rank - below, 0.0) / here;
        return low + Duration(static_cast<std::int64_t>(static_cast<double>((high - low).count()) *
                                                        part));
      }
      below += here;
      low = high;
    }
    return low;
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
