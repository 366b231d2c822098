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

void Permit::settle_sent(Instant now) noexcept {
  SL_ASSERT(phase_ == Phase::kHeld);
  phase_ = Phase::kSent;
  account_->state->settle_sent(grant_.request, now);
}

void Permit::succeeded() noexcept {
  const BreakerEntry entry = take_entry();
  if (entry.granted()) account_->state->breaker().succeeded(entry);
}

BreakerChange Permit::failed(const BreakerPolicy& policy, Instant now) noexcept {
  const BreakerEntry entry = take_entry();
  return entry.granted() ? account_->state->breaker().failed(entry, now, policy) : BreakerChange{};
}

void Permit::abandoned() noexcept {
  const BreakerEntry entry = take_entry();
  if (entry.granted()) account_->state->breaker().abandoned(entry);
}

void Permit::refund(Instant now) noexcept {
  SL_ASSERT(phase_ == Phase::kHeld);
  abandoned();
  phase_ = Phase::kOver;
  account_->state->undo(grant_, now);
}

void Permit::finish(const std::optional<TokensUsed>& used, Instant now) noexcept {
  SL_ASSERT(phase_ == Phase::kSent);
  abandoned();
  phase_ = Phase::kOver;
  account_->state->finish(grant_, used, now);
}

}  // namespace sluice
