#include "engine/route/permit.h"

namespace sluice {

Permit Permit::take(const Account& account, Instant now) noexcept {
  Permit permit;
  permit.taken_ = account.state->take(now);
  permit.held_ = permit.taken_.granted;
  if (permit.held_) permit.account_ = &account;
  return permit;
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
