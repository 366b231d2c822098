#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "engine/route/account_limits.h"
#include "engine/route/breaker.h"
#include "engine/route/cooldown.h"
#include "engine/route/demand.h"
#include "engine/route/effective_limits.h"
#include "engine/route/last_fault.h"
#include "engine/route/latency.h"
#include "engine/route/rolling_bucket.h"
#include "engine/route/running_mean.h"
#include "engine/route/steady_bucket.h"
#include "engine/route/take.h"
#include "engine/route/ticks.h"
#include "engine/route/token_window.h"
#include "engine/route/urgent_rate.h"
#include "engine/route/wanted.h"

namespace sluice {

// Grant - what one request holds of an account.
struct Grant {
  Take request;             // of the bucket
  TokenReservation tokens;  // of the window's
  TokenReservation day;     // one of the day's requests
  BreakerEntry breaker;
};

// AccountState - what all shards know of one account from moment to moment: its bucket, its
// cooldown, what is in flight, whether its key was refused.
//
// One object for the life of a key at an endpoint, whatever the account is called: successive
// directories share it, and a change of the limits happens in place, so that what was spent, cooled
// or refused is never forgotten and shards that still read the old directory draw on the same
// tokens.
//
// Owns      the buckets' memory, and a window each (576 bytes) for tokens and for the day, once
//           there was such a limit; shared by the directories that name the account.
// Affinity  any thread, lock-free; set_limits() the thread that publishes directories.
// Size      320 bytes and the rings of the rolling buckets: a line for what every look at the
//           account reads, one for what each request writes, one for what few accounts have, one
//           for the steady bucket.
class alignas(64) AccountState {
 public:
  explicit AccountState(const AccountLimits& limits);
  ~AccountState();
  AccountState(const AccountState&) = delete;
  AccountState& operator=(const AccountState&) = delete;

  // All that a request needs, or nothing. A grant is handed back exactly once (INVARIANTS R1),
  // which Permit does: by undo() when no byte of the request has left, or else by settle_sent()
  // when the last one has left and finish() when the exchange is over.
  [[nodiscard]] bool grant(const Demand& demand, bool emergency, Instant now, Grant& out) noexcept;
  void undo(const Grant& grant, Instant now) noexcept { take_back(grant, now); }
  // `used`: nothing when nobody told; then what was reserved counts.
  void finish(const Grant& grant, const std::optional<TokensUsed>& used, Instant now) noexcept;

  // What requests of an earlier process took, at instants of the last window (of the day's
  // requests: the last day): it counts as if this one had sent them, whatever the limits say.
  // Before any grant. Requests come in the order of time, and only the latest requests_max() of
  // them, because more make no difference; `from`: all that were sent since then are among them.
  void remember_requests_from(Instant from) noexcept;
  void remember_request(Instant sent_at, bool emergency) noexcept;
  void remember_tokens(std::uint64_t tokens, Instant at) noexcept;
  void remember_day(std::uint64_t requests, Instant at) noexcept;
  [[nodiscard]] std::uint32_t requests_max() const noexcept { return whole_limit(); }

  // The bucket of requests alone. take() leaves what is kept for emergencies, and has not been
  // taken for one; `patient`: also what is kept for more urgent requests.
  [[nodiscard]] Take take(Instant now, bool patient = false) noexcept;
  [[nodiscard]] Take take_emergency(Instant now) noexcept;
  void settle_sent(const Take& taken, Instant now) noexcept;  // the last byte has left
  void refund(const Take& taken, Instant now) noexcept;       // no byte has left

  // In force: the configured one, or less (adapt); without what is kept for emergencies.
  [[nodiscard]] std::uint32_t limit() const noexcept {
    const std::uint32_t whole = whole_limit();
    return whole - std::min(whole, emergency_.limit());
  }
  [[nodiscard]] std::uint32_t available(Instant now) noexcept {
    const std::uint32_t whole = bucket_available(now);
    return whole - std::min(whole, kept(now, false));
  }
  // Whether available() has any; mostly told by one load.
  [[nodiscard]] bool has_request(Instant now) noexcept {
    const bool keeps = keeps_.load(std::memory_order_relaxed);
    return (!keeps && rolling_.free() != 0) || available(now) != 0;
  }
  // The cheapest look there is: true when it has a permit, and nothing is on record that could keep
  // any request away; who has more than that is worth look_at(). `free` may leave out what came
  // back since somebody looked closer, which the administrator's watch does each second.
  struct Glance {
    std::uint32_t free;
    std::uint32_t limit;
    std::uint32_t in_flight;
  };
  [[nodiscard, gnu::always_inline]] bool glance(std::uint32_t generation, Instant now,
                                                Glance& out) const noexcept {
    const std::uint32_t most = concurrent_.load(std::memory_order_relaxed);
    out = {rolling_.free(), rolling_.limit(), in_flight()};
    const bool marked = (breaker_.marked() | wanted_.marked()) != 0;
    // Without branches between them: each of these is nearly always so.
    return !(marked | (out.free == 0) | rejected(generation) |
             special_.load(std::memory_order_relaxed) | cooldown_.running(now) | on_hold(now) |
             (most - 1 < out.in_flight));
  }
  // Of requests: what is free, what of that a request may have that is `patient` or not, and the
  // limit in force.
  struct Level {
    std::uint32_t free = 0;
    std::uint32_t free_for_it = 0;
    std::uint32_t limit = 0;
  };
  [[nodiscard]] Level level(Instant now, bool patient) noexcept;
  // When a request of that size will be granted if nobody else takes anything: `now` when it would
  // be now. A guess where that depends on a request which is in flight.
  [[nodiscard]] Instant next_permit_at(Instant now, const Demand& demand = {}) noexcept;
  // More tokens than its whole limit: it passes only when nothing else is counted.
  [[nodiscard]] bool too_large(const Demand& demand) const noexcept;
  // Requests of that size that a window has room for.
  [[nodiscard]] double grants_per_window(const Demand& demand) const noexcept;

  [[nodiscard]] std::uint32_t in_flight() const noexcept {
    return in_flight_.load(std::memory_order_relaxed);
  }
  // What counts of the tokens of a window: above the limit when there is a debt.
  struct TokenLevel {
    std::uint64_t used = 0;
    std::uint64_t limit = 0;
  };
  // Of tokens, and of the day's requests; nothing without such a limit.
  [[nodiscard]] std::optional<TokenLevel> token_level(Instant now) noexcept;
  [[nodiscard]] std::optional<TokenLevel> day_level(Instant now) noexcept;
  // Whether the day has a request left, and the window the tokens of such a request.
  [[nodiscard]] bool day_has_room(Instant now) noexcept;
  [[nodiscard]] bool tokens_have_room(const Demand& demand, Instant now) noexcept;
  // As many requests are in flight as may be.
  [[nodiscard]] bool crowded() const noexcept {
    const std::uint32_t most = concurrent_.load(std::memory_order_relaxed);
    return most != 0 && in_flight() >= most;
  }
  // Whether the end of a request can give room to the next before the window does.
  [[nodiscard]] bool room_comes_back() const noexcept {
    return concurrent_.load(std::memory_order_relaxed) != 0 || tokens() != nullptr;
  }

  // A new limit or window holds at once, and no span that contains the change admits more than the
  // larger limit. Another shape begins with what was sent within the last window as spent, and with
  // nothing more than that (`reshape`).
  void set_limits(const AccountLimits& limits, Instant now);

  // How long its answers take to their first token, of late.
  [[nodiscard]] Latency& latency() noexcept { return latency_; }

  // How an answer's provider sees us: counted, and for accounts that learn what it said of its
  // limits (limits: per window, 0 where nothing was said; `hold`: nothing is left until then).
  void count_answer(bool rate_limited) noexcept {
    answers_.fetch_add(1, std::memory_order_relaxed);
    if (rate_limited) rate_limited_.fetch_add(1, std::memory_order_relaxed);
  }
  void learn(const LearnedLimits& said, Instant hold) noexcept;
  // The last failure that was the provider's, for display.
  [[nodiscard]] LastFault& last_fault() noexcept { return seldom_->last_fault; }
  [[nodiscard]] const LastFault& last_fault() const noexcept { return seldom_->last_fault; }
  [[nodiscard]] bool on_hold(Instant now) const noexcept { return now < hold_until(); }
  // Until when its provider has said that nothing is left; past when it is not on hold.
  [[nodiscard]] Instant hold_until() const noexcept {
    return instant_of(hold_ticks_.load(std::memory_order_relaxed));
  }
  // Once a second, on the thread that publishes directories: sets the limits in force from the
  // answers of late. True when they have changed.
  bool adapt(Instant now, const RetreatPolicy& policy);
  // Any thread for what it says is any thread's.
  [[nodiscard]] const EffectiveLimits& effective() const noexcept { return seldom_->effective; }
  // Another key, perhaps of another customer: what was learned of the old one is not true of it.
  void forget_learned() noexcept;

  // For how many lines of the wait queue somebody waits for it; the queue writes it.
  [[nodiscard]] Wanted& wanted() noexcept { return wanted_; }
  [[nodiscard]] const Wanted& wanted() const noexcept { return wanted_; }
  // The queue's own: the last of its passes that has marked it.
  [[nodiscard]] std::uint64_t& held_in_pass() noexcept { return held_in_pass_; }

  // Keeps requests away while the provider only fails. grant() enters it; whoever holds the grant
  // hands the entry back.
  [[nodiscard]] Breaker& breaker() noexcept { return breaker_; }
  [[nodiscard]] const Breaker& breaker() const noexcept { return breaker_; }

  [[nodiscard]] Cooldown& cooldown() noexcept { return cooldown_; }
  [[nodiscard]] const Cooldown& cooldown() const noexcept { return cooldown_; }

  // The provider refused the key (401): the account is in error until the operator switches it off
  // and on again, which makes another generation of the key, or until a probe finds it good.
  void reject(std::uint32_t generation) noexcept;
  void accept(std::uint32_t generation) noexcept;
  [[nodiscard]] bool rejected(std::uint32_t generation) const noexcept {
    return rejected_generation_.load(std::memory_order_relaxed) == generation;
  }

  // Nothing here that a new state would not have as well.
  [[nodiscard]] bool at_rest(Instant now) noexcept;

 private:
  [[nodiscard]] BucketShape shape() const noexcept {
    return shape_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] TokenWindow* tokens() const noexcept {
    return tokens_.load(std::memory_order_acquire);
  }
  [[nodiscard]] TokenWindow* day() const noexcept { return day_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint32_t kept(Instant now, bool patient) noexcept {
    const std::uint32_t kept =
        keeps_.load(std::memory_order_relaxed) ? emergency_.available(now) : 0;
    return patient && urgent_.per_second() > 0 ? kept + kept_for_urgent(now) : kept;
  }
  // With what is kept for emergencies.
  [[nodiscard]] std::uint32_t whole_limit() const noexcept {
    return shape() == BucketShape::kRolling ? rolling_.limit() : steady_.limit();
  }
  [[nodiscard]] std::uint32_t kept_for_urgent(Instant now) noexcept;
  [[nodiscard]] Instant patient_at(Instant now) noexcept;
  [[nodiscard]] std::uint32_t bucket_available(Instant now) noexcept {
    return shape() == BucketShape::kRolling ? rolling_.available(now) : steady_.available(now);
  }
  [[nodiscard]] Take take_of_bucket(Instant now) {
    return shape() == BucketShape::kRolling ? rolling_.take(now) : take_steady(now);
  }
  [[nodiscard]] Take take_steady(Instant now);
  [[nodiscard]] Instant bucket_next_at(Instant now, std::uint32_t kept) const noexcept {
    return shape() == BucketShape::kRolling ? rolling_.next_at(now, kept)
                                            : steady_.next_at(now, kept);
  }
  [[nodiscard]] std::uint64_t units_of(const Demand& demand) const noexcept;
  [[nodiscard]] bool enter() noexcept;
  void leave() noexcept { in_flight_.fetch_sub(1, std::memory_order_seq_cst); }
  [[nodiscard]] Instant breaker_ready_at(Instant now) const noexcept;
  void apply(const AccountLimits& limits, Instant now);
  void reshape(const AccountLimits& limits, Instant now);
  void note_shape() noexcept;
  [[nodiscard]] LearnedLimits learned() const noexcept;
  void take_back(const Grant& grant, Instant now) noexcept;

  // What no request looks at.
  struct Seldom {
    explicit Seldom(const AccountLimits& limits) noexcept : effective(limits) {}
    EffectiveLimits effective;
    LastFault last_fault;
  };

  // Read at every look.
  RollingBucket rolling_;  // out of use (limit 0) it knows of the steady one's tokens as well
  Cooldown cooldown_;
  std::atomic<std::uint32_t> rejected_generation_{0};  // 0: none
  std::atomic<BucketShape> shape_;
  std::atomic<bool> keeps_{false};    // tokens for emergencies
  std::atomic<bool> special_{false};  // there is more to it than a rolling bucket
  Wanted wanted_;
  Breaker breaker_;
  // Written by each request.
  alignas(64) std::atomic<std::uint32_t> in_flight_{0};
  std::atomic<std::uint32_t> concurrent_{0};  // 0: no limit
  RunningMean completion_tokens_;
  UrgentRate urgent_;
  std::atomic<std::uint64_t> answers_{0};
  std::atomic<std::uint64_t> rate_limited_{0};
  std::atomic<std::uint64_t> hold_ticks_{0};  // ticks.h
  Latency latency_;
  std::atomic<std::uint32_t> learned_requests_{0};
  std::atomic<std::uint32_t> learned_tokens_{0};
  // Of few accounts, or of few moments.
  alignas(64) std::atomic<TokenWindow*> tokens_{nullptr};
  std::atomic<TokenWindow*> day_{nullptr};
  std::uint64_t held_in_pass_ = 0;
  std::unique_ptr<Seldom> seldom_;
  RollingBucket emergency_;  // how many of the bucket's tokens are kept; a part, not an addition
  SteadyBucket steady_;
};
static_assert(sizeof(AccountState) == 320);

}  // namespace sluice
