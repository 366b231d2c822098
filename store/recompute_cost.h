#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "store/writer.h"

namespace sluice {

// CostBy - whose price an account's usage of a model has, where that was not booked with it.
enum class CostBy : std::uint8_t {
  kModel,    // the model's, of the table of prices
  kAccount,  // the account's own: what was booked stays
  kNobody,   // the account is gone: only what was booked without a price gets the model's
};
// Of the names as they were booked; "" is one that was not known.
using CostSource = std::function<CostBy(std::string_view account, std::string_view model)>;

// What recompute_cost() did.
struct RecomputedCost {
  std::uint64_t hourly_rows = 0;  // whose cost is another now
  std::uint64_t requests = 0;     // the same of single requests
  std::uint64_t rows_kept = 0;    // hourly ones that cannot be priced: see there
  std::uint32_t next_hour = 0;    // where to go on; `to_hour`: it is done
};
// Hours with usage that one call goes through, so that the writer's other work goes on between.
inline constexpr std::uint32_t kRecomputeHoursMax = 24;

// Books the cost of all usage from hour `from_hour` up to, not including, `to_hour` (hours since
// 1970) anew, by the prices of models as they are now: in usage_hourly, usage_daily, usage_totals
// and in the single requests that are still kept. A request is priced by its own instant, unless it
// was booked by its account's own price. What an hour has of requests that have been pruned is
// priced as a whole, by `source`, where one price held all through it, and keeps its cost where
// not. Models without a price at that instant keep the cost that they have.
//
// One transaction an hour, so that sums agree at every moment; running it again, also after an
// error half-way, changes nothing more. At most kRecomputeHoursMax of them in a call.
[[nodiscard]] StoreResult<RecomputedCost> recompute_cost(Writer& writer, std::uint32_t from_hour,
                                                         std::uint32_t to_hour,
                                                         const CostSource& source);

}  // namespace sluice
