#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/assert.h"
#include "engine/route/stamp_ring.h"
#include "engine/route/take.h"

namespace sluice {

// BasicRollingBucket - `limit` tokens, each of which comes back exactly one window after it was
// spent, so that no span of that length ever holds more than `limit` sends.
//
// A token is always in one of three places: free, in hand, or in the ring with the time at which
// its request's last byte had left. take() moves it from "free", or from the ring once its stamp is
// one window old, into the taker's hand; settle_sent() moves it from the hand into the ring,
// refund() from the hand to "free". Why no span can hold more than `limit` sends: two sends of one
// token lie a window apart, because the token is in the ring in between, and there are `limit`
// tokens. A token in hand belongs to nobody else, however long the request takes to leave. As
// stamps are written when requests have left, the ring is in the order of time by itself, its
// oldest stamp tells exactly when the next token comes, and a slow upload delays no other token.
//
// set_limit() adds or removes free tokens in place. Tokens that are missing for the new, lower
// limit are a debt (`free` below zero), paid with those that come back next. A taker needs
// `free` >= 0, so no more than the limit of that moment are ever out: a span in which the limit
// changes holds at most the larger limit, whichever directory its takers still read.
//
// What another bucket grants while this one is out of use (AccountState, the other shape) is told
// to it: note_taken(), then settle_sent() or refund() as for its own. So it knows in any case what
// was sent within the last window, and in use again it grants as if all had been its own.
//
// Owns      its rings: one, and another for each time that the limit outgrew the last one; they are
//           freed with the bucket, for a slow taker may still look at them.
// Affinity  any thread, lock-free; set_limit() one thread at a time.
// Size      64 bytes, and 8 to 16 bytes per token.
template <class Atomics>
class BasicRollingBucket {
 public:
  using Ring = BasicStampRing<Atomics>;
  template <class T>
  using Atomic = typename Atomics::template Atomic<T>;

  // `window` includes the guard.
  BasicRollingBucket(std::uint32_t limit, Duration window)
      : free_(limit), limit_(limit), window_ns_(window.count()), oldest_(new_ring(limit)) {}
  ~BasicRollingBucket() {
    for (Ring* ring = oldest_; ring != nullptr;) {
      Ring* const newer = newer_than(*ring);
      delete ring;
      ring = newer;
    }
  }
  BasicRollingBucket(const BasicRollingBucket&) = delete;
  BasicRollingBucket& operator=(const BasicRollingBucket&) = delete;

  [[nodiscard]] Take take(Instant now) {
    for (;;) {
      std::int64_t free = free_.load(std::memory_order_acquire);
      if (free > 0) {
        if (free_.compare_exchange_weak(free, free - 1, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
          return {.granted = true, .at = now};
        }
      } else if (pop_expired(now)) {
        if (free == 0) return {.granted = true, .at = now};
        free_.fetch_add(1, std::memory_order_acq_rel);  // pays for a limit that was lowered
      } else if (const Instant next = next_at(now); next > now) {
        return {.granted = false, .at = next};
      }
    }
  }

  // The last byte of the request left at `now`. Called once per granted take().
  void settle_sent(Instant now) {
    Ring* ring = oldest_;
    for (;;) {
      while (Ring* const newer = newer_than(*ring)) ring = newer;
      if (ring->push(now)) return;
      if (newer_than(*ring) != nullptr) continue;  // a larger ring came before the token did
      // There are more tokens than there may be: some are another bucket's. The oldest goes: none
      // is granted before fewer than the limit are left, and then it would have come back as well.
      SL_ASSERT(noted_.load(std::memory_order_relaxed));
      if (ring->pop(kNever)) free_.fetch_add(1, std::memory_order_acq_rel);
    }
  }

  // No byte of the request left. Called once per granted take(), instead of settle_sent().
  void refund() { free_.fetch_add(1, std::memory_order_acq_rel); }

  // Another bucket grants a token: one less here, and when none is free a debt.
  void note_taken(Instant now) {
    constexpr std::int64_t kBackMax = 2;  // more than one, so that the ring grows no fuller
    noted_.store(true, std::memory_order_relaxed);
    std::int64_t back = 0;
    while (back < kBackMax && pop_expired(now)) ++back;
    free_.fetch_add(back - 1, std::memory_order_acq_rel);
  }

  // Tokens that are in hand or were sent within the last window, also those beyond the limit.
  // As many steps as have come back.
  [[nodiscard]] std::uint32_t spent(Instant now) {
    while (pop_expired(now)) free_.fetch_add(1, std::memory_order_acq_rel);
    const std::int64_t free = free_.load(std::memory_order_acquire);
    return static_cast<std::uint32_t>(std::max<std::int64_t>(limit() - free, 0));
  }

  // Tokens that take(now) would grant. After a pause longer than a window it may count too few at
  // first, because one call collects at most kCollectMax of those that came back.
  [[nodiscard]] std::uint32_t available(Instant now) {
    std::int64_t back = 0;
    while (back < kCollectMax && pop_expired(now)) ++back;
    const std::int64_t before = back > 0 ? free_.fetch_add(back, std::memory_order_acq_rel)
                                         : free_.load(std::memory_order_acquire);
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(before + back, 0, limit()));
  }

  // The same without looking for what came back: too few, unless somebody has looked just now.
  [[nodiscard]] std::uint32_t free() const {
    return static_cast<std::uint32_t>(
        std::max<std::int64_t>(free_.load(std::memory_order_relaxed), 0));
  }

  // When the next token comes back that is not one of the last `kept`: `now` when there is one.
  // When all are in hand: one window after `now`, the earliest time unless one of them is refunded.
  [[nodiscard]] Instant next_at(Instant now, std::uint32_t kept = 0) const {
    const std::int64_t free = free_.load(std::memory_order_acquire) - std::int64_t{kept};
    if (free > 0) return now;
    auto debt = static_cast<std::uint64_t>(-free);
    Instant oldest{};  // bounds the answer where clocks of two shards have put stamps out of order
    for (const Ring* ring = oldest_; ring != nullptr; ring = newer_than(*ring)) {
      const Instant head = ring->peek(0);
      if (head != kNever) oldest = std::max(oldest, head);
      const Instant stamp = debt == 0 ? head : ring->peek(debt);
      if (stamp != kNever) return std::max(now, std::max(stamp, oldest) + window());
      debt -= std::min(debt, ring->size());
    }
    return now + window();
  }

  // Room for so many stamps. As set_limit(): one thread at a time.
  void reserve(std::uint32_t stamps) {
    Ring* newest = oldest_;
    while (Ring* const newer = newer_than(*newest)) newest = newer;
    if (stamps > newest->capacity()) {
      newest->newer.store(new_ring(stamps), std::memory_order_release);
    }
  }

  void set_limit(std::uint32_t limit, Duration window) {
    reserve(limit);
    window_ns_.store(window.count(), std::memory_order_relaxed);
    const std::uint32_t before = limit_.exchange(limit, std::memory_order_relaxed);
    // Publishes the ring with the tokens that may need it.
    free_.fetch_add(static_cast<std::int64_t>(limit) - static_cast<std::int64_t>(before),
                    std::memory_order_acq_rel);
  }

  [[nodiscard]] std::uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }
  [[nodiscard]] Duration window() const {
    return Duration(window_ns_.load(std::memory_order_relaxed));
  }

 private:
  static constexpr std::int64_t kCollectMax = 64;  // one call never holds its shard up

  static Ring* new_ring(std::uint32_t limit) {
    return new Ring(std::bit_ceil(std::max<std::uint32_t>(limit, 1)));
  }
  static Ring* newer_than(const Ring& ring) { return ring.newer.load(std::memory_order_acquire); }

  // Takes the oldest stamp out if its token has come back.
  bool pop_expired(Instant now) {
    for (Ring* ring = oldest_; ring != nullptr; ring = newer_than(*ring)) {
      if (ring->pop(now - window())) return true;
    }
    return false;
  }

  Atomic<std::int64_t> free_;
  Atomic<std::uint32_t> limit_;
  Atomic<bool> noted_{false};  // it has had tokens of another bucket
  Atomic<std::int64_t> window_ns_;
  Ring* const oldest_;
};

using RollingBucket = BasicRollingBucket<StdAtomics>;

}  // namespace sluice
