#include "engine/route/permit.h"

namespace sluice {

Permit Permit::take(const Account& account, bool emergency, Instant now,
                    const Demand& demand) noexcept {
  Permit permit;
  if (!account.state->grant(demand, emergency, now, permit.grant_)) return permit;
  permit.account_ = &account;
  permit.phase_ = Phase::kHeld;
  return permit;
}

Permit Permit::take(const Account& account, Instant now, const Demand& demand) noexcept {
  return take(account, false, now, demand);
}

Permit Permit::take_emergency(const Account& account, Instant now, const Demand& demand) noexcept {
  return take(account, true, now, demand);
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
