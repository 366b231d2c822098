#pragma once

#include <cstdint>

#include "base/clock.h"
#include "engine/route/sliding_counts.h"

namespace sluice {

struct RetreatPolicy {
  bool enabled = true;
  Duration window = 60s;            // over which the share of 429s is taken
  double retreat_rate = 0.05;       // from this share of 429s on: one step down
  double retreat_twice_rate = 0.1;  // from this on: two at once
  double factor = 0.75;             // of one step down
  std::uint32_t floor_rpm = 5;      // never below, unless the base itself is
  std::uint32_t answers_min = 10;   // in the window, before a step down is judged
  double calm_rate = 0.02;          // below this share of 429s...
  Duration calm = 120s;             // ...for this long: the way back begins
  std::uint32_t step_rpm = 2;       // of one step back
  Duration step = 10s;              // between two of them
};

// Retreat - how far an account stays below its limit because the provider answers 429 although we
// keep to it: the limit is shared with others, or is less than was said.
//
// From a share of 429s on the rate is lowered, at most once a window, so that each step is judged
// by answers to the rate that it set: what came before it no longer counts. After a calm time the
// rate rises step by step to the base. A share that is neither calm nor bad stops the way back, and
// the calm time begins anew.
//
// A step down needs answers_min answers, or half as many as the base where that is less; calm does
// not: an account at its floor has fewer, and
// would never come back. No answers at all are calm: nothing speaks against trying more.
//
// Affinity  one thread, which calls tick() about once a second.
// Size      1 KiB.
class Retreat {
 public:
  enum class State : std::uint8_t {
    kNormal,   // at the base
    kRetreat,  // below it, and waiting for calm
    kRecover,  // on the way back
  };

  explicit Retreat(std::uint32_t base_rpm) noexcept : base_rpm_(base_rpm), rpm_(base_rpm) {}

  // `answered` and `rate_limited` are totals since the account exists: all answers, and the 429s
  // among them. The first call only notes them. Returns effective_rpm().
  std::uint32_t tick(Instant now, std::uint64_t answered, std::uint64_t rate_limited,
                     const RetreatPolicy& policy) noexcept;

  // A new limit: the same part of it remains.
  void set_base(std::uint32_t base_rpm, const RetreatPolicy& policy) noexcept;
  // The provider has said what its limit is, which may explain the 429s: no further below it.
  void set_learned_base(std::uint32_t base_rpm) noexcept;
  [[nodiscard]] std::uint32_t base_rpm() const noexcept { return base_rpm_; }

  [[nodiscard]] State state() const noexcept { return state_; }
  // Whole requests, rounded down.
  [[nodiscard]] std::uint32_t effective_rpm() const noexcept;
  // The share of 429s that the last tick() saw, of rate_answers() answers.
  [[nodiscard]] double rate() const noexcept;
  [[nodiscard]] std::uint64_t rate_answers() const noexcept { return counts_.sum(kAnswered); }

 private:
  enum Kind : std::size_t { kAnswered, kRateLimited, kKinds };

  void note(Instant now, std::uint64_t answered, std::uint64_t rate_limited,
            const RetreatPolicy& policy) noexcept;
  [[nodiscard]] bool step_down(Instant now, const RetreatPolicy& policy) noexcept;
  void step_up(Instant now, const RetreatPolicy& policy) noexcept;
  [[nodiscard]] double floor_rpm(const RetreatPolicy& policy) const noexcept;

  std::uint32_t base_rpm_;
  double rpm_;  // with its fraction, so that steps down and up do not lose to rounding
  State state_ = State::kNormal;
  bool noted_ = false;
  std::uint64_t answered_ = 0;      // at the last tick
  std::uint64_t rate_limited_ = 0;  // likewise
  Instant down_again_at_{};         // one window after the last step down
  Instant calm_since_{};
  Instant up_at_{};  // the next step back
  SlidingCounts<kKinds, 60> counts_;
};

}  // namespace sluice
