#include "engine/route/balancer.h"

#include <algorithm>

namespace sluice {
namespace {

// Weighted choice draws at most so often before it looks at all accounts.
constexpr std::uint32_t kDrawsMax = 16;

}  // namespace

bool Balancer::choose(const Directory& directory, const Route& route, Pool pool, Seeker& seeker,
                      Standing standing, Instant now, Choice& choice) noexcept {
  Search search{route, route.range_of(pool), seeker, standing, now, choice};
  choice.pool = pool;
  switch (directory.routing.strategy) {
    case Strategy::kWeighted: return choose_weighted(search);
    case Strategy::kRoundRobin: return choose_round_robin(search, pool);
    case Strategy::kOrdered: break;
  }
  return choose_ordered(search);
}

bool Balancer::choose_ordered(Search& search) noexcept {
  for (std::uint32_t i = search.range.first; i < search.range.last; ++i) {
    if (ready(search, i) && take(search, i)) return true;
  }
  return false;
}

// Begins behind the account that was chosen last: to begin one further each time would give the
// successor of a full account its turns as well.
bool Balancer::choose_round_robin(Search& search, Pool pool) noexcept {
  const std::uint32_t first = search.range.first;
  const std::uint32_t count = search.range.last - first;
  std::uint32_t& next = round_robin_.next(search.route, pool);
  for (std::uint32_t n = 0; n < count; ++n) {
    const std::uint32_t at = (next + n) % count;
    if (!ready(search, first + at) || !take(search, first + at)) continue;
    next = at + 1;
    return true;
  }
  return false;
}

// Chance proportional to share(). One pass: of the accounts seen so far, the one that is kept has
// been kept with its share of their sum.
bool Balancer::choose_weighted(Search& search) noexcept {
  if (draw_weighted(search)) return true;
  TriedMarks refused;  // the request is too large for them now, or another shard was faster
  for (;;) {
    double sum = 0;
    std::uint32_t kept = search.range.last;
    for (std::uint32_t i = search.range.first; i < search.range.last; ++i) {
      if (refused.has(i) || !ready(search, i)) continue;
      const double part = share(search, i);
      if (part == 0) continue;
      sum += part;
      if (prng_.unit() * sum < part) kept = i;
    }
    if (kept == search.range.last) return false;
    if (take(search, kept)) return true;
    refused.set(kept);
  }
}

// The same chances without looking at everyone: an account drawn evenly is accepted with the chance
// share / largest possible share. When most accounts are spent, luck runs out: half as many draws
// as there are accounts, at most kDrawsMax, never cost more than the look at all of them.
bool Balancer::draw_weighted(Search& search) noexcept {
  const std::uint32_t count = search.range.last - search.range.first;
  for (std::uint32_t draw = 0; draw < std::min(count / 2, kDrawsMax); ++draw) {
    const auto i = search.range.first + static_cast<std::uint32_t>(prng_.below(count));
    if (!ready(search, i)) continue;
    if (prng_.unit() * search.route.weight_max >= share(search, i)) continue;
    if (take(search, i)) return true;
  }
  return false;
}

bool Balancer::ready(const Search& search, std::uint32_t position) noexcept {
  if (search.seeker.tried.has(position)) return false;
  const Candidate& candidate = search.route.candidates[position];
  AccountState& state = *candidate.state;
  if (state.rejected(candidate.generation) || state.cooldown().running(search.now)) return false;
  if (state.on_hold(search.now) || state.crowded() || !state.breaker().passable(search.now))
    return false;
  if (search.standing.pass != 0) return state.held_in_pass() != search.standing.pass;
  return !state.wanted().by(search.seeker.priority);
}

// weight x (limit - used) / limit.
double Balancer::share(const Search& search, std::uint32_t position) noexcept {
  const Candidate& candidate = search.route.candidates[position];
  const std::uint32_t limit = candidate.state->limit();
  if (limit == 0) return 0;
  return static_cast<double>(candidate.weight) * candidate.state->available(search.now) / limit;
}

bool Balancer::take(Search& search, std::uint32_t position) noexcept {
  const Candidate& candidate = search.route.candidates[position];
  search.choice.permit = Permit::take(*candidate.account, search.now, search.seeker.demand);
  if (!search.choice.permit.held()) return false;
  search.choice.native_model = candidate.native_model(search.seeker.model);
  search.seeker.tried.set(position);
  return true;
}

}  // namespace sluice
