#include "store/usage_batch.h"

#include "store/codec.h"

namespace sluice {

void UsageBatch::clear() {
  hourly_.clear();
  minutes_.clear();
  saturated_ = 0;
}

void UsageBatch::fold(UsageSums& into, const UsageSums& sums) noexcept {
  if (!into.add(sums)) ++saturated_;
}

StoreResult<void> UsageBatch::add(WriteTransaction& transaction, const RequestKey& key,
                                  const StoredRequest& row, const UsageSums& sums) {
  encode_row(row, bytes_);
  SL_STORE_TRY(transaction.put(Table::kRequests, key.bytes().view(), bytes_));
  const std::uint32_t minute = minute_of(row.unix_ms);
  minutes_.insert({minute, UsageSide::kAccount, row.account});
  minutes_.insert({minute, UsageSide::kModel, row.model});
  minutes_.insert({minute, UsageSide::kClientKey, row.client_key});
  minutes_.insert({minute, UsageSide::kStatus, row.status});
  fold(hourly_[{.hour = hour_of(row.unix_ms),
                .account = row.account,
                .model = row.model,
                .client_key = row.client_key,
                .pool = row.pool}],
       sums);
  return {};
}

StoreResult<void> UsageBatch::add_to(WriteTransaction& transaction, Table table,
                                     std::string_view key, const UsageSums& sums) {
  const auto bytes = transaction.get(table, key);
  if (!bytes) return store_fail(bytes.error());
  UsageSums stored;
  if (*bytes) {
    const auto row = decode_row<UsageSums>(**bytes, table);
    if (!row) return store_fail(row.error());
    stored = *row;
  }
  fold(stored, sums);
  encode_row(stored, bytes_);
  return transaction.put(table, key, bytes_);
}

StoreResult<void> UsageBatch::flush_daily(WriteTransaction& transaction) {
  std::map<DailyKey, DailySums> daily;
  for (const auto& [key, sums] : hourly_) {
    const DailyKey day{.day = day_of_hour(key.hour), .pool = key.pool};
    DailySums& row = daily[day];
    fold(row.sums, sums);
    if (key.account == 0) continue;
    KeyBytes account = day.bytes();
    const auto is_new =
        transaction.put_new(Table::kDailyAccounts, account.u32(key.account).view(), {});
    if (!is_new) return store_fail(is_new.error());
    row.unique_accounts += *is_new;
  }
  for (const auto& [key, added] : daily) {
    const KeyBytes key_bytes = key.bytes();
    const auto bytes = transaction.get(Table::kUsageDaily, key_bytes.view());
    if (!bytes) return store_fail(bytes.error());
    DailySums stored;
    if (*bytes) {
      const auto row = decode_row<DailySums>(**bytes);
      if (!row) return store_fail(row.error());
      stored = *row;
    }
    fold(stored.sums, added.sums);
    stored.unique_accounts += added.unique_accounts;
    encode_row(stored, bytes_);
    SL_STORE_TRY(transaction.put(Table::kUsageDaily, key_bytes.view(), bytes_));
  }
  return {};
}

StoreResult<void> UsageBatch::flush(WriteTransaction& transaction) {
  for (const MinuteKey& key : minutes_) {
    const auto is_new = transaction.put_new(Table::kRequestMinutes, key.bytes().view(), {});
    if (!is_new) return store_fail(is_new.error());
  }
  std::map<TotalKey, UsageSums> totals;
  for (const auto& [key, sums] : hourly_) {
    SL_STORE_TRY(add_to(transaction, Table::kUsageHourly, key.bytes().view(), sums));
    fold(totals[{UsageSide::kAll, 0}], sums);
    fold(totals[{UsageSide::kAccount, key.account}], sums);
    fold(totals[{UsageSide::kModel, key.model}], sums);
    fold(totals[{UsageSide::kClientKey, key.client_key}], sums);
  }
  for (const auto& [key, sums] : totals) {
    SL_STORE_TRY(add_to(transaction, Table::kUsageTotals, key.bytes().view(), sums));
  }
  return flush_daily(transaction);
}

}  // namespace sluice
