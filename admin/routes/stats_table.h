#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/usage_rows.h"

namespace sluice {

// StatsRow - what /stats shows of one account.
struct StatsRow {
  std::string name, pool, status;
  std::string why{};  // it is in error or only fails; "" for none
  std::uint64_t available = 0, limit = 0, in_flight = 0;
  // Until it cools no more, or its breaker lets a probe through (0: the next request is that).
  std::optional<std::int64_t> back_seconds{};
  UsageSums today;
};

// The whole page. `note`: a sentence above the table, "" for none.
[[nodiscard]] std::string stats_page(const std::vector<StatsRow>& rows, const UsageSums& today,
                                     std::string_view now_text, std::string_view note);

// What stats_page() may do in a browser: nothing but the one style sheet that it has.
extern const std::string_view kStatsPolicy;
[[nodiscard]] std::string_view stats_style() noexcept;

}  // namespace sluice
