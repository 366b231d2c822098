#pragma once

#include <cstdint>

#include "base/clock.h"

namespace sluice {

// Instants inside a word that carries a count as well: 48 bits of 4096 ns, 36 years of uptime.
// Rounded up, so that a bucket or a cooldown may open 4 us late and never early.
inline constexpr std::int64_t kTickNs = 4096;
inline constexpr int kTickBits = 48;
inline constexpr std::uint64_t kTickMask = (std::uint64_t{1} << kTickBits) - 1;

// Never 0, which users keep for "none". Instants before 0 and beyond the range are clamped.
[[nodiscard]] constexpr std::uint64_t ticks_of(Instant at) noexcept {
  const std::int64_t ns = at.time_since_epoch().count();
  if (ns <= 0) return 1;
  const std::uint64_t ticks = (static_cast<std::uint64_t>(ns) + kTickNs - 1) / kTickNs;
  return ticks < kTickMask ? ticks : kTickMask;
}

[[nodiscard]] constexpr Instant instant_of(std::uint64_t ticks) noexcept {
  return Instant(Duration(static_cast<std::int64_t>(ticks & kTickMask) * kTickNs));
}

}  // namespace sluice
