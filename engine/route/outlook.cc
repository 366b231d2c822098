#include "engine/route/outlook.h"

#include <algorithm>

namespace sluice {

Instant ready_at(const Candidate& candidate, Instant now, const Demand& demand) noexcept {
  AccountState& state = *candidate.state;
  if (state.rejected(candidate.generation)) return kNever;
  return std::max({now, state.cooldown().until(), state.next_permit_at(now, demand)});
}

Outlook outlook(const Route& route, Route::Range range, const TriedMarks& besides, Instant now,
                const Demand& demand) noexcept {
  Outlook seen;
  for (std::uint32_t i = range.first; i < range.last; ++i) {
    if (besides.has(i)) continue;
    const Instant ready = ready_at(route.candidates[i], now, demand);
    if (ready == kNever) continue;
    const AccountState& state = *route.candidates[i].state;
    seen.ready_at = std::min(seen.ready_at, ready);
    if (!state.breaker().passable(now)) continue;
    seen.any = true;
    seen.worth_at = std::min(seen.worth_at, ready);
    if (!state.cooldown().running(now)) seen.all_cooling = false;
  }
  return seen;
}

}  // namespace sluice
