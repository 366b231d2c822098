#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/route/account.h"
#include "engine/route/account_state.h"
#include "engine/route/origin_order.h"
#include "engine/route/price_groups.h"
#include "engine/route/string_hash.h"
#include "engine/route/weighted_draw.h"

namespace sluice {

// Candidate - one account that can serve a route; what the ladder reads of it, side by side.
struct Candidate {
  const Account* account = nullptr;
  AccountState* state = nullptr;
  std::uint32_t generation = 0;
  std::uint32_t weight = 1;
  std::uint64_t name_hash = 0;      // where the account stands in the hashing of origins
  std::uint32_t strip_bytes = 0;    // of the model's name, where `native` is empty
  Label label = LabelNames::kNone;  // the account's, and its pool
  Pool pool = Pool::kPrimary;
  std::string_view native;       // the model's name there, where the route is for one model
  const Price* price = nullptr;  // of that model there; in the directory

  [[nodiscard]] std::string_view native_model(std::string_view model) const noexcept {
    return native.empty() ? model.substr(strip_bytes) : native;
  }
};

// Route - the enabled accounts that serve one model, or all models with one prefix. Empty when all
// accounts that could are disabled.
struct Route {
  std::vector<Candidate> candidates;  // primary first, each pool in the order of the configuration
  std::uint32_t primary_count = 0;
  std::array<WeightedDraw, 2> draws;  // of each pool's candidates, by their weights
  std::array<PriceGroups, 2> prices;
  std::array<OriginOrder, 2> origins;
  static constexpr std::uint32_t kNoEmergency = ~std::uint32_t{0};
  std::uint32_t emergency = kNoEmergency;  // the candidate with an emergency channel
  std::uint32_t id = 0;                    // its place among the directory's routes
  Label label = LabelNames::kOther;        // of a route for one model its name's

  // Positions in `candidates`: [first, last).
  struct Range {
    std::uint32_t first;
    std::uint32_t last;
  };
  [[nodiscard]] Range range_of(Pool pool) const noexcept {
    switch (pool) {
      case Pool::kPrimary: return {0, primary_count};
      case Pool::kFallback: break;
    }
    return {primary_count, static_cast<std::uint32_t>(candidates.size())};
  }
  [[nodiscard]] const WeightedDraw& draw_of(Pool pool) const noexcept {
    return draws[pool == Pool::kFallback];
  }
  [[nodiscard]] const PriceGroups& prices_of(Pool pool) const noexcept {
    return prices[pool == Pool::kFallback];
  }
  [[nodiscard]] const OriginOrder& origins_of(Pool pool) const noexcept {
    return origins[pool == Pool::kFallback];
  }
};

// PrefixRoute - the route of models that no mapping names and whose longest known prefix is this.
struct PrefixRoute {
  std::string prefix;
  Route route;
};

}  // namespace sluice
