#include "engine/route/permit.h"

namespace sluice {

Permit Permit::take(const Account& account, Instant now) noexcept {
  return Permit(account, account.state->take(now));
}

Permit Permit::take_emergency(const Account& account, Instant now) noexcept {
  return Permit(account, account.state->take_emergency(now));
}

void Permit::settle_sent(Instant now) noexcept {
  SL_ASSERT(held_);
  held_ = false;
  account_->state->settle_sent(taken_, now);
}

void Permit::refund(Instant now) noexcept {
  SL_ASSERT(held_);
  held_ = false;
  account_->state->refund(taken_, now);
}

}  // namespace sluice
