#include "engine/route/account_state.h"

#include <algorithm>

namespace sluice {
namespace {

// A guess, when only a request in flight can make room: its end wakes who waits
// (Dispatcher::nudge).
constexpr Duration kUntilSomebodyLeaves = 1s;

// The window for a limit, made when there is one for the first time: it remains, for reservations
// in it may be out.
void limit_window(std::atomic<TokenWindow*>& place, std::uint64_t limit, Duration window) {
  TokenWindow* const made = place.load(std::memory_order_relaxed);
  if (made != nullptr) return made->set_limit(limit, window);
  if (limit != 0) place.store(new TokenWindow(limit, window), std::memory_order_release);
}

// Stamps that a steady bucket can have sent within one window: all that it holds, and the refill.
constexpr std::uint32_t kSteadyStamps = 2;  // times its limit

void give_back(TokenWindow* window, const TokenReservation& reserved) noexcept {
  if (window != nullptr) window->cancel(reserved);
}

// Nothing is reserved where there is no window.
bool reserve(TokenWindow* window, std::uint64_t units, Instant now,
             TokenReservation& out) noexcept {
  if (window == nullptr) return true;
  const std::optional<TokenReservation> reserved = window->reserve(units, now);
  if (reserved) out = *reserved;
  return reserved.has_value();
}

}  // namespace

AccountState::AccountState(const AccountLimits& limits)
    : rolling_(limits.shape == BucketShape::kRolling ? limits.limit + limits.emergency : 0,
               limits.window),
      shape_(limits.shape),
      keeps_(limits.emergency != 0),
      concurrent_(limits.concurrent),
      seldom_(std::make_unique<Seldom>(limits)),
      emergency_(limits.emergency, limits.window),
      steady_(limits.limit + limits.emergency, limits.window) {
  limit_window(tokens_, limits.tokens, limits.window);
  limit_window(day_, limits.per_day, limits.day);
  if (limits.shape == BucketShape::kSteady)
    rolling_.reserve(kSteadyStamps * (limits.limit + limits.emergency));
  note_shape();
}

AccountState::~AccountState() {
  delete tokens();
  delete day();
}

bool AccountState::grant(const Demand& demand, bool emergency, Instant now, Grant& out) noexcept {
  out = {};
  if (!enter()) return false;
  out.request = emergency ? take_emergency(now) : take(now, demand.patient);
  if (out.request.granted && reserve(tokens(), units_of(demand), now, out.tokens) &&
      reserve(day(), 1, now, out.day)) {
    out.breaker = breaker_.enter(now);
    if (out.breaker.granted()) {
      if (!demand.patient && !emergency) urgent_.count();
      return true;
    }
  }
  take_back(out, now);
  return false;
}

// How full a steady bucket was then nobody knows: what it got since is right if it was empty, and
// less than that if it was not.
void AccountState::remember_requests_from(Instant from) noexcept {
  if (shape() == BucketShape::kSteady) steady_.begin(steady_.limit(), from);
}

void AccountState::remember_request(Instant sent_at, bool emergency) noexcept {
  Take taken = take_of_bucket(sent_at);
  if (!taken.granted && shape() == BucketShape::kSteady) {
    rolling_.note_taken(sent_at);  // it was sent, whatever this bucket says
    rolling_.settle_sent(sent_at);
  }
  if (!taken.granted) return;
  taken.emergency = emergency && emergency_.take(sent_at).granted;
  settle_sent(taken, sent_at);
}

void AccountState::remember_tokens(std::uint64_t tokens_used, Instant at) noexcept {
  if (TokenWindow* const window = tokens()) window->charge(tokens_used, at);
}

void AccountState::remember_day(std::uint64_t requests, Instant at) noexcept {
  if (TokenWindow* const window = day()) window->charge(requests, at);
}

void AccountState::finish(const Grant& grant, const std::optional<TokensUsed>& used,
                          Instant now) noexcept {
  if (used) {
    if (grant.tokens.counted()) tokens()->settle(grant.tokens, used->total, now);
    if (used->completion > 0) completion_tokens_.add(used->completion);
  }
  leave();
}

// In reverse; what was not taken is not given back.
void AccountState::take_back(const Grant& grant, Instant now) noexcept {
  give_back(day(), grant.day);
  give_back(tokens(), grant.tokens);
  if (grant.request.granted) refund(grant.request, now);
  leave();
}

bool AccountState::enter() noexcept {
  const std::uint32_t most = concurrent_.load(std::memory_order_relaxed);
  if (most == 0) {
    in_flight_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  std::uint32_t inside = in_flight_.load(std::memory_order_seq_cst);
  while (inside < most) {
    if (in_flight_.compare_exchange_weak(inside, inside + 1, std::memory_order_seq_cst))
      return true;
  }
  return false;
}

std::uint64_t AccountState::units_of(const Demand& demand) const noexcept {
  return demand.units(completion_tokens_.value());
}

// Between the look and the take another shard may take one: then an emergency finds one less, and
// the account has sent no more than its limit.
Take AccountState::take(Instant now, bool patient) noexcept {
  const std::uint32_t keep = kept(now, patient);
  if (keep == 0 || bucket_available(now) > keep) return take_of_bucket(now);
  return {.granted = false, .shape = shape(), .at = bucket_next_at(now, keep)};
}

// Told before it is granted: a rolling bucket that comes into use meanwhile must not miss it.
Take AccountState::take_steady(Instant now) {
  rolling_.note_taken(now);
  const Take taken = steady_.take(now);
  if (!taken.granted) rolling_.refund();
  return taken;
}

Take AccountState::take_emergency(Instant now) noexcept {
  const Take kept_one = emergency_.take(now);
  if (!kept_one.granted) return kept_one;
  Take taken = take_of_bucket(now);
  taken.emergency = taken.granted;
  if (!taken.granted) emergency_.refund();
  return taken;
}

void AccountState::settle_sent(const Take& taken, Instant now) noexcept {
  if (taken.emergency) emergency_.settle_sent(now);
  rolling_.settle_sent(now);
  if (taken.shape == BucketShape::kSteady) return steady_.settle_sent(taken, now);
  if (shape() == BucketShape::kSteady) steady_.charge_held(taken, now);
}

void AccountState::refund(const Take& taken, Instant now) noexcept {
  if (taken.emergency) emergency_.refund();
  rolling_.refund();
  if (taken.shape == BucketShape::kSteady) steady_.refund(taken, now);
}

// At most a quarter: a crowd of urgent requests does not say that another one comes.
std::uint32_t AccountState::kept_for_urgent(Instant now) noexcept {
  const Instant next = bucket_next_at(now, bucket_available(now));
  return std::min(urgent_.expected_within(next - now), limit() / 4);
}

AccountState::Level AccountState::level(Instant now, bool patient) noexcept {
  const std::uint32_t free = bucket_available(now);
  const std::uint32_t limit = this->limit();
  const std::uint32_t kept_of_it = kept(now, false);
  const std::uint32_t kept_from_it = patient ? kept(now, true) : kept_of_it;
  return {.free = std::min(free - std::min(free, kept_of_it), limit),
          .free_for_it = free - std::min(free, kept_from_it),
          .limit = limit};
}

bool AccountState::day_has_room(Instant now) noexcept {
  TokenWindow* const window = day();
  return window == nullptr || window->has_room(1, now);
}

bool AccountState::tokens_have_room(const Demand& demand, Instant now) noexcept {
  TokenWindow* const window = tokens();
  return window == nullptr || window->has_room(units_of(demand), now);
}

// When the bucket has one for a patient request. What is kept grows less as the pause does.
Instant AccountState::patient_at(Instant now) noexcept {
  const std::uint32_t free = available(now);
  if (free == 0) return bucket_next_at(now, kept(now, false));
  if (free > kept_for_urgent(now)) return now;
  const Instant next = bucket_next_at(now, bucket_available(now));
  return std::max(now, next - urgent_.pause_for(free));
}

Instant AccountState::next_permit_at(Instant now, const Demand& demand) noexcept {
  const bool leaves_some = demand.patient && urgent_.per_second() > 0;
  Instant at = leaves_some ? patient_at(now) : bucket_next_at(now, kept(now, false));
  if (crowded()) at = std::max(at, now + kUntilSomebodyLeaves);
  if (const TokenWindow* const window = tokens()) {
    const Instant back_at = window->next_at(units_of(demand), now);
    // What is in flight may use less than it has reserved.
    at = std::max(at, in_flight() == 0 ? back_at : std::min(back_at, now + kUntilSomebodyLeaves));
  }
  if (const TokenWindow* const window = day()) at = std::max(at, window->next_at(1, now));
  return std::max({at, breaker_ready_at(now), hold_until()});
}

// While a probe is out it is the probe's end that counts.
Instant AccountState::breaker_ready_at(Instant now) const noexcept {
  const BreakerWord word = breaker_.read();
  const Instant from = word.passable_from();
  if (word.phase != BreakerWord::Phase::kProbing) return std::max(from, now);
  return std::clamp(from, now, now + kUntilSomebodyLeaves);
}

bool AccountState::too_large(const Demand& demand) const noexcept {
  const TokenWindow* const window = tokens();
  return window != nullptr && window->limit() != 0 && units_of(demand) > window->limit();
}

double AccountState::grants_per_window(const Demand& demand) const noexcept {
  const double requests = limit();
  const TokenWindow* const window = tokens();
  if (window == nullptr || window->limit() == 0) return requests;
  const auto units = static_cast<double>(std::max<std::uint64_t>(units_of(demand), 1));
  return std::min(requests, std::max(1.0, static_cast<double>(window->limit()) / units));
}

void AccountState::set_limits(const AccountLimits& limits, Instant now) {
  if (!limits.learn) forget_learned();
  seldom_->effective.configure(limits);
  apply(seldom_->effective.in_force(learned()), now);
}

LearnedLimits AccountState::learned() const noexcept {
  return {.requests = learned_requests_.load(std::memory_order_relaxed),
          .tokens = learned_tokens_.load(std::memory_order_relaxed)};
}

bool AccountState::adapt(Instant now, const RetreatPolicy& policy) {
  const AnswerCounts counts{.answers = answers_.load(std::memory_order_relaxed),
                            .rate_limited = rate_limited_.load(std::memory_order_relaxed)};
  seldom_->effective.tick(now, counts, learned(), policy);
  urgent_.tick();
  const AccountLimits limits = seldom_->effective.in_force(learned());
  const TokenWindow* const window = tokens();
  const std::uint64_t tokens_now = window == nullptr ? 0 : window->limit();
  if (limits.limit == limit() && limits.emergency == emergency_.limit() &&
      limits.tokens == tokens_now) {
    return false;
  }
  apply(limits, now);
  return true;
}

void AccountState::learn(const LearnedLimits& said, Instant hold) noexcept {
  if (said.requests != 0) learned_requests_.store(said.requests, std::memory_order_relaxed);
  if (said.tokens != 0) learned_tokens_.store(said.tokens, std::memory_order_relaxed);
  // Answers overtake each other: an older one does not end what a newer one has begun.
  const std::uint64_t until = ticks_of(hold);
  std::uint64_t seen = hold_ticks_.load(std::memory_order_relaxed);
  while (seen < until &&
         !hold_ticks_.compare_exchange_weak(seen, until, std::memory_order_relaxed)) {
  }
}

void AccountState::forget_learned() noexcept {
  learned_requests_.store(0, std::memory_order_relaxed);
  learned_tokens_.store(0, std::memory_order_relaxed);
  hold_ticks_.store(0, std::memory_order_relaxed);
}

void AccountState::apply(const AccountLimits& limits, Instant now) {
  concurrent_.store(limits.concurrent, std::memory_order_relaxed);
  limit_window(tokens_, limits.tokens, limits.window);
  limit_window(day_, limits.per_day, limits.day);
  const std::uint32_t whole = limits.limit + limits.emergency;
  emergency_.set_limit(limits.emergency, limits.window);
  keeps_.store(limits.emergency != 0, std::memory_order_relaxed);
  if (limits.shape != shape()) {
    reshape(limits, now);
  } else if (limits.shape == BucketShape::kRolling) {
    rolling_.set_limit(whole, limits.window);
  } else {
    rolling_.reserve(kSteadyStamps * whole);
    rolling_.set_limit(0, limits.window);
    steady_.set_limit(whole, limits.window, now);
  }
  note_shape();
}

// The rolling bucket has the stamps of what was sent within the last window and knows what is in
// hand, in either shape.
//
// To steady   the level stays: n tokens that are not back are n missing ones at `now` (all of them
//             where the new limit is less). A window that contains the change holds at most the
//             larger limit, and what comes back evenly from `now` on. A steady bucket that had been
//             there all the time would miss n or fewer, so that spans of any length t keep to its
//             limit + t * limit / window.
// To rolling  exact: from `now` on nothing is granted that makes a window hold more than the limit,
//             whoever granted what is in it; and nothing else is refused. Where the steady one had
//             let more through than that, nothing is free until it has passed.
//
// A rolling bucket out of use has no tokens, and a steady one is emptied before: a taker that has
// read the former shape gets nothing beside the new one.
void AccountState::reshape(const AccountLimits& limits, Instant now) {
  const std::uint32_t whole = limits.limit + limits.emergency;
  if (limits.shape == BucketShape::kRolling) {
    steady_.begin(steady_.limit(), now);
    rolling_.set_limit(whole, limits.window);
  } else {
    rolling_.reserve(kSteadyStamps * whole);
    rolling_.set_limit(0, limits.window);
    steady_.set_limit(whole, limits.window, now);
    steady_.begin(rolling_.spent(now), now);
  }
  shape_.store(limits.shape, std::memory_order_relaxed);
}

void AccountState::note_shape() noexcept {
  special_.store(shape() != BucketShape::kRolling || keeps_.load(std::memory_order_relaxed) ||
                     tokens() != nullptr || day() != nullptr,
                 std::memory_order_relaxed);
}

void AccountState::reject(std::uint32_t generation) noexcept {
  // A late answer to an old key does not hide that the new one was refused.
  std::uint32_t seen = rejected_generation_.load(std::memory_order_relaxed);
  while (seen < generation &&
         !rejected_generation_.compare_exchange_weak(seen, generation, std::memory_order_relaxed)) {
  }
}

void AccountState::accept(std::uint32_t generation) noexcept {
  rejected_generation_.compare_exchange_strong(generation, 0, std::memory_order_relaxed);
}

namespace {

std::optional<AccountState::TokenLevel> level_of(TokenWindow* window, Instant now) noexcept {
  if (window == nullptr || window->limit() == 0) return std::nullopt;
  return AccountState::TokenLevel{.used = window->used(now), .limit = window->limit()};
}

}  // namespace

std::optional<AccountState::TokenLevel> AccountState::token_level(Instant now) noexcept {
  return level_of(tokens(), now);
}
std::optional<AccountState::TokenLevel> AccountState::day_level(Instant now) noexcept {
  return level_of(day(), now);
}

bool AccountState::at_rest(Instant now) noexcept {
  const auto idle = [now](TokenWindow* window) {
    return window == nullptr || window->used(now) == 0;
  };
  return available(now) == limit() && emergency_.available(now) == emergency_.limit() &&
         !cooldown_.running(now) && !on_hold(now) && breaker_.passable(now) && in_flight() == 0 &&
         (shape() == BucketShape::kRolling || rolling_.spent(now) == 0) && idle(tokens()) &&
         idle(day());
}

}  // namespace sluice
