#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "engine/route/sliding_counts.h"

namespace sluice {

struct RetryBudgetPolicy {
  double ratio = 0.2;         // retries to requests, over the window
  double min_per_second = 1;  // allowed however few requests there are
  Duration window = 10s;
};

// RetryBudget - how many requests of one shard may be tried once more after a failure, so that an
// outage is not multiplied: when every try fails, the providers meet 1.2 times the traffic and not
// as many times as there are accounts.
//
// Within a sliding window: `ratio` of its requests, or min_per_second for each of its seconds where
// that is more: a quiet shard's. Only a retry after a failure (no connection, time out, 5xx) draws
// on it. The next account after a 429 does not: a 429 is cheap for the provider, says that another
// account is the right one, and the cooldown keeps the next requests away.
//
// Hedges have one of their own (HedgePolicy).
//
// Affinity  one shard.
// Size      200 bytes.
class RetryBudget {
 public:
  // A request has come, to be counted once however often it is tried.
  void request(Instant now, const RetryBudgetPolicy& policy) noexcept {
    counts_.advance(now, policy.window);
    counts_.add(kRequests, 1);
  }

  // Whether a retry is left; if so it is taken.
  [[nodiscard]] bool take(Instant now, const RetryBudgetPolicy& policy) noexcept {
    counts_.advance(now, policy.window);
    if (left(policy) < 1) return false;
    counts_.add(kRetries, 1);
    return true;
  }

  // What is left, for display.
  [[nodiscard]] double left(const RetryBudgetPolicy& policy) const noexcept {
    const double seconds = std::chrono::duration<double>(policy.window).count();
    return std::max(policy.ratio * static_cast<double>(counts_.sum(kRequests)),
                    policy.min_per_second * seconds) -
           static_cast<double>(counts_.sum(kRetries));
  }

 private:
  enum Kind : std::size_t { kRequests, kRetries, kKinds };

  SlidingCounts<kKinds, 10> counts_;
};

}  // namespace sluice
