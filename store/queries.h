#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/environment.h"
#include "store/usage_keys.h"
#include "store/usage_rows.h"

namespace sluice {

// What the admin API's statistics show. Any thread may ask; each call reads in short transactions
// of its own. A text that was never counted gives empty results.

// Of everything there ever was; zeros when there is nothing.
[[nodiscard]] StoreResult<UsageSums> usage_total(StoreEnvironment& environment);

// The same for each account, model or client key (`side`), in no order that means anything.
struct NamedUsage {
  std::string name;  // "" for requests that were refused, and without client keys
  UsageSums sums;
};
[[nodiscard]] StoreResult<std::vector<NamedUsage>> usage_by(StoreEnvironment& environment,
                                                            UsageSide side);

// UsageFilter - what is asked for by name; nothing: all of them.
struct UsageFilter {
  std::optional<std::string> account{};
  std::optional<std::string> model{};
  std::optional<std::string> client_key{};
};
// The same by number; nothing when one of the names was never counted.
using UsageFilterNumbers = std::vector<TotalKey>;
[[nodiscard]] StoreResult<std::optional<UsageFilterNumbers>> resolve_filter(
    const Transaction& transaction, const UsageFilter& filter);

// HourlyUsage - one hour of an account with one model, for all or one of the client keys.
struct HourlyUsage {
  std::uint32_t hour = 0;  // since 1970
  std::string account;
  std::string model;
  std::string client_key;  // only when they were asked for apart
  UsageSums sums;
};
struct HourlyFilter {
  std::uint32_t from_hour = 0;
  std::uint32_t to_hour = UINT32_MAX;  // not included
  UsageFilter names{};
  bool by_client_key = false;      // a row for each, instead of their sum
  std::size_t rows_max = 100'000;  // where they are reached the earliest hour falls away, whole
};
// Latest hour first, within an hour in the order of names' first use. `truncated`: whether hours
// fell away; null: nobody asks.
[[nodiscard]] StoreResult<std::vector<HourlyUsage>> hourly_usage(StoreEnvironment& environment,
                                                                 const HourlyFilter& filter,
                                                                 bool* truncated = nullptr);

// DailyUsage - one day of a pool.
struct DailyUsage {
  std::uint32_t day = 0;  // since 1970, UTC
  std::string pool;       // "" for requests that were refused
  UsageSums sums;
  std::uint64_t unique_accounts = 0;
};
// Days `from_day` to `to_day`, both included, latest first.
[[nodiscard]] StoreResult<std::vector<DailyUsage>> daily_usage(StoreEnvironment& environment,
                                                               std::uint32_t from_day,
                                                               std::uint32_t to_day);

// RequestView - a single request as it is shown: StoredRequest with its names as texts.
struct RequestView {
  RequestKey key;  // of the row: unique, and where the next page begins
  std::string account;
  std::string model;
  std::string client_key;
  std::string pool;
  std::string native_model;
  StoredRequest row;
};
struct RequestFilter {
  UsageFilter names{};
  std::optional<std::uint16_t> status{};
  bool every_attempt = false;  // those too whose answer the client did not get
  std::int64_t from_ms = 0;
  std::optional<RequestKey> before{};  // the `next` of the page before; nothing: from the latest on
  std::size_t limit = 50;
};
struct RequestPage {
  std::vector<RequestView> requests;  // latest first
  std::optional<RequestKey> next;     // nothing: there are no more
};
// Looks at kRequestRowsMax rows at most, so that a page may be short, even empty, and still have a
// next one.
inline constexpr std::size_t kRequestRowsMax = 20'000;
[[nodiscard]] StoreResult<RequestPage> recent_requests(StoreEnvironment& environment,
                                                       const RequestFilter& filter);

// What the limits of a new process are made of (engine/restore_spent.h): rows as they are, one at a
// time, in pages (store/scan.h), so that a busy gateway's millions take no memory.

// All rows of `from_ms` to `to_ms`, both included, in the order of time.
using OnRequest = std::function<void(const RequestKey& key, const StoredRequest& row)>;
[[nodiscard]] StoreResult<void> each_request(StoreEnvironment& environment, std::int64_t from_ms,
                                             std::int64_t to_ms, const OnRequest& on_request);

// The sums of all hours from `from_hour` on, in the order of time.
using OnHour = std::function<void(const HourlyKey& key, const UsageSums& sums)>;
[[nodiscard]] StoreResult<void> each_hour(StoreEnvironment& environment, std::uint32_t from_hour,
                                          const OnHour& on_hour);

// The time of the latest row of all; nothing without rows.
[[nodiscard]] StoreResult<std::optional<std::int64_t>> latest_request_ms(
    StoreEnvironment& environment);

// Of each journal the row with the latest time that is not above `to_ms`, by the journal's number.
// Looks at kRequestRowsMax rows at most, the latest, and tells of no journal that has none there.
[[nodiscard]] StoreResult<std::map<std::uint32_t, RequestKey>> latest_of_journals(
    StoreEnvironment& environment, std::int64_t to_ms);

}  // namespace sluice
