#include "engine/route/effective_limits.h"

#include <algorithm>

namespace sluice {

void EffectiveLimits::configure(const AccountLimits& configured) noexcept {
  configured_ = configured;
  if (retreat_) retreat_->set_base(configured.limit, policy_);
}

void EffectiveLimits::tick(Instant now, const AnswerCounts& counts, const LearnedLimits& learned,
                           const RetreatPolicy& policy) noexcept {
  policy_ = policy;
  if (!policy.enabled) {
    retreat_.reset();
    return show();
  }
  const std::uint32_t base = allowed(learned).limit;
  if (!retreat_) retreat_.emplace(base);
  else if (retreat_->base_rpm() != base) retreat_->set_learned_base(base);
  static_cast<void>(retreat_->tick(now, counts.answers, counts.rate_limited, policy));
  show();
}

// What other threads may see of it.
void EffectiveLimits::show() noexcept {
  constexpr double kMillion = 1e6;
  state_.set(static_cast<std::uint64_t>(retreat_ ? retreat_->state() : Retreat::State::kNormal));
  rate_limited_ppm_.set(retreat_ ? static_cast<std::uint64_t>(retreat_->rate() * kMillion) : 0);
}

AccountLimits EffectiveLimits::in_force(const LearnedLimits& learned) const noexcept {
  AccountLimits limits = allowed(learned);
  if (retreat_) limits.limit = std::min(limits.limit, retreat_->effective_rpm());
  limits.limit = std::max(limits.limit, 1u);
  return limits;
}

AccountLimits EffectiveLimits::allowed(const LearnedLimits& learned) const noexcept {
  AccountLimits limits = configured_;
  if (limits.learn && learned.requests != 0) {
    // The emergency channel is a part of what the provider allows, too, and keeps its share.
    const std::uint64_t whole = std::uint64_t{configured_.limit} + configured_.emergency;
    if (learned.requests < whole) {
      limits.emergency = static_cast<std::uint32_t>(std::uint64_t{configured_.emergency} *
                                                    learned.requests / whole);
      limits.limit = std::min(limits.limit, learned.requests - limits.emergency);
    }
  }
  if (limits.learn && learned.tokens != 0) {
    limits.tokens = limits.tokens == 0 ? learned.tokens : std::min(limits.tokens, learned.tokens);
  }
  limits.limit = std::max(limits.limit, 1u);
  return limits;
}

}  // namespace sluice
