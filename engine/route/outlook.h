#pragma once

#include "base/clock.h"
#include "engine/route/route.h"
#include "engine/route/tried_marks.h"

namespace sluice {

// Outlook - when some accounts will have something to give.
struct Outlook {
  Instant ready_at = kNever;  // the first of them; kNever: none, unless an operator helps
  // The same of those whose breaker is closed: it is no use to wait for one that only fails.
  Instant worth_at = kNever;
  bool any = false;         // at least one is neither in error nor has its breaker open
  bool all_cooling = true;  // ... and none of these is out of its cooldown
};

// When `candidate` will be out of its cooldown and have a permit for a request of that size: `now`
// when it is and has; kNever when its key was refused.
[[nodiscard]] Instant ready_at(const Candidate& candidate, Instant now,
                               const Demand& demand = {}) noexcept;

// Of the candidates in `range` that `besides` does not mark.
[[nodiscard]] Outlook outlook(const Route& route, Route::Range range, const TriedMarks& besides,
                              Instant now, const Demand& demand = {}) noexcept;

}  // namespace sluice
