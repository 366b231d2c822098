#include "tests/sim/kernel/sim_turns.h"

#include <algorithm>

#include "base/assert.h"
#include "tests/sim/kernel/sim_kernel.h"

namespace sluice {

void SimTurns::join(SimKernel& kernel) {
  members_.push_back(std::make_unique<Member>(kernel));
  kernel.take_turns(*this);
}

SimTurns::Member& SimTurns::member_of(const SimKernel& kernel) {
  const auto is_its = [&kernel](const auto& member) { return member->kernel == &kernel; };
  const auto found = std::ranges::find_if(members_, is_its);
  SL_ASSERT(found != members_.end());
  return **found;
}

bool SimTurns::pass_on(const SimKernel& self, Instant now, Instant until) {
  for (const auto& other : members_) {
    if (other->kernel == &self || other->over) continue;
    if (other->until > now && !other->kernel->has_news()) continue;
    Member& own = member_of(self);
    own.until = until;
    other->go.release();
    own.go.acquire();
    return true;
  }
  return false;
}

Instant SimTurns::next_of_others(const SimKernel& self) const {
  Instant next = kNever;
  for (const auto& other : members_) {
    if (other->kernel != &self && !other->over) next = std::min(next, other->until);
  }
  return next;
}

void SimTurns::leave(const SimKernel& self) {
  member_of(self).over = true;
  for (const auto& other : members_) {
    if (other->over) continue;
    other->go.release();
    return;
  }
}

}  // namespace sluice
