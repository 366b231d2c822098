#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "base/intrusive_list.h"

namespace sluice {

// Timer - something that happens at an instant unless it is stopped before.
class Timer : public ListNode {
 public:
  // Called once by TimerWheel::advance. Must not resume anybody, only make ready; may start or stop
  // any timer.
  virtual void on_timer() noexcept = 0;

  // Where the wheel keeps it; the wheel's alone.
  std::uint64_t tick_ = 0;
  std::uint8_t level_ = 0;
  std::uint8_t slot_ = 0;

 protected:
  ~Timer() = default;
};

// TimerWheel - all timers of a shard: six wheels of 64 slots, each turning 64 times slower than the
// one below (G. Varghese and T. Lauck, "Hashed and hierarchical timing wheels", 1987).
//
// Owns      nothing; timers are links in their owners.
// Affinity  one shard.
// Precision kTick (1 ms), never early: a timer fires in the first advance() whose time is not
//           before its own.
// Cost      start and stop: constant. advance(): one step per slot that holds timers, empty ones
//           are skipped by bitmap.
// Range     2^36 ms, about two years; later instants are kept at that.
class TimerWheel {
 public:
  static constexpr Duration kTick = 1ms;

  explicit TimerWheel(Instant start) noexcept : start_(start) {}

  // Starts `timer`, or moves it when it runs. An instant in the past fires in the next advance().
  void start(Timer& timer, Instant at) noexcept;
  void stop(Timer& timer) noexcept;

  // Fires all timers that are due at `now`, in the order of their ticks. Returns how many.
  std::size_t advance(Instant now) noexcept;

  // When advance() must be called next: never later than the earliest timer, kNever without one.
  // May be early (a slower wheel has to be unrolled first).
  [[nodiscard]] Instant next_expiry() const noexcept;

  [[nodiscard]] bool empty() const noexcept;

 private:
  static constexpr int kLevels = 6;
  static constexpr int kSlotBits = 6;
  static constexpr int kSlots = 1 << kSlotBits;

  void place(Timer& timer) noexcept;
  std::size_t fire_slot(int slot) noexcept;
  void unroll(int level) noexcept;
  [[nodiscard]] std::uint64_t next_tick() const noexcept;

  Instant start_;
  std::uint64_t now_tick_ = 0;  // every timer with a tick up to and including this one has fired
  std::array<std::uint64_t, kLevels> occupied_{};
  IntrusiveList<Timer> slots_[kLevels][kSlots];
};

}  // namespace sluice
