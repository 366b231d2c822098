#include "engine/route/permit.h"

namespace sluice {

bool Permit::acquire(const Account& account, bool emergency, Instant now,
                     const Demand& demand) noexcept {
  SL_ASSERT(phase_ == Phase::kOver);
  if (!account.state->grant(demand, emergency, now, grant_)) {
    account_ = nullptr;
    return false;
  }
  account_ = &account;
  phase_ = Phase::kHeld;
  return true;
}

Permit Permit::take(const Account& account, Instant now, const Demand& demand) noexcept {
  Permit permit;
  static_cast<void>(permit.acquire(account, false, now, demand));
  return permit;
}

Permit Permit::take_emergency(const Account& account, Instant now, const Demand& demand) noexcept {
  Permit permit;
  static_cast<void>(permit.acquire(account, true, now, demand));
  return permit;
}

BreakerChange Permit::failed(const BreakerPolicy& policy, Instant now) noexcept {
  const BreakerEntry entry = take_entry();
  return entry.granted() ? account_->state->breaker().failed(entry, now, policy) : BreakerChange{};
}

}  // namespace sluice
