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

// Whole seconds, rounded up, for Retry-After: a client that waits so long does not come too early.
[[nodiscard]] constexpr std::int64_t ceil_seconds(Duration d) noexcept {
  return d <= Duration::zero() ? 0 : (d + 1s - 1ns) / 1s;
}
[[nodiscard]] constexpr std::int64_t ceil_milliseconds(Duration d) noexcept {
  return d <= Duration::zero() ? 0 : (d + 1ms - 1ns) / 1ms;
}

}  // namespace sluice
