#include "store/queries.h"

#include <algorithm>
#include <map>

#include "store/hour_walk.h"
#include "store/names.h"
#include "store/rows.h"
#include "store/scan.h"

namespace sluice {

StoreResult<std::optional<UsageFilterNumbers>> resolve_filter(const Transaction& transaction,
                                                              const UsageFilter& filter) {
  const struct {
    UsageSide side;
    NameKind kind;
    const std::optional<std::string>* text;
  } names[] = {{UsageSide::kAccount, NameKind::kOurs, &filter.account},
               {UsageSide::kModel, NameKind::kModel, &filter.model},
               {UsageSide::kClientKey, NameKind::kOurs, &filter.client_key}};
  UsageFilterNumbers wanted;
  for (const auto& name : names) {
    if (!*name.text) continue;
    const auto number = find_name(transaction, name.kind, **name.text);
    if (!number) return store_fail(number.error());
    if (!*number) return std::nullopt;
    wanted.push_back({name.side, **number});
  }
  return wanted;
}

StoreResult<UsageSums> usage_total(StoreEnvironment& environment) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  const auto row = get_row<UsageSums>(*transaction, TotalKey{}.bytes().view(), Table::kUsageTotals);
  if (!row) return store_fail(row.error());
  return row->value_or(UsageSums{});
}

StoreResult<std::vector<NamedUsage>> usage_by(StoreEnvironment& environment, UsageSide side) {
  std::vector<std::pair<std::uint32_t, UsageSums>> found;
  const KeyBytes from = TotalKey{side, 0}.bytes();
  SL_STORE_TRY(scan(environment, Table::kUsageTotals, from.view(), {},
                    [&](std::string_view bytes, std::string_view value) -> StoreResult<bool> {
                      TotalKey key;
                      auto row = decode_row<UsageSums>(value, Table::kUsageTotals);
                      if (!row) return store_fail(row.error());
                      if (!key.read(bytes)) {
                        return store_fail(StoreErrc::kMalformed, Table::kUsageTotals);
                      }
                      if (key.side != side) return false;
                      found.emplace_back(key.number, *row);
                      return true;
                    }));
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  std::vector<NamedUsage> usage;
  usage.reserve(found.size());
  for (auto& [number, sums] : found) {
    auto text = name_text(*transaction, number);
    if (!text) return store_fail(text.error());
    usage.push_back({std::move(*text), sums});
  }
  return usage;
}

StoreResult<std::vector<HourlyUsage>> hourly_usage(StoreEnvironment& environment,
                                                   const HourlyFilter& filter, bool* truncated) {
  std::vector<HourlyUsage> usage;
  // Pools always, and client keys unless asked for, are summed up.
  std::map<HourlyKey, UsageSums> rows;
  std::uint32_t hour = filter.to_hour;  // the one that is read, and after the walk the earliest
  SL_STORE_TRY(walk_hours(
      environment,
      {.from_hour = filter.from_hour, .to_hour = filter.to_hour, .names = filter.names},
      [&](std::uint32_t next) {
        if (rows.size() > filter.rows_max) return false;
        hour = next;
        return true;
      },
      [&](HourlyKey key, const UsageSums& sums) {
        key.pool = 0;
        if (!filter.by_client_key) key.client_key = 0;
        rows[key].add(sums);
      }));
  const bool too_many = rows.size() > filter.rows_max;
  if (too_many) rows.erase(rows.begin(), rows.lower_bound({.hour = hour + 1}));
  if (truncated != nullptr) *truncated = too_many;
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  NameTexts texts;
  for (auto& [key, sums] : rows) {
    HourlyUsage& row = usage.emplace_back();
    row.hour = key.hour;
    row.sums = sums;
    SL_STORE_TRY(texts.write(
        *transaction,
        {{key.account, &row.account}, {key.model, &row.model}, {key.client_key, &row.client_key}}));
  }
  std::ranges::stable_sort(usage, std::ranges::greater(), &HourlyUsage::hour);
  return usage;
}

StoreResult<std::vector<DailyUsage>> daily_usage(StoreEnvironment& environment,
                                                 std::uint32_t from_day, std::uint32_t to_day) {
  std::vector<std::pair<DailyKey, DailySums>> rows;
  const KeyBytes from = DailyKey{.day = from_day}.bytes();
  SL_STORE_TRY(scan(environment, Table::kUsageDaily, from.view(), {},
                    [&](std::string_view bytes, std::string_view value) -> StoreResult<bool> {
                      DailyKey key;
                      if (!key.read(bytes)) {
                        return store_fail(StoreErrc::kMalformed, Table::kUsageDaily);
                      }
                      if (key.day > to_day) return false;
                      auto row = decode_row<DailySums>(value);
                      if (!row) return store_fail(row.error());
                      rows.emplace_back(key, *row);
                      return true;
                    }));
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  std::vector<DailyUsage> usage;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    auto pool = name_text(*transaction, row->first.pool);
    if (!pool) return store_fail(pool.error());
    usage.push_back({.day = row->first.day,
                     .pool = std::move(*pool),
                     .sums = row->second.sums,
                     .unique_accounts = row->second.unique_accounts});
  }
  return usage;
}

}  // namespace sluice
