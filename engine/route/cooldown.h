#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "engine/route/ticks.h"

namespace sluice {

inline constexpr Duration kCooldownShortest = 1s;  // that can be configured
struct CooldownPolicy {
  Duration base = 30s;
  Duration max = 600s;
};

// CooldownChange - what a 429 did. `started`: a new cooldown, one event for the record.
struct CooldownChange {
  bool started = false;
  Instant until{};
  std::uint32_t count = 0;  // cooldowns in a row, this one included
};

// Cooldown - how long an account that answered 429 is left alone.
//
// The n-th cooldown in a row lasts base x 2^(n-1), at most max, and never less than the Retry-After
// that came with the 429, even above max. While it runs it is only ever extended (INVARIANTS R2),
// and further 429s belong to it: they raise no count and make no event. Its end changes nothing;
// the count falls back only when a request that was sent after it succeeds.
//
// Affinity  any thread, lock-free.
// Size      8 bytes: the count and the deadline in one word, so that they change together.
class Cooldown {
 public:
  CooldownChange rate_limited(Instant now, std::optional<Duration> retry_after,
                              const CooldownPolicy& policy) noexcept;

  // At the start, before any other call: the `count`-th cooldown in a row, of an earlier process,
  // which still runs until then.
  void resume(Instant until, std::uint32_t count) noexcept;

  // A request that was permitted at `permitted_at` succeeded. One that was on its way before the
  // last cooldown began says nothing about now.
  void succeeded(Instant permitted_at) noexcept {
    if (count() != 0) forget(permitted_at);
  }

  // The deadline, also when it has passed; Instant{} when there never was one.
  [[nodiscard]] Instant until() const noexcept {
    return instant_of(word_.load(std::memory_order_relaxed));
  }
  [[nodiscard]] bool running(Instant now) const noexcept { return now < until(); }
  [[nodiscard]] std::uint32_t count() const noexcept {
    return static_cast<std::uint32_t>(word_.load(std::memory_order_relaxed) >> kTickBits);
  }

 private:
  void forget(Instant permitted_at) noexcept;

  std::atomic<std::uint64_t> word_{0};
};

}  // namespace sluice
