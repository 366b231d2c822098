#include "admin/routes/times.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

namespace sluice {

std::string rfc3339_text(std::int64_t unix_ms) {
  const auto time =
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(unix_ms));
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", whole, (time - whole).count());
}

std::string hour_text(std::uint32_t hour) {
  return fmt::format("{:%Y-%m-%dT%H:00:00Z}", std::chrono::sys_time(std::chrono::hours(hour)));
}

std::string date_text(std::uint32_t day) {
  return fmt::format("{:%Y-%m-%d}", std::chrono::sys_time(std::chrono::hours(24) * day));
}

std::optional<double> average_ms(std::uint64_t sum_us, std::uint64_t count) {
  if (count == 0) return std::nullopt;
  return static_cast<double>(sum_us) / static_cast<double>(count) / 1000;
}

}  // namespace sluice
