#include "tests/sim/policy/checks.h"

#include <algorithm>

#include "tests/sim/policy/text.h"

namespace sluice::test {
namespace {

// No window and no slow request is longer.
constexpr Duration kLookBack = 400s;

bool could_use(const Waiter& waiter, const AccountState& state) {
  const Route::Range range = waiter.route->range_of(waiter.pool);
  for (std::uint32_t i = range.first; i < range.last; ++i) {
    const Candidate& candidate = waiter.route->candidates[i];
    if (candidate.state != &state || waiter.seeker->tried.has(i)) continue;
    if (state.too_large(waiter.seeker->demand)) continue;  // it may be overtaken
    if (!state.rejected(candidate.generation)) return true;
  }
  return false;
}

std::string request_text(const SimRequest& request) {
  return "request " + std::to_string(request.id) + " (" +
         std::string(priority_text(request.priority())) + ")";
}

}  // namespace

std::string_view check_text(Check check) noexcept {
  switch (check) {
    case Check::kAnsweredOnce: return "every request is answered exactly once";
    case Check::kPermitOnce: return "R1: a permit is settled exactly once";
    case Check::kPermitsKept: return "no permit is lost or doubled";
    case Check::kAccountLimit: return "no account above its limit in any window";
    case Check::kOtherLimits: return "no account above its limits for tokens, days, at once";
    case Check::kNotOvertaken: return "no waiter is overtaken";
    case Check::kCooldownKept: return "R2: a running cooldown is never shortened";
    case Check::kAnsweredFinal: return "R3: nothing is tried after the answer";
    case Check::kNoFalseMark: return "R4: a client's fault is no mark against an account";
    case Check::kServedWhenFree: return "nobody waits beside a permit that is free";
    case Check::kWaitLimit: return "nobody waits longer than its limit";
    case Check::kNothingLeft: return "nothing is left after the storm";
  }
  return "";
}

void Checks::fail(Check check, Instant now, std::string detail) {
  constexpr std::size_t kKept = 20;
  if (found_.size() < kKept) found_.push_back({check, now, std::move(detail)});
}

void Checks::on_publish(const std::shared_ptr<const Directory>& directory, Instant now) {
  directories_.push_back(directory);
  for (const auto& account : directory->accounts) {
    OfAccount& of_account = accounts_[provider_id(*account)];
    of_account.window_changed =
        of_account.window_changed ||
        (!of_account.limits.empty() && of_account.limits.back().window != account->window);
    of_account.limits.push_back(
        {now, account->rpm_limit, account->window, account->bucket == BucketShape::kSteady});
    of_account.tokens_limit = account->tpm_limit;
    of_account.per_day = account->rpd_limit;
    OfState* known = state_of(*account->state);
    if (known == nullptr) known = &states_.emplace_back(account->state);
    known->changed_at = now;
    known->concurrent = account->concurrent_limit;
    const std::uint32_t share = account->rpm_limit * directory->routing.emergency_percent / 100;
    const bool has = account->emergency && account->rpm_limit > 1;
    known->emergency = has ? std::clamp(share, 1U, account->rpm_limit - 1) : 0;
  }
}

Checks::OfState* Checks::state_of(const AccountState& state) {
  const auto found = std::ranges::find(
      states_, &state, [](const OfState& of_state) { return of_state.state.get(); });
  return found == states_.end() ? nullptr : &*found;
}

void Checks::on_arrival(const SimRequest& request, Instant now) {
  if (request.id != requests_.size() + 1) fail(Check::kAnsweredOnce, now, "ids out of order");
  requests_.emplace_back();
}

void Checks::on_try(const SimRequest& request, bool granted, Instant now) {
  OfRequest& of_request = requests_[request.id - 1];
  if (of_request.ended) fail(Check::kAnsweredFinal, now, request_text(request) + " is tried");
  if (!request.choice.permit.held() || of_request.holds != granted) {
    fail(Check::kPermitOnce, now, request_text(request) + " is tried without a permit of its own");
  }
  of_request.holds = true;
  leave(of_request);
  OfState& of_state = *state_of(*request.account->state);
  of_request.at = of_state.state.get();
  if (++of_state.in_flight > of_state.concurrent && of_state.concurrent != 0) {
    fail(Check::kOtherLimits, now,
         request.account->name + ": " + std::to_string(of_state.in_flight) + " at once");
  }
  // What the queue has granted was looked at when it was; nobody waits for an emergency channel.
  if (!granted && request.choice.rung != Rung::kEmergency) check_not_overtaken(request, now);
}

void Checks::leave(OfRequest& of_request) {
  if (of_request.at == nullptr) return;
  --state_of(*of_request.at)->in_flight;
  of_request.at = nullptr;
}

void Checks::on_settle(const SimRequest& request, bool, Instant now) {
  OfRequest& of_request = requests_[request.id - 1];
  if (!of_request.holds) {
    fail(Check::kPermitOnce, now, request_text(request) + " settles what it does not hold");
  }
  of_request.holds = false;
  state_of(*request.choice.permit.account()->state)->changed_at = now;
}

// Every span that ends with this arrival and in which the limit was the same, and, where it was
// changed, the shortest window with the largest limit (AccountState::set_limits).
void Checks::on_provider(const Provider& provider, Instant taken_at, const Reply& reply,
                         Instant now) {
  OfAccount& account = accounts_[provider.id()];
  account.seen.push_back({now, taken_at, reply.tokens});
  if (++account.total > account.per_day && account.per_day != 0) {
    fail(Check::kOtherLimits, now, provider.model().account + ": more than its day has");
  }
  check_tokens(provider.model().account, account, now);
  while (account.seen.front().at < now - kLookBack) account.seen.pop_front();
  const auto in_force = [&](Instant since, auto visit) {
    for (std::size_t i = 0; i < account.limits.size(); ++i) {
      const bool over = i + 1 < account.limits.size() && account.limits[i + 1].from < since;
      if (!over) visit(account.limits[i]);
    }
  };
  Duration longest{};
  in_force(now - kLookBack, [&](const Limit& l) { longest = std::max(longest, l.window); });
  Duration window = Duration::max();
  in_force(now - longest - slack_, [&](const Limit& l) { window = std::min(window, l.window); });
  std::uint32_t count = 0;
  Instant since = taken_at;
  for (auto seen = account.seen.rbegin(); seen != account.seen.rend(); ++seen) {
    if (seen->at <= now - window) break;
    ++count;
    since = std::min(since, seen->taken_at);
  }
  std::uint32_t limit = 0;
  bool steady = false;
  in_force(since - slack_, [&](const Limit& l) {
    limit = std::max(limit, l.requests);
    steady = steady || l.steady;
  });
  if (steady) limit *= 2;  // the price of the classic bucket: a full one and its refill
  if (count <= limit) return;
  fail(Check::kAccountLimit, now,
       provider.model().account + ": " + std::to_string(count) + " requests within " +
           seconds_text(window) + ", the limit is " + std::to_string(limit));
}

// Of what was served, by the instant of its permit: from then on it counts.
void Checks::check_tokens(const std::string& name, const OfAccount& account, Instant now) {
  const Seen& last = account.seen.back();
  if (account.tokens_limit == 0 || !tokens_known_ || account.window_changed || last.tokens == 0)
    return;
  std::uint64_t tokens = 0;
  std::uint32_t count = 0;
  for (const Seen& seen : account.seen) {
    if (seen.tokens == 0 || seen.taken_at > last.taken_at) continue;
    if (seen.taken_at <= last.taken_at - account.limits.back().window) continue;
    tokens += seen.tokens;
    ++count;
  }
  if (count <= 1 || tokens <= account.tokens_limit) return;
  fail(Check::kOtherLimits, now,
       name + ": " + std::to_string(tokens) + " tokens of " + std::to_string(account.tokens_limit));
}

void Checks::on_report_begin(const SimRequest& request, TryOutcome, Instant) {
  const AccountState& state = *request.account->state;
  before_ = {state.cooldown().count(), state.cooldown().until(),
             state.rejected(request.account->generation)};
}

void Checks::on_report(const SimRequest& request, TryOutcome outcome, Instant now) {
  leave(requests_[request.id - 1]);
  AccountState& state = *request.account->state;
  state_of(state)->changed_at = now;
  const Instant until = state.cooldown().until();
  if (before_.until > now && until < before_.until) {
    fail(
        Check::kCooldownKept, now,
        request.account->name + " until " + time_text(until) + ", was " + time_text(before_.until));
  }
  if (outcome != TryOutcome::kClientFault && outcome != TryOutcome::kClientGone) return;
  if (until != before_.until || state.cooldown().count() != before_.cooldowns ||
      state.rejected(request.account->generation) != before_.rejected) {
    fail(Check::kNoFalseMark, now, request.account->name + " is marked");
  }
}

void Checks::on_wait(const SimRequest& request, Instant now) {
  OfRequest& of_request = requests_[request.id - 1];
  if (of_request.wait_until != kNever) return;
  of_request.wait_until = now + request.directory->routing.queue.wait[rank_of(request.priority())];
}

void Checks::on_wait_over(const SimRequest& request, Instant now) {
  // A further wait may begin behind the limit, and ends at once.
  const Instant until = std::max(requests_[request.id - 1].wait_until, request.wait_began);
  if (now <= until + slack_) return;
  fail(Check::kWaitLimit, now,
       request_text(request) + " has waited " + seconds_text(now - until) + " too long");
}

void Checks::on_enter(const SimRequest& request, Instant) {
  OfRequest& of_request = requests_[request.id - 1];
  if (of_request.place == 0) of_request.place = ++places_;
  waiting_.push_back(&request);
}

void Checks::on_leave(const SimRequest& request, Instant now) {
  if (!request.gone) check_served(request, now);
  waiting_.remove(&request);
}

// `request` has waited in vain: no permit was free long enough for the dispatcher to have seen it.
void Checks::check_served(const SimRequest& request, Instant now) {
  constexpr Duration kSeen = 1200ms;  // it looks again each second
  const Waiter& waiter = *request.ticket;
  for (const SimRequest* const other : waiting_) {
    const bool later = rank_of(other->priority()) > rank_of(request.priority()) ||
                       (other->priority() == request.priority() &&
                        requests_[other->id - 1].place >= requests_[request.id - 1].place);
    if (!later) return;  // not the first
  }
  if (now - request.wait_began < 2 * kSeen) return;
  const Route::Range range = waiter.route->range_of(waiter.pool);
  for (std::uint32_t i = range.first; i < range.last; ++i) {
    const Candidate& candidate = waiter.route->candidates[i];
    if (waiter.seeker->tried.has(i)) continue;
    const OfState* const state = state_of(*candidate.state);
    if (state == nullptr || now - state->changed_at < 2 * kSeen) continue;
    if (ready_at(candidate, now - kSeen, waiter.seeker->demand) > now - kSeen) continue;
    fail(Check::kServedWhenFree, now,
         request_text(request) + " waited in vain beside " + candidate.account->name);
  }
}

void Checks::on_queue_end(const SimRequest& request, Instant now) {
  waiting_.remove(&request);
  if (request.ticket->end != WaitEnd::kGranted) return;
  requests_[request.id - 1].holds = true;
  check_not_overtaken(request, now);
}

// `request` was given a permit: of those who wait, nobody who came before it could have used it.
void Checks::check_not_overtaken(const SimRequest& request, Instant now) {
  const bool granted = request.ticket.has_value();
  const Choice& choice = granted ? request.ticket->choice : request.choice;
  if (!choice.permit.held()) return;
  const Account& account = *choice.permit.account();
  for (const SimRequest* const other : waiting_) {
    if (rank_of(other->priority()) > rank_of(request.priority())) continue;
    const bool first = rank_of(other->priority()) < rank_of(request.priority()) || !granted ||
                       requests_[other->id - 1].place < requests_[request.id - 1].place;
    if (!first || !could_use(*other->ticket, *account.state)) continue;
    fail(Check::kNotOvertaken, now,
         request_text(request) + (granted ? ", granted, " : ", just come, ") + "got " +
             account.name + " before " + request_text(*other) + " who waits");
  }
}

void Checks::on_end(const SimRequest& request, SimEnding, Instant now) {
  OfRequest& of_request = requests_[request.id - 1];
  if (of_request.ended) fail(Check::kAnsweredOnce, now, request_text(request) + " ends twice");
  leave(of_request);
  if (of_request.holds) fail(Check::kPermitOnce, now, request_text(request) + " keeps its permit");
  of_request.ended = true;
}

void Checks::finish(Simulation& simulation) {
  const Instant now = simulation.now();
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i].ended) continue;
    fail(Check::kAnsweredOnce, now, "request " + std::to_string(i + 1) + " was never answered");
  }
  if (simulation.under_way() != 0) {
    fail(Check::kNothingLeft, now, std::to_string(simulation.under_way()) + " requests under way");
  }
  if (simulation.queue().depth() != 0) {
    fail(Check::kNothingLeft, now, std::to_string(simulation.queue().depth()) + " in the queue");
  }
  for (const auto& directory : directories_) {
    const auto held = directory.lock();
    if (held == nullptr || held == simulation.directory()) continue;
    fail(Check::kNothingLeft, now, "an old directory is still held");
  }
  Instant late = now + kLookBack;
  for (const OfState& of_state : states_) {
    const Instant until = of_state.state->cooldown().until();
    if (until != kNever) late = std::max(late, until + 1s);
  }
  for (OfState& of_state : states_) check_bucket(of_state, late, now);
}

// Takes what the account gives, long after the storm.
void Checks::check_bucket(OfState& of_state, Instant late, Instant now) {
  AccountState& state = *of_state.state;
  if (state.wanted().by_anybody()) {
    fail(Check::kNothingLeft, now, "an account is still wanted");
  }
  const auto drain = [&](auto take, std::uint32_t limit, const char* what) {
    std::vector<Take> taken;
    while (taken.size() <= limit) {
      const Take one = take(state, late);
      if (!one.granted) break;
      taken.push_back(one);
    }
    for (const Take& one : taken) state.settle_sent(one, late);
    if (taken.size() == limit) return;
    fail(Check::kPermitsKept, now,
         std::string(what) + (taken.size() > limit ? " gives more than " : " gives less than ") +
             std::to_string(limit));
  };
  const auto take = [](AccountState& of, Instant at) { return of.take(at); };
  const auto take_emergency = [](AccountState& of, Instant at) { return of.take_emergency(at); };
  drain(take, state.limit(), "a bucket");
  drain(take_emergency, of_state.emergency, "an emergency channel");
}

}  // namespace sluice::test
