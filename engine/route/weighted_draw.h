#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/prng.h"

namespace sluice {

// WeightedDraw - draws one of several numbers with chances proportional to their weights, in the
// same time however many there are and however far their weights lie apart: the alias method
// (Walker, 1977; Vose, 1991). A cell for each number, all of the same size; a weight that is
// smaller than its cell leaves the rest of it to a larger one.
//
// Affinity  any thread: it never changes.
// Size      8 bytes a number, and none where all weights are equal.
class WeightedDraw {
 public:
  WeightedDraw() = default;
  // Of the numbers [0, weights.size()); no weight is 0.
  explicit WeightedDraw(std::span<const std::uint32_t> weights);

  // There is at least one.
  [[nodiscard]] std::uint32_t draw(Prng& prng) const noexcept {
    if (cells_.empty()) return static_cast<std::uint32_t>(prng.below(count_));
    // One random number tells the cell and, by what is left of it, the place in the cell.
    const auto product = static_cast<unsigned __int128>(prng.next()) * count_;
    const Cell& cell = cells_[static_cast<std::size_t>(product >> 64)];
    const auto place = static_cast<std::uint32_t>(static_cast<std::uint64_t>(product) >> 32);
    return place < cell.own ? static_cast<std::uint32_t>(&cell - cells_.data()) : cell.other;
  }

 private:
  struct Cell {
    std::uint32_t own;    // of 2^32: how much of the cell is its number's
    std::uint32_t other;  // whose the rest is; its own number where all of it is
  };

  std::uint32_t count_ = 0;
  std::vector<Cell> cells_;  // empty: all weights are equal
};

}  // namespace sluice
