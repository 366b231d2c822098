#include "engine/route/price_table.h"

#include <algorithm>

#include "base/assert.h"

namespace sluice {

void PriceTable::add(std::string_view model, std::int64_t valid_from_ms, const Price& price) {
  std::vector<DatedPrice>& prices = models_[std::string(model)];
  SL_ASSERT(prices.empty() || prices.back().valid_from_ms < valid_from_ms);
  prices.push_back({valid_from_ms, price});
  prices.back().price.told = true;
}

const Price* PriceTable::find(std::string_view model, std::int64_t unix_ms) const noexcept {
  const auto found = models_.find(model);
  if (found == models_.end()) return nullptr;
  const std::vector<DatedPrice>& prices = found->second;
  const auto next = std::ranges::upper_bound(prices, unix_ms, {}, &DatedPrice::valid_from_ms);
  return next == prices.begin() ? nullptr : &std::prev(next)->price;
}

}  // namespace sluice
