#pragma once

#include "base/clock.h"
#include "engine/route/route.h"
#include "engine/route/tried_marks.h"

namespace sluice {

// Outlook - when some accounts will have something to give.
struct Outlook {
  Instant ready_at = kNever;  // the first of them; kNever: none, unless an operator helps
  bool any = false;           // at least one is not in error
  bool all_cooling = true;    // ... and none of these is out of its cooldown
};

// When `candidate` will be out of its cooldown and have a permit for a request of that size: `now`
// when it is and has; kNever when its key was refused.
[[nodiscard]] Instant ready_at(const Candidate& candidate, Instant now,
                               const Demand& demand = {}) noexcept;

// Of the candidates in `range` that `besides` does not mark.
[[nodiscard]] Outlook outlook(const Route& route, Route::Range range, const TriedMarks& besides,
                              Instant now, const Demand& demand = {}) noexcept;

}  // namespace sluice
