#include "engine/route/cooldown.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::uint32_t kCountMax = 0xffff;

std::uint32_t count_of(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> kTickBits);
}
Instant deadline_of(std::uint64_t word) noexcept { return instant_of(word); }

std::uint64_t pack(std::uint32_t count, Instant deadline) noexcept {
  return (static_cast<std::uint64_t>(count) << kTickBits) | ticks_of(deadline);
}

// base x 2^(count - 1), at most max.
Duration backoff(const CooldownPolicy& policy, std::uint32_t count) noexcept {
  Duration length = policy.base;
  for (std::uint32_t n = 1; n < count && length < policy.max; ++n) length *= 2;
  return std::min(length, policy.max);
}

// now + wait, where a provider may have asked for more than the clock can count.
Instant after(Instant now, Duration wait) noexcept {
  return wait < kNever - now ? now + wait : kNever;
}

}  // namespace

CooldownChange Cooldown::rate_limited(Instant now, std::optional<Duration> retry_after,
                                      const CooldownPolicy& policy) noexcept {
  const Instant floor = after(now, std::max(retry_after.value_or(0s), Duration::zero()));
  std::uint64_t seen = word_.load(std::memory_order_relaxed);
  for (;;) {
    const bool started = now >= deadline_of(seen);
    const std::uint32_t count = started ? std::min(count_of(seen) + 1, kCountMax) : count_of(seen);
    const Instant until =
        std::max(floor, started ? after(now, backoff(policy, count)) : deadline_of(seen));
    const std::uint64_t next = pack(count, until);
    if (word_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) {
      return {.started = started, .until = deadline_of(next), .count = count};
    }
  }
}

void Cooldown::resume(Instant until, std::uint32_t count) noexcept {
  word_.store(pack(std::min(count, kCountMax), until), std::memory_order_relaxed);
}

void Cooldown::forget(Instant permitted_at) noexcept {
  std::uint64_t seen = word_.load(std::memory_order_relaxed);
  while (count_of(seen) != 0 && permitted_at >= deadline_of(seen)) {
    const std::uint64_t next = seen & kTickMask;
    if (word_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return;
  }
}

}  // namespace sluice
