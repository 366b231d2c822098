#pragma once

#include <cstdint>
#include <functional>

#include "store/environment.h"
#include "store/queries.h"

namespace sluice {

// HourSpan - the hours [from_hour, to_hour) of usage_hourly, and whose.
struct HourSpan {
  std::uint32_t from_hour = 0;
  std::uint32_t to_hour = UINT32_MAX;
  UsageFilter names{};
};

// Before each hour that has a row, latest first: false ends the walk. So whoever has enough has
// whole hours.
using MayReadHour = std::function<bool(std::uint32_t hour)>;
using OnHourRow = std::function<void(const HourlyKey& key, const UsageSums& sums)>;

// The rows of the span that are of those names, latest hour first. Rows of others are read too:
// MayReadHour hears of their hours, and `looked_at`, where given, counts them.
[[nodiscard]] StoreResult<void> walk_hours(StoreEnvironment& environment, const HourSpan& span,
                                           const MayReadHour& may_read, const OnHourRow& on_row,
                                           std::size_t* looked_at = nullptr);

}  // namespace sluice
