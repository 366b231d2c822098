#include "engine/route/weighted_draw.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace sluice {

// Weights are counted in parts of 1 / count, so that a cell is the sum of the weights as they are.
WeightedDraw::WeightedDraw(std::span<const std::uint32_t> weights)
    : count_(static_cast<std::uint32_t>(weights.size())) {
  if (std::ranges::adjacent_find(weights, std::ranges::not_equal_to()) == weights.end()) return;
  const std::uint64_t cell = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  std::vector<std::uint64_t> left(count_);  // of each weight, what has no place yet
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t i = 0; i < count_; ++i) {
    left[i] = std::uint64_t{weights[i]} * count_;
    (left[i] < cell ? small : large).push_back(i);
  }
  cells_.resize(count_);
  while (!small.empty()) {  // then there is a large one as well: their mean is a cell
    const std::uint32_t one = small.back();
    const std::uint32_t other = large.back();
    small.pop_back();
    const auto own = (static_cast<unsigned __int128>(left[one]) << 32) / cell;
    cells_[one] = {.own = static_cast<std::uint32_t>(own), .other = other};
    left[other] -= cell - left[one];
    if (left[other] >= cell) continue;
    large.pop_back();
    small.push_back(other);
  }
  for (const std::uint32_t i : large) cells_[i] = {.own = 0, .other = i};
}

}  // namespace sluice
