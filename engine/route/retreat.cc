#include "engine/route/retreat.h"

#include <algorithm>

namespace sluice {

std::uint32_t Retreat::tick(Instant now, std::uint64_t answered, std::uint64_t rate_limited,
                            const RetreatPolicy& policy) noexcept {
  note(now, answered, rate_limited, policy);
  if (!step_down(now, policy)) step_up(now, policy);
  return effective_rpm();
}

void Retreat::set_base(std::uint32_t base_rpm, const RetreatPolicy& policy) noexcept {
  const double part = base_rpm_ == 0 ? 1.0 : rpm_ / base_rpm_;
  base_rpm_ = base_rpm;
  rpm_ = state_ == State::kNormal ? base_rpm : std::max(part * base_rpm, floor_rpm(policy));
}

void Retreat::set_learned_base(std::uint32_t base_rpm) noexcept {
  rpm_ = state_ == State::kNormal ? base_rpm : std::min(rpm_, static_cast<double>(base_rpm));
  base_rpm_ = base_rpm;
  if (rpm_ >= base_rpm_) state_ = State::kNormal;
}

std::uint32_t Retreat::effective_rpm() const noexcept {
  constexpr double kRounding = 1e-6;  // what a part of a base, taken and put back, may lack
  return static_cast<std::uint32_t>(rpm_ + kRounding);
}

double Retreat::rate() const noexcept {
  const std::uint64_t answers = counts_.sum(kAnswered);
  return answers == 0
             ? 0.0
             : static_cast<double>(counts_.sum(kRateLimited)) / static_cast<double>(answers);
}

void Retreat::note(Instant now, std::uint64_t answered, std::uint64_t rate_limited,
                   const RetreatPolicy& policy) noexcept {
  counts_.advance(now, policy.window);
  if (noted_) {
    counts_.add(kAnswered, answered - answered_);
    counts_.add(kRateLimited, rate_limited - rate_limited_);
  }
  noted_ = true;
  answered_ = answered;
  rate_limited_ = rate_limited;
  if (rate() >= policy.calm_rate) calm_since_ = now;
}

bool Retreat::step_down(Instant now, const RetreatPolicy& policy) noexcept {
  const double seen = rate();
  // Of a small account half a window's answers are all that there will be.
  const std::uint32_t enough = std::min(policy.answers_min, std::max(base_rpm_ / 2, 1u));
  if (seen < policy.retreat_rate || rate_answers() < enough) return false;
  if (now < down_again_at_) return false;
  const double factor =
      seen >= policy.retreat_twice_rate ? policy.factor * policy.factor : policy.factor;
  rpm_ = std::max(rpm_ * factor, floor_rpm(policy));
  if (rpm_ < base_rpm_) state_ = State::kRetreat;
  down_again_at_ = now + policy.window;
  calm_since_ = now;
  counts_.clear();
  return true;
}

void Retreat::step_up(Instant now, const RetreatPolicy& policy) noexcept {
  if (state_ == State::kNormal) return;
  if (now - calm_since_ < policy.calm) {
    state_ = State::kRetreat;
    return;
  }
  if (state_ == State::kRetreat) {
    state_ = State::kRecover;
    up_at_ = now;
  }
  if (up_at_ <= now) {
    rpm_ += policy.step_rpm;
    up_at_ = now + policy.step;
  }
  if (rpm_ >= base_rpm_) {
    rpm_ = base_rpm_;
    state_ = State::kNormal;
  }
}

double Retreat::floor_rpm(const RetreatPolicy& policy) const noexcept {
  return std::max(1u, std::min(policy.floor_rpm, base_rpm_));
}

}  // namespace sluice
