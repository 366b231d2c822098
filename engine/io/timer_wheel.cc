#include "engine/io/timer_wheel.h"

#include <bit>

namespace sluice {

void TimerWheel::start(Timer& timer, Instant at) noexcept {
  stop(timer);
  const Duration since_start = at - start_;
  // Rounded up: a timer may be late by less than a tick, never early.
  const std::uint64_t tick = since_start <= Duration::zero()
                                 ? 0
                                 : static_cast<std::uint64_t>((since_start + kTick - 1ns) / kTick);
  constexpr std::uint64_t kRange = (std::uint64_t{1} << (kLevels * kSlotBits)) - 1;
  timer.tick_ = tick <= now_tick_ ? now_tick_ + 1 : tick;
  if (timer.tick_ - now_tick_ > kRange) timer.tick_ = now_tick_ + kRange;
  place(timer);
}

void TimerWheel::stop(Timer& timer) noexcept {
  if (!timer.linked()) return;
  timer.unlink();
  if (slots_[timer.level_][timer.slot_].empty()) {
    occupied_[timer.level_] &= ~(std::uint64_t{1} << timer.slot_);
  }
}

void TimerWheel::place(Timer& timer) noexcept {
  // The level is that of the highest group of bits in which the tick differs from now: within a
  // level all timers are ahead of the hand, so that no slot holds two turns.
  const std::uint64_t differing = timer.tick_ ^ now_tick_;
  const int level = differing == 0 ? 0 : (63 - std::countl_zero(differing)) / kSlotBits;
  const int top = level < kLevels ? level : kLevels - 1;
  const int slot = static_cast<int>((timer.tick_ >> (top * kSlotBits)) & (kSlots - 1));
  timer.level_ = static_cast<std::uint8_t>(top);
  timer.slot_ = static_cast<std::uint8_t>(slot);
  slots_[top][slot].push_back(timer);
  occupied_[static_cast<std::size_t>(top)] |= std::uint64_t{1} << slot;
}

std::size_t TimerWheel::fire_slot(int slot) noexcept {
  std::size_t fired = 0;
  IntrusiveList<Timer>& timers = slots_[0][slot];
  while (Timer* const timer = timers.pop_front()) {
    ++fired;
    timer->on_timer();
  }
  occupied_[0] &= ~(std::uint64_t{1} << slot);
  return fired;
}

void TimerWheel::unroll(int level) noexcept {
  const auto index = static_cast<std::size_t>(level);
  const int slot = static_cast<int>((now_tick_ >> (level * kSlotBits)) & (kSlots - 1));
  if ((occupied_[index] & (std::uint64_t{1} << slot)) == 0) return;
  occupied_[index] &= ~(std::uint64_t{1} << slot);
  while (Timer* const timer = slots_[level][slot].pop_front()) place(*timer);
}

// The next tick at which something must be done: a slot of the lowest wheel fires, or a slower one
// is unrolled.
std::uint64_t TimerWheel::next_tick() const noexcept {
  for (int level = 0; level < kLevels; ++level) {
    const int shift = level * kSlotBits;
    const int hand = static_cast<int>((now_tick_ >> shift) & (kSlots - 1));
    const std::uint64_t occupied = occupied_[static_cast<std::size_t>(level)];
    // Everything on a level lies ahead of the hand, except on the top one, where it may lie a turn
    // later.
    const std::uint64_t ahead =
        hand == kSlots - 1 ? 0 : occupied & (~std::uint64_t{0} << (hand + 1));
    const std::uint64_t turn = (now_tick_ >> shift) >> kSlotBits;
    if (ahead != 0) {
      return ((turn << kSlotBits) + static_cast<std::uint64_t>(std::countr_zero(ahead))) << shift;
    }
    if (level == kLevels - 1 && occupied != 0) {
      return (((turn + 1) << kSlotBits) + static_cast<std::uint64_t>(std::countr_zero(occupied)))
             << shift;
    }
  }
  return UINT64_MAX;
}

std::size_t TimerWheel::advance(Instant now) noexcept {
  const Duration since_start = now - start_;
  const std::uint64_t target =
      since_start <= Duration::zero() ? 0 : static_cast<std::uint64_t>(since_start / kTick);
  std::size_t fired = 0;
  while (true) {
    const std::uint64_t tick = next_tick();
    if (tick > target) break;
    now_tick_ = tick;
    for (int level = kLevels - 1; level > 0; --level) {
      const std::uint64_t below = (std::uint64_t{1} << (level * kSlotBits)) - 1;
      if ((now_tick_ & below) == 0) unroll(level);
    }
    fired += fire_slot(static_cast<int>(now_tick_ & (kSlots - 1)));
  }
  if (target > now_tick_) now_tick_ = target;
  return fired;
}

Instant TimerWheel::next_expiry() const noexcept {
  const std::uint64_t tick = next_tick();
  return tick == UINT64_MAX ? kNever : start_ + kTick * static_cast<std::int64_t>(tick);
}

bool TimerWheel::empty() const noexcept {
  for (const std::uint64_t occupied : occupied_) {
    if (occupied != 0) return false;
  }
  return true;
}

}  // namespace sluice
