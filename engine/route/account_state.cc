#include "engine/route/account_state.h"

namespace sluice {

AccountState::AccountState(const BucketLimits& limits)
    : rolling_(limits.shape == BucketShape::kRolling ? limits.limit : 0, limits.window),
      shape_(limits.shape),
      steady_(limits.limit, limits.window),
      emergency_(limits.emergency, limits.window) {}

Take AccountState::take(Instant now) noexcept {
  return shape() == BucketShape::kRolling ? rolling_.take(now) : steady_.take(now);
}

Take AccountState::take_emergency(Instant now) noexcept {
  Take taken = emergency_.take(now);
  taken.emergency = true;
  return taken;
}

void AccountState::settle_sent(const Take& taken, Instant now) noexcept {
  if (taken.emergency) return emergency_.settle_sent(now);
  switch (taken.shape) {
    case BucketShape::kRolling: return rolling_.settle_sent(now);
    case BucketShape::kSteady: return steady_.settle_sent(taken, now);
  }
}

void AccountState::refund(const Take& taken, Instant now) noexcept {
  if (taken.emergency) return emergency_.refund();
  switch (taken.shape) {
    case BucketShape::kRolling: return rolling_.refund();
    case BucketShape::kSteady: return steady_.refund(taken, now);
  }
}

std::uint32_t AccountState::limit() const noexcept {
  return shape() == BucketShape::kRolling ? rolling_.limit() : steady_.limit();
}

std::uint32_t AccountState::available(Instant now) noexcept {
  return shape() == BucketShape::kRolling ? rolling_.available(now) : steady_.available(now);
}

Instant AccountState::next_permit_at(Instant now) const noexcept {
  return shape() == BucketShape::kRolling ? rolling_.next_at(now) : steady_.next_at(now);
}

void AccountState::set_limits(const BucketLimits& limits, Instant now) {
  const bool rolling = limits.shape == BucketShape::kRolling;
  const bool reshaped = limits.shape != shape();
  emergency_.set_limit(limits.emergency, limits.window);
  // A rolling bucket out of use has no tokens, so that it cannot grant beside the other one.
  rolling_.set_limit(rolling ? limits.limit : 0, limits.window);
  if (!rolling || reshaped) steady_.set_limit(limits.limit, limits.window);
  if (!reshaped) return;
  if (rolling) {
    while (rolling_.take(now).granted) rolling_.settle_sent(now);
  } else {
    steady_.empty(now);
  }
  shape_.store(limits.shape, std::memory_order_relaxed);
}

void AccountState::reject(std::uint32_t generation) noexcept {
  // A late answer to an old key does not hide that the new one was refused.
  std::uint32_t seen = rejected_generation_.load(std::memory_order_relaxed);
  while (seen < generation &&
         !rejected_generation_.compare_exchange_weak(seen, generation, std::memory_order_relaxed)) {
  }
}

void AccountState::accept(std::uint32_t generation) noexcept {
  rejected_generation_.compare_exchange_strong(generation, 0, std::memory_order_relaxed);
}

bool AccountState::at_rest(Instant now) noexcept {
  return available(now) == limit() && emergency_.available(now) == emergency_.limit() &&
         !cooldown_.running(now);
}

}  // namespace sluice
