#include "engine/route/learn_limits.h"

#include <algorithm>

namespace sluice {

std::optional<std::uint32_t> limit_for(const RateLimit& told, Duration window) noexcept {
  if (!told.limit || !told.reset || *told.limit == 0) return std::nullopt;
  const std::uint64_t limit = *told.limit;
  const std::uint64_t used = limit - std::min(told.remaining.value_or(0), limit);
  if (used == 0) return std::nullopt;
  const double whole = static_cast<double>(told.reset->count()) * static_cast<double>(limit) /
                       static_cast<double>(used);
  const auto expected = static_cast<double>(window.count());
  if (whole < expected / 2 || whole > expected * 2) return std::nullopt;
  constexpr std::uint64_t kMost = 1'000'000'000;  // as in the configuration
  return static_cast<std::uint32_t>(std::min(limit, kMost));
}

Instant nothing_left_until(const RateLimitFields& told, Instant now, Duration longest) noexcept {
  Instant until = now;
  for (const RateLimit* const one :
       {&told.requests, &told.tokens, &told.input_tokens, &told.output_tokens}) {
    if (one->remaining == 0 && one->reset)
      until = std::max(until, now + std::min<Duration>(*one->reset, longest));
  }
  return until;
}

}  // namespace sluice
