#include "store/hour_walk.h"

#include <algorithm>
#include <optional>

#include "store/codec.h"
#include "store/scan.h"

namespace sluice {
namespace {

bool matches(const UsageFilterNumbers& wanted, const HourlyKey& key) noexcept {
  return std::ranges::all_of(wanted, [&](const TotalKey& name) {
    switch (name.side) {
      case UsageSide::kAccount: return key.account == name.number;
      case UsageSide::kModel: return key.model == name.number;
      case UsageSide::kClientKey: return key.client_key == name.number;
      case UsageSide::kAll:
      case UsageSide::kStatus: return true;
    }
    return true;
  });
}

StoreResult<std::optional<UsageFilterNumbers>> resolve_now(StoreEnvironment& environment,
                                                           const UsageFilter& filter) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  return resolve_filter(*transaction, filter);
}

}  // namespace

StoreResult<void> walk_hours(StoreEnvironment& environment, const HourSpan& span,
                             const MayReadHour& may_read, const OnHourRow& on_row,
                             std::size_t* looked_at) {
  const auto wanted = resolve_now(environment, span.names);
  if (!wanted) return store_fail(wanted.error());
  if (!*wanted) return {};
  std::optional<std::uint32_t> hour;
  const KeyBytes from = HourlyKey{.hour = span.from_hour}.bytes();
  const KeyBytes to = HourlyKey{.hour = span.to_hour}.bytes();
  return scan_back(environment, Table::kUsageHourly, from.view(), to.view(),
                   [&](std::string_view bytes, std::string_view value) -> StoreResult<bool> {
                     HourlyKey key;
                     if (!key.read(bytes)) {
                       return store_fail(StoreErrc::kMalformed, Table::kUsageHourly);
                     }
                     if (hour != key.hour) {
                       if (!may_read(key.hour)) return false;
                       hour = key.hour;
                     }
                     if (looked_at != nullptr) ++*looked_at;
                     if (!matches(**wanted, key)) return true;
                     const auto sums = decode_row<UsageSums>(value);
                     if (!sums) return store_fail(sums.error());
                     on_row(key, *sums);
                     return true;
                   });
}

}  // namespace sluice
