#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace sluice {

// SlidingCounts - how often each of `kKinds` things happened within the last window, forgotten a
// cell at a time: between kCells - 1 and kCells cells of window / kCells, the one under way
// included.
//
// Affinity  one thread. Time that goes backwards counts in the cell under way.
// Size      (kCells + 1) x kKinds words.
template <std::size_t kKinds, std::size_t kCells>
class SlidingCounts {
 public:
  using Counts = std::array<std::uint64_t, kKinds>;

  // Forgets what has left the window. Before add() and sum().
  void advance(Instant now, Duration window) noexcept {
    const std::int64_t width =
        std::max<std::int64_t>(1, window.count() / static_cast<std::int64_t>(kCells));
    const std::int64_t cell = now.time_since_epoch().count() / width;
    if (width != width_) {  // a new window begins empty: cells of another width say nothing of it
      clear();
      width_ = width;
      cell_ = cell;
    }
    const std::int64_t forgotten =
        std::min<std::int64_t>(cell - cell_, static_cast<std::int64_t>(kCells));
    for (std::int64_t i = 0; i < forgotten; ++i) {
      Counts& oldest = cells_[slot_of(cell - i)];
      for (std::size_t kind = 0; kind < kKinds; ++kind) sums_[kind] -= oldest[kind];
      oldest = {};
    }
    cell_ = std::max(cell_, cell);
  }

  void add(std::size_t kind, std::uint64_t count) noexcept {
    cells_[slot_of(cell_)][kind] += count;
    sums_[kind] += count;
  }

  [[nodiscard]] std::uint64_t sum(std::size_t kind) const noexcept { return sums_[kind]; }

  void clear() noexcept {
    cells_ = {};
    sums_ = {};
  }

 private:
  static std::size_t slot_of(std::int64_t cell) noexcept {
    return static_cast<std::size_t>(cell) % kCells;
  }

  std::int64_t width_ = 0;  // nanoseconds
  std::int64_t cell_ = 0;   // the number of the one under way
  Counts sums_{};
  std::array<Counts, kCells> cells_{};
};

}  // namespace sluice
