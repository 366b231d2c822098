#pragma once

#include <cstdint>
#include <optional>

#include "base/owned_count.h"
#include "engine/route/account_limits.h"
#include "engine/route/retreat.h"

namespace sluice {

// LearnedLimits - what an account's provider has said of its limits, per window; 0: nothing.
struct LearnedLimits {
  std::uint32_t requests = 0;
  std::uint32_t tokens = 0;
};

// AnswerCounts - totals since the account exists.
struct AnswerCounts {
  std::uint64_t answers = 0;
  std::uint64_t rate_limited = 0;  // of them: 429
};

// EffectiveLimits - how much of its configured limits an account uses now: less while the provider
// answers 429 all the same (Retreat), and no more than the provider says that it allows.
//
// Affinity  one thread: the one that publishes directories; state() and rate_limited_ppm() any.
// Size      about 1.2 KiB.
class EffectiveLimits {
 public:
  explicit EffectiveLimits(const AccountLimits& configured) noexcept : configured_(configured) {}

  void configure(const AccountLimits& configured) noexcept;
  // Once a second.
  void tick(Instant now, const AnswerCounts& counts, const LearnedLimits& learned,
            const RetreatPolicy& policy) noexcept;

  // Never above what is configured, and at least one request.
  [[nodiscard]] AccountLimits in_force(const LearnedLimits& learned) const noexcept;

  [[nodiscard]] const AccountLimits& configured() const noexcept { return configured_; }
  // As of the last tick().
  [[nodiscard]] Retreat::State state() const noexcept {
    return static_cast<Retreat::State>(state_.read());
  }
  // The share of 429s among the answers of the retreat's window, in millionths; 0 without retreat.
  [[nodiscard]] std::uint64_t rate_limited_ppm() const noexcept { return rate_limited_ppm_; }

 private:
  void show() noexcept;
  // What is configured, or less where the provider said so.
  [[nodiscard]] AccountLimits allowed(const LearnedLimits& learned) const noexcept;

  AccountLimits configured_;
  RetreatPolicy policy_;
  std::optional<Retreat> retreat_;  // nothing before the first tick, and while it is switched off
  OwnedCount state_;                // a Retreat::State
  OwnedCount rate_limited_ppm_;
};

}  // namespace sluice
