#include "store/client_costs.h"

#include <unordered_map>

#include "store/names.h"
#include "store/queries.h"

namespace sluice {

StoreResult<ClientCosts> client_costs(StoreEnvironment& environment) {
  auto totals = usage_by(environment, UsageSide::kClientKey);
  if (!totals) return store_fail(totals.error());
  ClientCosts costs;
  for (NamedUsage& total : *totals)
    if (total.sums.cost_nano_dollars > 0)
      costs.emplace(std::move(total.name), total.sums.cost_nano_dollars);
  return costs;
}

StoreResult<ClientCosts> client_costs(StoreEnvironment& environment, std::uint32_t from_hour,
                                      std::uint32_t to_hour) {
  std::unordered_map<std::uint32_t, std::uint64_t> by_number;
  SL_STORE_TRY(each_hour(environment, from_hour, [&](const HourlyKey& key, const UsageSums& sums) {
    if (key.hour >= to_hour || sums.cost_nano_dollars == 0) return;
    std::uint64_t& cost = by_number[key.client_key];
    bool fits = true;
    cost = saturating_sum(cost, sums.cost_nano_dollars, fits);
  }));
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  ClientCosts costs;
  for (const auto& [number, cost] : by_number) {
    if (number == 0) continue;  // without a client key
    auto name = name_text(*transaction, number);
    if (!name) return store_fail(name.error());
    costs.emplace(std::move(*name), cost);
  }
  return costs;
}

}  // namespace sluice
