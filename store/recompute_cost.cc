#include "store/recompute_cost.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "store/names.h"
#include "store/prices.h"
#include "store/rows.h"
#include "store/usage_keys.h"
#include "store/usage_rows.h"

namespace sluice {
namespace {

// The first hour at or after `hour` in which something was used; nothing when there is none.
StoreResult<std::optional<std::uint32_t>> next_hour(StoreEnvironment& environment,
                                                    std::uint32_t hour) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  auto cursor = StoreCursor::open(*transaction, Table::kUsageHourly);
  if (!cursor) return store_fail(cursor.error());
  const auto found = cursor->seek(HourlyKey{.hour = hour}.bytes().view());
  if (!found) return store_fail(found.error());
  if (!*found) return std::nullopt;
  HourlyKey key;
  if (!key.read(cursor->key())) return store_fail(StoreErrc::kMalformed, Table::kUsageHourly);
  return key.hour;
}

// HourlyRepricing - one hour in one transaction.
class HourlyRepricing {
 public:
  HourlyRepricing(WriteTransaction& transaction, std::uint32_t hour)
      : transaction_(&transaction), hour_(hour) {}

  StoreResult<RecomputedCost> run() {
    SL_STORE_TRY(reprice_rows());
    for (const auto& [key, change] : daily_) SL_STORE_TRY(change_day(key, change));
    for (const auto& [key, change] : totals_) SL_STORE_TRY(change_total(key, change));
    SL_STORE_TRY(reprice_requests());
    return done_;
  }

 private:
  // By which a cost changes: what falls away, and what comes. A difference would need a sign.
  struct Change {
    std::uint64_t minus = 0;
    std::uint64_t plus = 0;
  };

  static void apply(std::uint64_t& cost, const Change& change) noexcept {
    bool fits = true;
    cost -= std::min(cost, change.minus);
    cost = saturating_sum(cost, change.plus, fits);
  }
  static void note(Change& change, std::uint64_t before, std::uint64_t after) noexcept {
    bool fits = true;
    change.minus = saturating_sum(change.minus, before, fits);
    change.plus = saturating_sum(change.plus, after, fits);
  }

  StoreResult<std::optional<ModelRate>> rate_of(std::uint32_t model) {
    const auto known = rates_.find(model);
    if (known != rates_.end()) return known->second;
    const auto text = name_text(*transaction_, model);
    if (!text) return store_fail(text.error());
    const auto rate = rate_at(*transaction_, *text, hour_ * kHourMs);
    if (rate) rates_.emplace(model, *rate);
    return rate;
  }

  StoreResult<void> reprice_rows() {
    auto cursor = StoreCursor::open(*transaction_, Table::kUsageHourly);
    if (!cursor) return store_fail(cursor.error());
    auto found = cursor->seek(HourlyKey{.hour = hour_}.bytes().view());
    for (; found && *found; found = cursor->next()) {
      HourlyKey key;
      if (!key.read(cursor->key())) return store_fail(StoreErrc::kMalformed, Table::kUsageHourly);
      if (key.hour != hour_) return {};
      auto row = decode_row<UsageSums>(cursor->value());
      if (!row) return store_fail(row.error());
      const auto rate = rate_of(key.model);
      if (!rate) return store_fail(rate.error());
      if (!*rate) continue;
      const std::uint64_t before = row->cost_nano_dollars;
      row->cost_nano_dollars = cost_of(**rate, {.prompt = row->prompt_tokens,
                                                .completion = row->completion_tokens,
                                                .cached_read = row->cached_read_tokens,
                                                .cached_write = row->cached_write_tokens});
      if (row->cost_nano_dollars == before) continue;
      ++done_.hourly_rows;
      note(daily_[{.day = day_of_hour(hour_), .pool = key.pool}], before, row->cost_nano_dollars);
      for (const TotalKey total :
           {TotalKey{UsageSide::kAll, 0}, TotalKey{UsageSide::kAccount, key.account},
            TotalKey{UsageSide::kModel, key.model},
            TotalKey{UsageSide::kClientKey, key.client_key}}) {
        note(totals_[total], before, row->cost_nano_dollars);
      }
      encode_row(*row, bytes_);
      SL_STORE_TRY(cursor->put(key.bytes().view(), bytes_));
    }
    if (!found) return store_fail(found.error());
    return {};
  }

  StoreResult<void> change_day(const DailyKey& key, const Change& change) {
    const KeyBytes bytes = key.bytes();
    auto row = get_row<DailySums>(*transaction_, bytes.view());
    if (!row) return store_fail(row.error());
    if (!*row) return store_fail(StoreErrc::kMalformed, Table::kUsageDaily);
    apply((*row)->sums.cost_nano_dollars, change);
    return put_row(*transaction_, bytes.view(), **row);
  }

  StoreResult<void> change_total(const TotalKey& key, const Change& change) {
    const KeyBytes bytes = key.bytes();
    auto row = get_row<UsageSums>(*transaction_, bytes.view(), Table::kUsageTotals);
    if (!row) return store_fail(row.error());
    if (!*row) return store_fail(StoreErrc::kMalformed, Table::kUsageTotals);
    apply((*row)->cost_nano_dollars, change);
    return put_row(*transaction_, bytes.view(), **row, Table::kUsageTotals);
  }

  StoreResult<void> reprice_requests() {
    auto cursor = StoreCursor::open(*transaction_, Table::kRequests);
    if (!cursor) return store_fail(cursor.error());
    auto found = cursor->seek(RequestKey{.unix_ms = key_ms(hour_ * kHourMs)}.bytes().view());
    for (; found && *found; found = cursor->next()) {
      RequestKey key;
      if (!key.read(cursor->key())) return store_fail(StoreErrc::kMalformed, Table::kRequests);
      if (key.unix_ms >= key_ms((hour_ + std::int64_t{1}) * kHourMs)) return {};
      auto row = decode_row<StoredRequest>(cursor->value());
      if (!row) return store_fail(row.error());
      const auto rate = rate_of(row->model);
      if (!rate) return store_fail(rate.error());
      if (!*rate) continue;
      const std::uint64_t cost = cost_of(**rate, {.prompt = row->prompt_tokens,
                                                  .completion = row->completion_tokens,
                                                  .cached_read = row->cached_read_tokens,
                                                  .cached_write = row->cached_write_tokens});
      if (cost == row->cost_nano_dollars) continue;
      row->cost_nano_dollars = cost;
      ++done_.requests;
      encode_row(*row, bytes_);
      SL_STORE_TRY(cursor->put(key.bytes().view(), bytes_));
    }
    if (!found) return store_fail(found.error());
    return {};
  }

  WriteTransaction* transaction_;
  std::uint32_t hour_;
  std::map<std::uint32_t, std::optional<ModelRate>> rates_;
  std::map<DailyKey, Change> daily_;
  std::map<TotalKey, Change> totals_;
  std::string bytes_;
  RecomputedCost done_;
};

}  // namespace

StoreResult<RecomputedCost> recompute_cost(Writer& writer, std::uint32_t from_hour,
                                           std::uint32_t to_hour) {
  RecomputedCost done;
  for (std::uint32_t hour = from_hour; hour < to_hour; ++hour) {
    const auto next = next_hour(writer.environment(), hour);
    if (!next) return store_fail(next.error());
    if (!*next || **next >= to_hour) break;
    hour = **next;
    const auto result = writer.transact(
        [&](WriteTransaction& transaction) { return HourlyRepricing(transaction, hour).run(); });
    if (!result) return result;
    done.hourly_rows += result->hourly_rows;
    done.requests += result->requests;
  }
  return done;
}

}  // namespace sluice
