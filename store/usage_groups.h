#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/environment.h"
#include "store/queries.h"

namespace sluice {

// What usage is summed up by, beside a name.
enum class UsageSpan : std::uint8_t { kWhole, kHour, kDay };
// What makes a name one of the largest.
enum class UsageMeasure : std::uint8_t { kRequests, kTotalTokens, kCost };

// UsageQuery - sums of a span of hours, in groups. Any thread may ask (store/queries.h).
struct UsageQuery {
  std::uint32_t from_hour = 0;
  std::uint32_t to_hour = UINT32_MAX;  // not included
  UsageFilter names{};
  UsageSpan span = UsageSpan::kWhole;
  std::optional<UsageSide> side{};  // kAccount, kModel or kClientKey: a group for each name
  std::size_t top = 0;  // only so many names, the largest of the whole span, and the others as one;
                        // 0: all. With `side`.
  UsageMeasure top_by = UsageMeasure::kRequests;
  // Where one of these is reached, no earlier hour is begun: some 200 ms of reading, and 50 MB of
  // an answer.
  std::size_t rows_max = 1'000'000;
  std::size_t groups_max = 50'000;
};

struct UsageGroup {
  std::uint32_t hour = 0;  // in which its hour or day begins; kWhole: 0
  std::string name;        // of its account, model or client key
  bool others = false;     // all those that are not among the largest; no name then
  UsageSums sums;
};

struct UsageGroups {
  std::vector<UsageGroup> groups;  // earliest first, then by requests, the others last
  UsageSums total;                 // of the groups
  std::uint32_t from_hour = 0;     // the asked one, or where reading has stopped
  bool truncated = false;          // it has: earlier hours are not in the sums
};
[[nodiscard]] StoreResult<UsageGroups> group_usage(StoreEnvironment& environment,
                                                   const UsageQuery& query);

}  // namespace sluice
