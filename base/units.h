#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace sluice {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;

// "250ms", "60s", "1.5s", "5m", "1h", "7d"; a bare number counts seconds. Nothing on anything else,
// on negative numbers and on more than 100 years.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text) noexcept;

// "512", "64KiB", "32MiB", "1GiB" ("KB", "MB", "GB" mean the same powers of two). Nothing on
// anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept;

// All of `text` as a decimal number without sign; nothing on an empty text, another character or
// overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept;

// Whole seconds and milliseconds, rounded up.
[[nodiscard]] constexpr std::int64_t ceil_seconds(Duration d) noexcept {
  return d <= Duration::zero() ? 0 : (d + 1s - 1ns) / 1s;
}
[[nodiscard]] constexpr std::int64_t ceil_milliseconds(Duration d) noexcept {
  return d <= Duration::zero() ? 0 : (d + 1ms - 1ns) / 1ms;
}

// What our retry-after-ms and Retry-After say of a wait: milliseconds rounded up, and these rounded
// up to seconds, so that both say the same. A tenth of a millisecond less is told than there is:
// deadlines lie on ticks and are rounded up to them (engine/route/ticks.h), and without it the 3 s
// of a provider, kept as 3.000004 s, would be told as 3001 ms and 4 s. A client that obeys comes
// that much too early at most, less than its request takes to arrive. Never 0 while there is a
// wait.
inline constexpr Duration kRetryAfterSlack = 100us;
[[nodiscard]] constexpr std::int64_t retry_after_milliseconds(Duration d) noexcept {
  if (d <= Duration::zero()) return 0;
  return d <= kRetryAfterSlack ? 1 : ceil_milliseconds(d - kRetryAfterSlack);
}
[[nodiscard]] constexpr std::int64_t retry_after_seconds(Duration d) noexcept {
  return ceil_seconds(std::chrono::milliseconds(retry_after_milliseconds(d)));
}

}  // namespace sluice
