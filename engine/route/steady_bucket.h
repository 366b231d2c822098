#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "engine/route/take.h"

namespace sluice {

// SteadyBucket - the classic token bucket: `limit` tokens of capacity, refilled at `limit` per
// window. A full bucket and its refill let up to twice the limit through in one window (the price
// of this shape; RollingBucket does not pay it).
//
// GCRA (ITU-T I.371, virtual scheduling): one word holds the theoretical arrival time, that is when
// the bucket will be full again; a token costs one interval of it. Relaxed order is enough, the
// word guards no other data.
//
// The time that a token spends in its taker's hand would refill the bucket with it: settle_sent()
// charges that time again, up to one token, and refund() gives back only what is left of the
// charge. Both err on the side of waiting.
//
// Affinity  any thread, lock-free; set_limit() and begin() one thread at a time.
// Size      64 bytes, its own cache line.
class alignas(64) SteadyBucket {
 public:
  // `window` includes the guard.
  SteadyBucket(std::uint32_t limit, Duration window) noexcept
      : interval_ns_((window.count() + limit - 1) / limit), limit_(limit) {}

  [[nodiscard]] Take take(Instant now) noexcept {
    const std::int64_t at = now.time_since_epoch().count();
    const std::int64_t cost = interval_ns_.load(std::memory_order_relaxed);
    const std::int64_t burst = cost * limit();
    std::int64_t full = full_at_ns_.load(std::memory_order_relaxed);
    for (;;) {
      const std::int64_t next = std::max(full, at) + cost;
      if (next - at > burst) return refused(next - burst);
      if (full_at_ns_.compare_exchange_weak(full, next, std::memory_order_relaxed)) {
        return {.granted = true, .shape = BucketShape::kSteady, .at = now, .cost = Duration(cost)};
      }
    }
  }

  // The last byte of the request left at `now`. Called once per granted take().
  void settle_sent(const Take& taken, Instant now) noexcept { charge(in_hand(taken, now), now); }

  // Likewise, of a token that another bucket has granted.
  void charge_held(const Take& taken, Instant now) noexcept {
    const std::int64_t cost = interval_ns_.load(std::memory_order_relaxed);
    charge(std::clamp<std::int64_t>((now - taken.at).count(), 0, cost), now);
  }

  // No byte of the request left. Called once per granted take(), instead of settle_sent().
  void refund(const Take& taken, Instant now) noexcept {
    full_at_ns_.fetch_sub(taken.cost.count() - in_hand(taken, now), std::memory_order_relaxed);
  }

  // Tokens that take(now) would grant.
  [[nodiscard]] std::uint32_t available(Instant now) const noexcept {
    const std::int64_t missing = std::max<std::int64_t>(
        0, full_at_ns_.load(std::memory_order_relaxed) - now.time_since_epoch().count());
    const std::int64_t interval = interval_ns_.load(std::memory_order_relaxed);
    const std::int64_t left = limit() - (missing + interval - 1) / interval;
    return static_cast<std::uint32_t>(std::max<std::int64_t>(0, left));
  }

  // When take() will grant the next token and leave `kept`: `now` when it would now.
  [[nodiscard]] Instant next_at(Instant now, std::uint32_t kept = 0) const noexcept {
    const std::int64_t interval = interval_ns_.load(std::memory_order_relaxed);
    const Instant full(Duration(full_at_ns_.load(std::memory_order_relaxed)));
    return std::max(now, full + Duration(interval * (std::int64_t{1} + kept - limit())));
  }

  // The part of the bucket that is empty stays so: 20 tokens used of 40 become 10 of 20 or 40 of
  // 80, and half a bucket is half of any window, so that a change lets no more through than the
  // larger limit would have. The order of the stores errs on the side of waiting.
  void set_limit(std::uint32_t limit, Duration window, Instant now) noexcept {
    const std::int64_t interval = (window.count() + limit - 1) / limit;
    const std::int64_t burst_before = interval_ns_.load(std::memory_order_relaxed) * this->limit();
    const std::int64_t burst = interval * limit;
    if (burst > burst_before) scale(burst, burst_before, now);
    if (limit < this->limit()) limit_.store(limit, std::memory_order_relaxed);
    interval_ns_.store(interval, std::memory_order_relaxed);
    limit_.store(limit, std::memory_order_relaxed);
    if (burst < burst_before) scale(burst, burst_before, now);
  }

  // So many tokens are spent at `now`, at most all.
  void begin(std::uint32_t spent, Instant now) noexcept {
    const std::int64_t missing =
        interval_ns_.load(std::memory_order_relaxed) * std::min(spent, limit());
    full_at_ns_.store(now.time_since_epoch().count() + missing, std::memory_order_relaxed);
  }

  [[nodiscard]] std::uint32_t limit() const noexcept {
    return limit_.load(std::memory_order_relaxed);
  }

 private:
  static Take refused(std::int64_t at_ns) noexcept {
    return {.granted = false, .shape = BucketShape::kSteady, .at = Instant(Duration(at_ns))};
  }
  static std::int64_t in_hand(const Take& taken, Instant now) noexcept {
    return std::clamp<std::int64_t>((now - taken.at).count(), 0, taken.cost.count());
  }

  void charge(std::int64_t held, Instant now) noexcept {
    if (held == 0) return;
    const std::int64_t at = now.time_since_epoch().count();
    std::int64_t full = full_at_ns_.load(std::memory_order_relaxed);
    while (!full_at_ns_.compare_exchange_weak(full, std::max(full, at) + held,
                                              std::memory_order_relaxed)) {
    }
  }

  // What is missing grows or shrinks as the bucket does.
  void scale(std::int64_t burst, std::int64_t burst_before, Instant now) noexcept {
    const std::int64_t at = now.time_since_epoch().count();
    std::int64_t full = full_at_ns_.load(std::memory_order_relaxed);
    for (;;) {
      if (full <= at) return;
      const __int128 missing = static_cast<__int128>(full - at) * burst / burst_before + 1;
      if (full_at_ns_.compare_exchange_weak(full, at + static_cast<std::int64_t>(missing),
                                            std::memory_order_relaxed)) {
        return;
      }
    }
  }

  std::atomic<std::int64_t> full_at_ns_{0};
  std::atomic<std::int64_t> interval_ns_;
  std::atomic<std::uint32_t> limit_;
};

}  // namespace sluice
