#include "engine/route/ladder.h"

#include <algorithm>

namespace sluice {
namespace {

// Weighted choice draws at most so often before it looks at all accounts.
constexpr std::uint32_t kDrawsMax = 16;

}  // namespace

Choice Ladder::next(Instant now) noexcept {
  Choice choice;
  if (route_ == nullptr) {
    choice.kind = Choice::Kind::kUnknownModel;
    return choice;
  }
  for (const Pool pool : {Pool::kPrimary, Pool::kFallback}) {
    if (!choose(pool, now, choice)) continue;
    choice.kind = Choice::Kind::kTry;
    choice.pool = pool;
    return choice;
  }
  choice.retry_at = earliest(now);
  return choice;
}

CooldownChange Ladder::report(const Permit& permit, TryOutcome outcome,
                              std::optional<Duration> retry_after, Instant now) noexcept {
  const Account& account = *permit.account();
  switch (outcome) {
    case TryOutcome::kServed: account.state->cooldown().succeeded(permit.taken_at()); break;
    case TryOutcome::kRateLimited:
      return account.state->cooldown().rate_limited(now, retry_after, directory_.routing.cooldown);
    case TryOutcome::kAuthRejected: account.state->reject(account.generation); break;
    case TryOutcome::kClientFault:
    case TryOutcome::kServerError:
    case TryOutcome::kConnectFailed:
    case TryOutcome::kTimedOut:
    case TryOutcome::kClientGone: break;
  }
  return {};
}

bool Ladder::choose(Pool pool, Instant now, Choice& choice) noexcept {
  switch (directory_.routing.strategy) {
    case Strategy::kWeighted: return choose_weighted(route_->range_of(pool), now, choice);
    case Strategy::kRoundRobin: return choose_round_robin(pool, now, choice);
    case Strategy::kOrdered: break;
  }
  return choose_ordered(route_->range_of(pool), now, choice);
}

bool Ladder::choose_ordered(Route::Range range, Instant now, Choice& choice) noexcept {
  for (std::uint32_t i = range.first; i < range.last; ++i) {
    if (ready(i, now) && take(i, now, choice)) return true;
  }
  return false;
}

// Begins behind the account that was chosen last: to begin one further each time would give the
// successor of a full account its turns as well.
bool Ladder::choose_round_robin(Pool pool, Instant now, Choice& choice) noexcept {
  const Route::Range range = route_->range_of(pool);
  const std::uint32_t count = range.last - range.first;
  std::uint32_t& next = round_robin_.next(*route_, pool);
  for (std::uint32_t n = 0; n < count; ++n) {
    const std::uint32_t at = (next + n) % count;
    if (!ready(range.first + at, now) || !take(range.first + at, now, choice)) continue;
    next = at + 1;
    return true;
  }
  return false;
}

// Chance proportional to share(). One pass: of the accounts seen so far, the one that is kept has
// been kept with its share of their sum.
bool Ladder::choose_weighted(Route::Range range, Instant now, Choice& choice) noexcept {
  if (draw_weighted(range, now, choice)) return true;
  for (;;) {
    double sum = 0;
    std::uint32_t kept = range.last;
    for (std::uint32_t i = range.first; i < range.last; ++i) {
      if (!ready(i, now)) continue;
      const double part = share(i, now);
      if (part == 0) continue;
      sum += part;
      if (prng_.unit() * sum < part) kept = i;
    }
    if (kept == range.last) return false;
    if (take(kept, now, choice)) return true;  // else another shard took its last token: look again
  }
}

// The same chances without looking at everyone: an account drawn evenly is accepted with the chance
// share / largest possible share. When most accounts are spent, luck runs out: half as many draws
// as there are accounts, at most kDrawsMax, never cost more than the look at all of them.
bool Ladder::draw_weighted(Route::Range range, Instant now, Choice& choice) noexcept {
  const std::uint32_t count = range.last - range.first;
  for (std::uint32_t draw = 0; draw < std::min(count / 2, kDrawsMax); ++draw) {
    const auto i = range.first + static_cast<std::uint32_t>(prng_.below(count));
    if (!ready(i, now) || prng_.unit() * route_->weight_max >= share(i, now)) continue;
    if (take(i, now, choice)) return true;
  }
  return false;
}

bool Ladder::ready(std::uint32_t position, Instant now) const noexcept {
  const Candidate& candidate = route_->candidates[position];
  return (tried_[position / 64] >> (position % 64) & 1) == 0 &&
         !candidate.state->rejected(candidate.generation) &&
         !candidate.state->cooldown().running(now);
}

// weight x (limit - used) / limit.
double Ladder::share(std::uint32_t position, Instant now) const noexcept {
  const Candidate& candidate = route_->candidates[position];
  const std::uint32_t limit = candidate.state->limit();
  if (limit == 0) return 0;
  return static_cast<double>(candidate.weight) * candidate.state->available(now) / limit;
}

bool Ladder::take(std::uint32_t position, Instant now, Choice& choice) noexcept {
  const Candidate& candidate = route_->candidates[position];
  choice.permit = Permit::take(*candidate.account, now);
  if (!choice.permit.held()) return false;
  choice.native_model = candidate.native_model(model_);
  tried_[position / 64] |= std::uint64_t{1} << (position % 64);
  return true;
}

Instant Ladder::earliest(Instant now) const noexcept {
  Instant earliest = kNever;
  for (const Candidate& candidate : route_->candidates) {
    if (candidate.state->rejected(candidate.generation)) continue;
    const Instant at =
        std::max(candidate.state->cooldown().until(), candidate.state->next_permit_at(now));
    earliest = std::min(earliest, at);
  }
  return earliest;
}

}  // namespace sluice
