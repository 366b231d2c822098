#pragma once

#include <cstdint>

#include "store/writer.h"

namespace sluice {

// What recompute_cost() did.
struct RecomputedCost {
  std::uint64_t hourly_rows = 0;  // whose cost is another now
  std::uint64_t requests = 0;     // the same of single requests
};

// Books the cost of all usage from hour `from_hour` up to, not including, `to_hour` (hours since
// 1970) anew, by the prices that held when each hour began: in usage_hourly, usage_daily,
// usage_totals and in the single requests that are still kept. Models without a price keep the
// cost that they have. One transaction an hour, so that sums agree at every moment; running it
// again, also after an error half-way, changes nothing more. A row's tokens are priced as a whole,
// which may differ from the sum of its requests by half a nano-dollar each.
[[nodiscard]] StoreResult<RecomputedCost> recompute_cost(Writer& writer, std::uint32_t from_hour,
                                                         std::uint32_t to_hour);

}  // namespace sluice
