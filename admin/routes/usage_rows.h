#pragma once

#include <cstdint>
#include <string>

#include "store/usage_groups.h"

namespace sluice {

// UsageView - one answer of GET /api/admin/usage.
struct UsageView {
  std::int64_t from_ms = 0, to_ms = 0;
  UsageSpan span = UsageSpan::kHour;
  std::optional<UsageSide> side{};
  bool side_first = false;  // as it was asked for
  UsageGroups groups;
};

// "account", "model" or "client"; "hour" or "day".
[[nodiscard]] std::string_view side_text(UsageSide side);
[[nodiscard]] std::string_view span_text(UsageSpan span);

[[nodiscard]] std::string usage_json(const UsageView& view);
// A head and a line for each row; the others have no name and a true in the column `others`.
[[nodiscard]] std::string usage_csv(const UsageView& view);

}  // namespace sluice
