#pragma once

#include <bit>
#include <cstdint>
#include <memory>

#include "engine/route/ticks.h"

namespace sluice {

// BasicStampRing - the times at which tokens were spent, oldest first: a lock-free queue of at most
// `capacity` stamps, each in one 64-bit slot {lap, time}, between two cursors.
//
// The slot decides, not the cursor: position n is written by the one CAS that finds its slot empty
// in lap n / capacity, and taken out by the one CAS that finds it full in that lap and leaves it
// empty for the next. A cursor only says where to look; who finds it behind helps it on and looks
// again, so no thread ever waits for another.
//
// The lap has 16 bits: a thread would have to sleep between a load and its CAS while every slot is
// used 65,536 times, more than 18 hours at the shortest window, to mistake one lap for another.
//
// Owns      its slots.
// Affinity  any thread.
// Size      8 bytes a slot.
template <class Atomics>
class BasicStampRing {
 public:
  template <class T>
  using Atomic = typename Atomics::template Atomic<T>;

  // A power of two, up to 2^31.
  explicit BasicStampRing(std::uint32_t capacity)
      : capacity_(capacity),
        shift_(std::countr_zero(capacity)),
        slots_(std::make_unique<Atomic<std::uint64_t>[]>(capacity)) {}

  // Writes `at` behind the newest stamp; false when the ring is full.
  [[nodiscard]] bool push(Instant at) {
    for (;;) {
      const std::uint64_t n = tail_.load(std::memory_order_acquire);
      std::uint64_t seen = slot(n).load(std::memory_order_acquire);
      if (seen == empty(n)) {
        const bool won = slot(n).compare_exchange_strong(
            seen, empty(n) | ticks_of(at), std::memory_order_acq_rel, std::memory_order_acquire);
        help(tail_, n);
        if (won) return true;
      } else if (lap_of(seen) == lap_of(empty(n - capacity_))) {
        if (tail_.load(std::memory_order_acquire) == n) return false;
      } else {
        help(tail_, n);  // position n was written, and perhaps taken out since
      }
    }
  }

  // Takes the oldest stamp out when it is not later than `horizon`.
  [[nodiscard]] bool pop(Instant horizon) {
    for (;;) {
      const std::uint64_t n = head_.load(std::memory_order_acquire);
      std::uint64_t seen = slot(n).load(std::memory_order_acquire);
      if (lap_of(seen) == lap_of(empty(n))) {
        if (seen == empty(n) || instant_of(seen) > horizon) return false;
        const bool won = slot(n).compare_exchange_strong(
            seen, empty(n + capacity_), std::memory_order_acq_rel, std::memory_order_acquire);
        help(head_, n);
        if (won) return true;
      } else {
        help(head_, n);  // position n was taken out already
      }
    }
  }

  // The stamp that has `older` others before it; kNever when there are not so many.
  [[nodiscard]] Instant peek(std::uint64_t older) const {
    if (older >= capacity_) return kNever;
    const std::uint64_t n = head_.load(std::memory_order_acquire) + older;
    const std::uint64_t seen = slot(n).load(std::memory_order_acquire);
    const bool full = lap_of(seen) == lap_of(empty(n)) && seen != empty(n);
    return full ? instant_of(seen) : kNever;
  }

  // Exact when nobody else is at work.
  [[nodiscard]] std::uint64_t size() const {
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    const std::uint64_t tail = tail_.load(std::memory_order_acquire);
    return tail > head ? tail - head : 0;
  }
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

  // The next larger ring, once there is one: set once, by RollingBucket.
  Atomic<BasicStampRing*> newer{nullptr};

 private:
  [[nodiscard]] Atomic<std::uint64_t>& slot(std::uint64_t n) const {
    return slots_[n & (capacity_ - 1)];
  }
  // What the slot of position n holds before it is written.
  [[nodiscard]] std::uint64_t empty(std::uint64_t n) const { return (n >> shift_) << kTickBits; }
  [[nodiscard]] static std::uint64_t lap_of(std::uint64_t word) { return word >> kTickBits; }

  static void help(Atomic<std::uint64_t>& cursor, std::uint64_t n) {
    cursor.compare_exchange_strong(n, n + 1, std::memory_order_acq_rel, std::memory_order_acquire);
  }

  const std::uint32_t capacity_;
  const int shift_;
  const std::unique_ptr<Atomic<std::uint64_t>[]> slots_;
  alignas(64) Atomic<std::uint64_t> head_{0};
  alignas(64) Atomic<std::uint64_t> tail_{0};
};

}  // namespace sluice
