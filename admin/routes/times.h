#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// "2026-01-31T08:15:00.000Z"; how the administration API writes times.
[[nodiscard]] std::string rfc3339_text(std::int64_t unix_ms);
// "2026-01-31T08:00:00Z" of an hour since 1970, "2026-01-31" of a day.
[[nodiscard]] std::string hour_text(std::uint32_t hour);
[[nodiscard]] std::string date_text(std::uint32_t day);

// An average in milliseconds of a sum in microseconds; nothing of none.
[[nodiscard]] std::optional<double> average_ms(std::uint64_t sum_us, std::uint64_t count);

}  // namespace sluice
