// Rows of `requests` and `usage_hourly` one after the other, for a new process' limits.
#include "store/queries.h"
#include "store/rows.h"
#include "store/scan.h"

namespace sluice {

StoreResult<void> each_request(StoreEnvironment& environment, std::int64_t from_ms,
                               std::int64_t to_ms, const OnRequest& on_request) {
  const KeyBytes from = RequestKey{.unix_ms = key_ms(from_ms)}.bytes();
  const KeyBytes to = RequestKey{.unix_ms = key_ms(to_ms) + 1}.bytes();
  return scan(environment, Table::kRequests, from.view(), to.view(),
              [&](std::string_view bytes, std::string_view value) -> StoreResult<bool> {
                RequestKey key;
                if (!key.read(bytes)) return store_fail(StoreErrc::kMalformed, Table::kRequests);
                const auto row = decode_row<StoredRequest>(value);
                if (!row) return store_fail(row.error());
                on_request(key, *row);
                return true;
              });
}

StoreResult<void> each_hour(StoreEnvironment& environment, std::uint32_t from_hour,
                            const OnHour& on_hour) {
  const KeyBytes from = HourlyKey{.hour = from_hour}.bytes();
  return scan(environment, Table::kUsageHourly, from.view(), {},
              [&](std::string_view bytes, std::string_view value) -> StoreResult<bool> {
                HourlyKey key;
                if (!key.read(bytes)) return store_fail(StoreErrc::kMalformed, Table::kUsageHourly);
                const auto row = decode_row<UsageSums>(value);
                if (!row) return store_fail(row.error());
                on_hour(key, *row);
                return true;
              });
}

StoreResult<std::optional<std::int64_t>> latest_request_ms(StoreEnvironment& environment) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  auto rows = StoreCursor::open(*transaction, Table::kRequests);
  if (!rows) return store_fail(rows.error());
  const auto found = rows->last();
  if (!found) return store_fail(found.error());
  if (!*found) return std::nullopt;
  RequestKey key;
  if (!key.read(rows->key())) return store_fail(StoreErrc::kMalformed, Table::kRequests);
  return static_cast<std::int64_t>(key.unix_ms);
}

StoreResult<std::map<std::uint32_t, RequestKey>> latest_of_journals(StoreEnvironment& environment,
                                                                    std::int64_t to_ms) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  auto rows = StoreCursor::open(*transaction, Table::kRequests);
  if (!rows) return store_fail(rows.error());
  std::map<std::uint32_t, RequestKey> latest;
  const KeyBytes above = RequestKey{.unix_ms = key_ms(to_ms) + 1}.bytes();
  auto found = rows->seek_below(above.view());
  for (std::size_t seen = 0; found && *found && seen < kRequestRowsMax; ++seen) {
    RequestKey key;
    if (!key.read(rows->key())) return store_fail(StoreErrc::kMalformed, Table::kRequests);
    latest.emplace(key.journal, key);
    found = rows->previous();
  }
  if (!found) return store_fail(found.error());
  return latest;
}

}  // namespace sluice
