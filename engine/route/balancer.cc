#include "engine/route/balancer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

#include "engine/route/decision_looks.h"
#include "engine/route/offers.h"
#include "engine/route/origin_distances.h"
#include "engine/route/running_mean.h"

namespace sluice {
namespace {

// A choice that draws does it at most so often before it looks at all accounts.
constexpr std::uint32_t kDrawsMax = 16;

// Of more accounts than that the fewest requests in flight are looked for among so many drawn ones:
// what grows with the accounts is paid by each request, and who has the very fewest is another one
// a moment later. With two the fullest of n accounts is log log n above the mean; with eight a
// third of that.
constexpr std::uint32_t kExactMax = 32;
constexpr std::size_t kComparedMax = 8;

// So many of an origin's order are found by looking for the nearest; then the rest is sorted.
constexpr std::uint32_t kNearestMax = 16;

// For choices by requests in flight.
double load(const Candidate& candidate) noexcept {
  return (candidate.state->in_flight() + 1.0) / candidate.weight;
}

}  // namespace

// The queue's searches are many for each request, and on another thread.
inline void Balancer::pass_over(const Search& search, std::uint32_t position) noexcept {
  if (search.looks != nullptr) search.looks->pass_over(position);
}

bool Balancer::choose(const Directory& directory, const Route& route, Pool pool, Seeker& seeker,
                      Standing standing, Instant now, Choice& choice) noexcept {
  DecisionLooks* const looks = standing.pass == 0 ? seeker.looks : nullptr;
  Search search{route, route.range_of(pool), seeker, looks, standing, now, choice};
  choice.pool = pool;
  if (seeker.origin != 0) return choose_by_origin(search);
  switch (directory.routing.strategy) {
    case Strategy::kWeighted: return choose_weighted(search);
    case Strategy::kRoundRobin: return choose_round_robin(search, pool);
    case Strategy::kLeastInflight: return choose_least_inflight(search);
    case Strategy::kLatency: return choose_fastest(search);
    case Strategy::kCheapest: return choose_cheapest(search);
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
  double sum = 0;
  std::uint32_t kept = search.range.last;
  for (std::uint32_t i = search.range.first; i < search.range.last; ++i) {
    if (!ready(search, i)) continue;
    const double part = share(search, i);
    if (part == 0) continue;
    sum += part;
    if (prng_.unit() * sum < part) kept = i;
  }
  if (kept == search.range.last) return false;
  // It may be full for a request of this size, or another shard was faster. The smallest of
  // exponential variates with these rates has the same chances (Efraimidis and Spirakis, 2006).
  const Candidate* const first = search.route.candidates.data();
  const auto lot = [this, &search, first](const Candidate& candidate) {
    return -std::log1p(-prng_.unit()) /
           share(search, static_cast<std::uint32_t>(&candidate - first));
  };
  return take(search, kept) || choose_next_best(search, lot, kept);
}

// The same chances without looking at everyone: an account drawn by its weight is accepted with the
// chance of its free share. When most accounts are spent, luck runs out: half as many draws as
// there are accounts, at most kDrawsMax, never cost more than the look at all of them.
bool Balancer::draw_weighted(Search& search) noexcept {
  const std::uint32_t count = search.range.last - search.range.first;
  for (std::uint32_t draw = 0; draw < std::min(count / 2, kDrawsMax); ++draw) {
    const std::uint32_t i = draw_one(search);
    if (!ready(search, i)) continue;
    if (prng_.unit() >= free_share(search, i)) {
      pass_over(search, i);
      continue;
    }
    if (take(search, i)) return true;
  }
  return false;
}

// A position drawn by weight.
inline std::uint32_t Balancer::draw_one(const Search& search) noexcept {
  return search.range.first + search.route.draw_of(search.choice.pool).draw(prng_);
}

template <class Score>
bool Balancer::choose_best(Search& search, const Score& score) noexcept {
  const std::uint32_t first = search.range.first;
  const std::uint32_t count = search.range.last - first;
  std::uint32_t& next = round_robin_.next(search.route, search.choice.pool);
  std::uint32_t best = count;
  double lowest = 0;
  for (std::uint32_t n = 0; n < count; ++n) {
    const std::uint32_t at = (next + n) % count;
    if (!ready(search, first + at)) continue;
    const double scored = score(search.route.candidates[first + at]);
    if (best != count && scored >= lowest) continue;
    best = at;
    lowest = scored;
  }
  if (best == count) return false;
  if (!take(search, first + best)) return choose_next_best(search, score, first + best);
  next = best + 1;
  return true;
}

// Accounts that are full for a request of this size, or of which another shard took the last one,
// are found by asking.
template <class Score>
bool Balancer::choose_next_best(Search& search, const Score& score,
                                std::uint32_t besides) noexcept {
  const std::uint32_t first = search.range.first;
  const std::uint32_t count = search.range.last - first;
  std::uint32_t& next = round_robin_.next(search.route, search.choice.pool);
  Offers offers;
  for (std::uint32_t n = 0; n < count; ++n) {
    const std::uint32_t i = first + (next + n) % count;
    if (i != besides && is_ready(search, i)) offers.add(score(search.route.candidates[i]), n);
  }
  while (const auto n = offers.next()) {
    const std::uint32_t at = (next + *n) % count;
    if (!take(search, first + at)) continue;
    next = at + 1;
    return true;
  }
  return false;
}

// The first account in the origin's own order that has room.
bool Balancer::choose_by_origin(Search& search) noexcept {
  const std::uint32_t first = search.range.first;
  OriginDistances distances(search.route.origins_of(search.choice.pool), search.seeker.origin);
  for (std::uint32_t tries = 0; tries < kNearestMax; ++tries) {
    const std::uint32_t nearest = distances.nearest();
    if (nearest == distances.size()) return false;
    if (ready(search, first + nearest) && take(search, first + nearest)) return true;
    distances.leave_out(nearest);
  }
  Offers offers;
  for (std::uint32_t i = 0; i < distances.size(); ++i)
    if (distances.is_left(i)) offers.add(distances.of(i), i);
  while (const auto nearest = offers.next()) {
    if (ready(search, first + *nearest) && take(search, first + *nearest)) return true;
  }
  return false;
}

bool Balancer::choose_least_inflight(Search& search) noexcept {
  if (search.range.last - search.range.first > kExactMax && draw_least_inflight(search))
    return true;
  return choose_best(search, load);
}

bool Balancer::draw_least_inflight(Search& search) noexcept {
  std::array<std::uint32_t, kComparedMax> drawn;
  std::size_t count = 0;
  for (std::uint32_t draw = 0; draw < kDrawsMax && count < drawn.size(); ++draw) {
    const std::uint32_t i = draw_one(search);
    if (ready(search, i)) drawn[count++] = i;
  }
  if (count == 0) return false;
  const auto compared = std::span(drawn).first(count);
  const std::uint32_t best = *std::ranges::min_element(
      compared, {}, [&search](std::uint32_t i) { return load(search.route.candidates[i]); });
  for (const std::uint32_t i : compared) {
    if (i != best) pass_over(search, i);
  }
  return take(search, best);
}

// Power of two choices (Mitzenmacher, 1996): the better of two loads no single one with all that
// comes until the next sample.
bool Balancer::choose_fastest(Search& search) noexcept {
  const std::uint32_t nobody = search.range.last;
  const std::uint32_t one = draw_ready(search, nobody);
  const std::uint32_t other = one == nobody ? nobody : draw_ready(search, one);
  const auto latency = [&search](const Candidate& candidate) {
    return static_cast<double>(candidate.state->latency().value(search.now).count());
  };
  if (other != nobody) {
    const auto& candidates = search.route.candidates;
    const bool first_wins = latency(candidates[one]) <= latency(candidates[other]);
    if (take(search, first_wins ? one : other) || take(search, first_wins ? other : one))
      return true;
  }
  return choose_best(search, latency);
}

// What the request costs there. Without a maximum of its own its answer is taken for a middling
// one, the same for all accounts.
bool Balancer::choose_cheapest(Search& search) noexcept {
  const Demand& demand = search.seeker.demand;
  const auto prompt = static_cast<double>(demand.prompt);
  const auto completion = static_cast<double>(
      demand.completion == Demand::kUnknown ? RunningMean::kFirst : demand.completion);
  const PriceGroups& prices = search.route.prices_of(search.choice.pool);
  const auto groups = prices.groups();
  Offers offers;
  for (std::uint32_t i = 0; i < groups.size(); ++i)
    offers.add(prompt * groups[i].input + completion * groups[i].output, i);
  while (const auto cheapest = offers.next()) {
    if (choose_in_turn(search, prices.positions_of(groups[*cheapest]))) return true;
  }
  return false;
}

// Of rising positions the first from the turn on, then from the beginning.
bool Balancer::choose_in_turn(Search& search, std::span<const std::uint32_t> positions) noexcept {
  const auto [first, last] = search.range;
  std::uint32_t& next = round_robin_.next(search.route, search.choice.pool);
  const auto from = std::ranges::lower_bound(positions, first + next % (last - first));
  const auto take_of = [&search, &next](std::span<const std::uint32_t> some) {
    for (const std::uint32_t i : some) {
      if (!ready(search, i) || !take(search, i)) continue;
      next = i - search.range.first + 1;
      return true;
    }
    return false;
  };
  return take_of({from, positions.end()}) || take_of({positions.begin(), from});
}

// A position drawn evenly among those that are ready, besides one; range.last when luck runs out.
std::uint32_t Balancer::draw_ready(const Search& search, std::uint32_t besides) noexcept {
  const std::uint32_t count = search.range.last - search.range.first;
  for (std::uint32_t draw = 0; draw < std::min(count, kDrawsMax); ++draw) {
    const auto i = search.range.first + static_cast<std::uint32_t>(prng_.below(count));
    if (i != besides && ready(search, i)) return i;
  }
  return search.range.last;
}

inline bool Balancer::is_ready(const Search& search, std::uint32_t position) noexcept {
  if (search.seeker.tried.has(position)) return false;
  const Candidate& candidate = search.route.candidates[position];
  AccountState& state = *candidate.state;
  if (state.rejected(candidate.generation) || state.cooldown().running(search.now)) return false;
  if (state.on_hold(search.now) || state.crowded() || !state.breaker().passable(search.now))
    return false;
  if (!state.has_request(search.now)) return false;
  if (search.standing.pass != 0) return state.held_in_pass() != search.standing.pass;
  return !state.wanted().by(search.seeker.priority);
}

// Whether it may be asked; who may not is noted.
bool Balancer::ready(const Search& search, std::uint32_t position) noexcept {
  if (is_ready(search, position)) return true;
  pass_over(search, position);
  return false;
}

// (limit - used) / limit.
double Balancer::free_share(const Search& search, std::uint32_t position) noexcept {
  AccountState& state = *search.route.candidates[position].state;
  const std::uint32_t limit = state.limit();
  return limit == 0 ? 0 : static_cast<double>(state.available(search.now)) / limit;
}

double Balancer::share(const Search& search, std::uint32_t position) noexcept {
  return search.route.candidates[position].weight * free_share(search, position);
}

bool Balancer::take(Search& search, std::uint32_t position) noexcept {
  const Candidate& candidate = search.route.candidates[position];
  if (!search.choice.permit.acquire(*candidate.account, false, search.now, search.seeker.demand)) {
    pass_over(search, position);
    return false;
  }
  search.choice.position = position;
  search.choice.native_model = candidate.native_model(search.seeker.model);
  search.seeker.tried.set(position);
  return true;
}

}  // namespace sluice
