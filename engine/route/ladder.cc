#include "engine/route/ladder.h"

#include <algorithm>

#include "engine/route/decision_looks.h"

namespace sluice {
namespace {

// A request that was let in and turned down so often (its accounts answer 429 as soon as they have
// recovered) has had its share of patience, whatever its wait limit says.
constexpr std::uint8_t kWaitsMax = 16;

constexpr Pool kPools[] = {Pool::kPrimary, Pool::kFallback};

constexpr Rung rung_of(Pool pool) noexcept {
  return pool == Pool::kPrimary ? Rung::kPrimary : Rung::kFallback;
}

}  // namespace

std::optional<TokensUsed> tokens_counted(TryOutcome outcome, const TokensUsed& served) noexcept {
  switch (outcome) {
    case TryOutcome::kServed: return served;
    case TryOutcome::kClientFault:
    case TryOutcome::kRateLimited:
    case TryOutcome::kAuthRejected: return TokensUsed{};
    case TryOutcome::kServerError:
    case TryOutcome::kConnectFailed:
    case TryOutcome::kTimedOut:
    case TryOutcome::kClientGone: break;
  }
  return std::nullopt;
}

inline void Ladder::keep(const Choice& choice, Instant now) noexcept {
  if (seeker_.looks != nullptr) seeker_.looks->keep(*route_, seeker_, choice, now);
}

inline Choice Ladder::decide(Instant now) noexcept {
  Choice choice;
  if (route_ == nullptr) {
    choice.kind = Choice::Kind::kUnknownModel;
    return choice;
  }
  for (; rung_ != Rung::kNone; step_down()) {
    choice.rung = rung_;
    if (!on_rung(now, choice)) continue;
    if (choice.kind == Choice::Kind::kTry) count(rung_);
    return choice;
  }
  choice = exhausted(now);
  return choice;  // the same object on all ways, so that it is made in its place
}

Choice Ladder::next(Instant now) noexcept {
  const bool keeps = seeker_.looks != nullptr && route_ != nullptr;
  if (keeps) seeker_.looks->begin(route_->candidates.size());
  Choice choice = decide(now);
  if (keeps) keep(choice, now);
  return choice;  // the same object on all ways, so that it is made in its place
}

Choice Ladder::second(Pool pool, Instant now) noexcept {
  Choice choice;
  if (seeker_.looks != nullptr) seeker_.looks->begin(route_->candidates.size());
  if (!balancer_.choose(directory_, *route_, pool, seeker_, {}, now, choice)) return choice;
  choice.kind = Choice::Kind::kTry;
  choice.rung = rung_of(pool);
  count(choice.rung);
  keep(choice, now);
  return choice;
}

Choice Ladder::exhausted(Instant now) const noexcept {
  Choice choice;
  choice.kind = Choice::Kind::kExhausted;
  choice.why = why_;
  const auto all = Route::Range{0, static_cast<std::uint32_t>(route_->candidates.size())};
  choice.retry_at =
      std::max(outlook(*route_, all, TriedMarks{}, now, seeker_.demand).ready_at, expected_at_);
  return choice;
}

void Ladder::count(Rung rung) noexcept {
  if (rung == Rung::kFallback) ++balancer_.counters.fallback;
  if (rung == Rung::kEmergency) ++balancer_.counters.emergency;
}

// Fills `choice` with what this rung has to offer: a permit or the advice to wait for one.
bool Ladder::on_rung(Instant now, Choice& choice) noexcept {
  choice.kind = Choice::Kind::kTry;
  switch (rung_) {
    case Rung::kPrimary:
    case Rung::kFallback: {
      const Pool pool = rung_ == Rung::kPrimary ? Pool::kPrimary : Pool::kFallback;
      return balancer_.choose(directory_, *route_, pool, seeker_, {}, now, choice) ||
             wait_for(pool, now, choice);
    }
    case Rung::kEmergency: return take_emergency(now, choice);
    case Rung::kPatience: return wait_for_anything(now, choice);
    case Rung::kNone: break;
  }
  return false;
}

// Cooling or not: the channel is there for the time when all are.
bool Ladder::take_emergency(Instant now, Choice& choice) noexcept {
  const std::uint32_t position = route_->emergency;
  if (position == Route::kNoEmergency || seeker_.tried.has(position)) return false;
  const Candidate& candidate = route_->candidates[position];
  if (candidate.state->rejected(candidate.generation) || candidate.state->on_hold(now))
    return false;
  if (!choice.permit.acquire(*candidate.account, true, now, seeker_.demand)) return false;
  choice.position = position;
  choice.pool = candidate.account->pool;
  choice.native_model = candidate.native_model(seeker_.model);
  seeker_.tried.set(position);
  return true;
}

// Waits for `pool` when it is known that something will come free there soon.
bool Ladder::wait_for(Pool pool, Instant now, Choice& choice) noexcept {
  if (!may_wait()) return false;
  const Outlook seen = look_at(pool, now);
  if (!seen.any) return false;
  if (pool == Pool::kPrimary && seen.all_cooling) return wait_for_recovery(seen, now, choice);
  const Duration precheck = directory_.routing.queue.precheck;
  if (seen.worth_at - now > precheck || seen.worth_at > wait_limit(now)) return false;
  // So soon a permit comes, but there may be a queue for it: no longer than that where there is
  // something else to try.
  choice.only_if_soon = something_below(pool);
  begin_wait(pool, choice.only_if_soon ? now + precheck : kNever, now, choice);
  return true;
}

bool Ladder::something_below(Pool pool) const noexcept {
  if (route_->emergency != Route::kNoEmergency) return true;
  if (pool == Pool::kFallback) return false;
  const Route::Range fallback = route_->range_of(Pool::kFallback);
  return fallback.first != fallback.last;
}

// Primary-Wait: all primary accounts are cooling, and a moment later one is not.
bool Ladder::wait_for_recovery(const Outlook& seen, Instant now, Choice& choice) noexcept {
  if (seen.worth_at - now > recovery_left_ || seen.worth_at > wait_limit(now)) {
    ++balancer_.counters.primary_wait_exhausted;
    return false;
  }
  ++balancer_.counters.primary_wait_enter;
  recovering_ = true;
  begin_wait(Pool::kPrimary, now + recovery_left_, now, choice);
  return true;
}

// Nothing is free anywhere, and nothing comes soon. A late answer is better than none, if it can
// come within the wait limit.
bool Ladder::wait_for_anything(Instant now, Choice& choice) noexcept {
  if (!may_wait()) return false;
  Instant first = kNever;
  Pool best = Pool::kPrimary;
  for (const Pool pool : kPools) {
    const Instant at = look_at(pool, now).worth_at;
    if (at >= first) continue;
    first = at;
    best = pool;
  }
  if (first > wait_limit(now)) return false;
  begin_wait(best, kNever, now, choice);
  return true;
}

void Ladder::begin_wait(Pool pool, Instant give_up_at, Instant now, Choice& choice) noexcept {
  ++waits_;
  wait_began_ = now;
  waits_until_ = wait_limit(now);
  // Who answered 429 may be asked again once it has cooled down.
  seeker_.tried.clear_all_of(limited_);
  limited_ = TriedMarks{};
  choice.kind = Choice::Kind::kWait;
  choice.pool = pool;
  choice.give_up_at = std::min(give_up_at, waits_until_);
}

void Ladder::end_wait(Instant now) noexcept {
  if (recovering_) recovery_left_ -= now - wait_began_;
  recovering_ = false;
}

Choice Ladder::granted(Choice choice, Instant now) noexcept {
  if (recovering_) ++balancer_.counters.primary_wait_recovery;
  end_wait(now);
  choice.rung = rung_of(choice.pool);
  count(choice.rung);
  if (seeker_.looks != nullptr) seeker_.looks->begin(route_->candidates.size());
  keep(choice, now);
  return choice;
}

void Ladder::refused(WaitEnd end, Instant expected_at, Instant now) noexcept {
  const bool recovering = recovering_;
  end_wait(now);
  switch (end) {
    case WaitEnd::kGranted: SL_ASSERT(false); break;
    case WaitEnd::kTimedOut:
    case WaitEnd::kHopeless:
      // It was for a recovery, or for what was to come soon: there are other rungs.
      if (now < waits_until_ && recovering) return;
      if (end == WaitEnd::kTimedOut || expected_at != kNever) why_ = Choice::Why::kQueueTimeout;
      if (now < waits_until_ && rung_ != Rung::kPatience) step_down();
      else patient_ = false;
      break;
    case WaitEnd::kFull:
    case WaitEnd::kDropped:
      why_ = Choice::Why::kQueueFull;
      patient_ = false;
      ++balancer_.counters.queue_full;
      if (directory_.routing.queue.overflow != Overflow::kPassthrough) rung_ = Rung::kNone;
      else ++balancer_.counters.passthrough;
      break;
  }
  if (expected_at != kNever) expected_at_ = expected_at;
}

Ladder::Marks Ladder::report(Permit& permit, TryOutcome outcome,
                             std::optional<Duration> retry_after, Instant now) noexcept {
  if (outcome == TryOutcome::kRateLimited) {
    for (std::uint32_t i = 0; i < route_->candidates.size(); ++i) {
      if (route_->candidates[i].account == permit.account()) limited_.set(i);
    }
  }
  return mark(directory_.routing, permit, outcome, retry_after, now);
}

Ladder::Marks Ladder::mark(const RoutingPolicy& routing, Permit& permit, TryOutcome outcome,
                           std::optional<Duration> retry_after, Instant now) noexcept {
  const Account& account = *permit.account();
  Marks marks;
  if (is_answer(outcome)) account.state->count_answer(outcome == TryOutcome::kRateLimited);
  switch (outcome) {
    case TryOutcome::kServed:
      account.state->cooldown().succeeded(permit.taken_at());
      permit.succeeded();
      break;
    case TryOutcome::kRateLimited:
      marks.cooldown = account.state->cooldown().rate_limited(now, retry_after, routing.cooldown);
      break;
    case TryOutcome::kAuthRejected: account.state->reject(account.generation); break;
    case TryOutcome::kServerError:
    case TryOutcome::kConnectFailed:
    case TryOutcome::kTimedOut: marks.breaker = permit.failed(routing.breaker, now); break;
    case TryOutcome::kClientFault:
    case TryOutcome::kClientGone: break;
  }
  permit.abandoned();
  return marks;
}

bool Ladder::may_wait() const noexcept {
  return patient_ && waits_ < kWaitsMax && directory_.routing.queue.capacity > 0;
}

// Those that have answered 429 count: they may be asked again after a wait.
Outlook Ladder::look_at(Pool pool, Instant now) const noexcept {
  TriedMarks failed = seeker_.tried;
  failed.clear_all_of(limited_);
  return outlook(*route_, route_->range_of(pool), failed, now, seeker_.demand);
}

// The limit counts from the first wait of the request.
Instant Ladder::wait_limit(Instant now) const noexcept {
  if (waits_until_ != kNever) return waits_until_;
  return now + directory_.routing.queue.wait[rank_of(seeker_.priority)];
}

}  // namespace sluice
