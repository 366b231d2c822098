#include "engine/route/price_groups.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/route/route.h"

namespace sluice {

PriceGroups::PriceGroups(std::span<const Candidate> candidates, std::uint32_t first) {
  const auto price = [&candidates, first](std::uint32_t position) {
    const Price& cost = *candidates[position - first].price;
    return std::pair(cost.input, cost.output);
  };
  positions_.resize(candidates.size());
  std::iota(positions_.begin(), positions_.end(), first);
  std::ranges::stable_sort(positions_, {}, price);
  for (std::uint32_t i = 0; i < positions_.size(); ++i) {
    const auto [input, output] = price(positions_[i]);
    if (i == 0 || price(positions_[i - 1]) != std::pair(input, output))
      groups_.push_back({static_cast<double>(input), static_cast<double>(output), i, i});
    groups_.back().last = i + 1;
  }
}

}  // namespace sluice
