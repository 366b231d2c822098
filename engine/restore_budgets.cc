#include "engine/restore_budgets.h"

#include <algorithm>
#include <optional>

#include "store/client_costs.h"
#include "store/usage_keys.h"

namespace sluice {
namespace {

// 0 for who is not in it.
std::uint64_t cost_in(const ClientCosts& costs, const std::string& name) {
  const auto found = costs.find(name);
  return found == costs.end() ? 0 : found->second;
}

bool is_whole(const ClientKey& client, std::int64_t unix_ms) {
  return !client.budget.any() || client.spending->is_whole(client.budget.period, unix_ms);
}

// The same as of `booked`, all that there is by now.
StoreResult<void> restore_period(StoreEnvironment& environment, const Directory& directory,
                                 const ClientCosts& booked, BudgetPeriod period,
                                 std::int64_t unix_ms) {
  const auto lacks = [&](const ClientKey& client) {
    return client.budget.period == period && !is_whole(client, unix_ms);
  };
  if (std::ranges::none_of(directory.clients, lacks)) return {};
  const BudgetSpan span = budget_span(period, unix_ms);
  const std::uint32_t to_hour = span.to_ms ? hour_of(*span.to_ms) : UINT32_MAX;
  const auto costs = client_costs(environment, hour_of(span.from_ms), to_hour);
  if (!costs) return store_fail(costs.error());
  for (const ClientKey& client : directory.clients) {
    if (!lacks(client)) continue;
    ClientSpending& spending = *client.spending;
    // This process has begun in this period, so all that it has booked is of it. Prices that were
    // corrected since may have made a sum smaller.
    const std::uint64_t all = cost_in(booked, client.name);
    const std::uint64_t ours = all - std::min(all, spending.booked_before());
    const std::uint64_t cost = cost_in(*costs, client.name);
    spending.restore(period, cost - std::min(cost, ours), unix_ms);
  }
  return {};
}

}  // namespace

StoreResult<void> restore_budgets(StoreEnvironment& environment, const Directory& directory,
                                  std::int64_t now_unix_ms) {
  const bool known = std::ranges::all_of(directory.clients, [&](const ClientKey& client) {
    return client.spending->begun() && is_whole(client, now_unix_ms);
  });
  if (known) return {};
  const auto booked = client_costs(environment);
  if (!booked) return store_fail(booked.error());
  for (const ClientKey& client : directory.clients) {
    if (!client.spending->begun())
      client.spending->begin(cost_in(*booked, client.name), now_unix_ms);
  }
  for (const BudgetPeriod period : {BudgetPeriod::kDay, BudgetPeriod::kMonth})
    SL_STORE_TRY(restore_period(environment, directory, *booked, period, now_unix_ms));
  return {};
}

}  // namespace sluice
