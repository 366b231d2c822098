#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "engine/route/balancer.h"
#include "engine/route/choice.h"
#include "engine/route/directory.h"
#include "engine/route/outlook.h"

namespace sluice {

// How a try ended, as far as its account is concerned.
enum class TryOutcome : std::uint8_t {
  kServed,         // an answer that is the client's to have
  kClientFault,    // 4xx that speaks of the request: R4, no mark
  kRateLimited,    // 429
  kAuthRejected,   // 401
  kServerError,    // 5xx
  kConnectFailed,  // no byte left
  kTimedOut,       // no first byte in time
  kClientGone,     // R4, no mark
};

// Whether the provider has answered, however badly.
[[nodiscard]] constexpr bool is_answer(TryOutcome outcome) noexcept {
  switch (outcome) {
    case TryOutcome::kServed:
    case TryOutcome::kClientFault:
    case TryOutcome::kRateLimited:
    case TryOutcome::kAuthRejected:
    case TryOutcome::kServerError: return true;
    case TryOutcome::kConnectFailed:
    case TryOutcome::kTimedOut:
    case TryOutcome::kClientGone: break;
  }
  return false;
}
// What the provider has counted for a try that ended so, `served` if its answer came whole. It
// generates nothing for a request that it turns down; what a failure of its own has cost nobody
// knows.
[[nodiscard]] std::optional<TokensUsed> tokens_counted(TryOutcome outcome,
                                                       const TokensUsed& served) noexcept;

// How a wait ended that the ladder asked for.
enum class WaitEnd : std::uint8_t {
  kGranted,
  kTimedOut,  // Choice::give_up_at has come
  kFull,      // there was no place in the queue
  kDropped,   // somebody of a higher priority got the place
  kHopeless,  // its turn will not come before Choice::give_up_at
};

// Ladder - finds the accounts for one request, one after the other (docs/DESIGN.md, The routing
// ladder): primary pool before fallback before the emergency channel, within a pool by strategy;
// each account once, and again after a wait when it answered 429 before.
//
//   Ladder ladder(directory, balancer, model, priority);
//   for (Choice choice = ladder.next(now);; choice = ladder.next(now)) {
//     if (choice.kind == kWait) {
//       ... wait in the queue, no longer than choice.give_up_at ...
//       if (end != kGranted) { ladder.refused(end, expected_at, now); continue; }
//       choice = ladder.granted(what the queue has granted, now);
//     }
//     if (choice.kind != kTry) break;
//     ... send; choice.permit.settle_sent(now), or else in the end .refund(now) ...
//     ladder.report(choice.permit, outcome, retry_after, now);
//     ... the rest of the exchange; choice.permit.finish(used, now) if it was sent ...
//   }
//
// Owns      the marks of who was tried; no memory besides itself.
// Affinity  one shard.
// Lifetime  one request, within that of its directory and of the model's name.
class Ladder {
 public:
  Ladder(const Directory& directory, Balancer& balancer, std::string_view model,
         Priority priority = Priority::kNormal) noexcept
      : directory_(directory),
        route_(directory.find_route(model)),
        balancer_(balancer),
        seeker_{.model = model, .priority = priority, .tried = {}} {}

  [[nodiscard]] Choice next(Instant now) noexcept;
  // A second account of `pool`, to be asked beside the one that is slow to answer: only a permit
  // that is free now, never one of the emergency channel; kExhausted when there is none.
  [[nodiscard]] Choice second(Pool pool, Instant now) noexcept;
  // The end of the ladder (kExhausted) as it stands, for a request that must not go on.
  [[nodiscard]] Choice exhausted(Instant now) const noexcept;

  // A wait that next() asked for has ended: with `choice`, which is the next step ...
  [[nodiscard]] Choice granted(Choice choice, Instant now) noexcept;
  // ... or without, and next() knows what remains. `expected_at`: when it might have had its turn.
  void refused(WaitEnd end, Instant expected_at, Instant now) noexcept;

  // What a try did to its account: for kRateLimited the change of the cooldown (`started` is one
  // event for the record), for failures that of the breaker (`opened` likewise).
  struct Marks {
    CooldownChange cooldown;
    BreakerChange breaker;
  };
  // Marks the account of a try that has ended; before the permit is refunded or finished.
  static Marks mark(const RoutingPolicy& routing, Permit& permit, TryOutcome outcome,
                    std::optional<Duration> retry_after, Instant now) noexcept;
  // The same while the request goes on: next() knows who has answered 429.
  Marks report(Permit& permit, TryOutcome outcome, std::optional<Duration> retry_after,
               Instant now) noexcept;

  // What the wait queue must know. The route is null for an unknown model.
  [[nodiscard]] const Directory& directory() const noexcept { return directory_; }
  [[nodiscard]] const Route* route() const noexcept { return route_; }
  [[nodiscard]] Seeker& seeker() noexcept { return seeker_; }
  // What its decisions have before them is kept there; it lives as long as the ladder.
  void keep_looks(DecisionLooks& looks) noexcept { seeker_.looks = &looks; }

 private:
  [[nodiscard]] Choice decide(Instant now) noexcept;
  void keep(const Choice& choice, Instant now) noexcept;
  [[nodiscard]] bool on_rung(Instant now, Choice& choice) noexcept;
  [[nodiscard]] bool take_emergency(Instant now, Choice& choice) noexcept;
  [[nodiscard]] bool wait_for(Pool pool, Instant now, Choice& choice) noexcept;
  [[nodiscard]] bool wait_for_recovery(const Outlook& seen, Instant now, Choice& choice) noexcept;
  [[nodiscard]] bool wait_for_anything(Instant now, Choice& choice) noexcept;
  void begin_wait(Pool pool, Instant give_up_at, Instant now, Choice& choice) noexcept;
  void end_wait(Instant now) noexcept;
  [[nodiscard]] bool may_wait() const noexcept;
  [[nodiscard]] Outlook look_at(Pool pool, Instant now) const noexcept;
  [[nodiscard]] Instant wait_limit(Instant now) const noexcept;
  void count(Rung rung) noexcept;
  [[nodiscard]] bool something_below(Pool pool) const noexcept;
  void step_down() noexcept { rung_ = static_cast<Rung>(static_cast<int>(rung_) + 1); }

  const Directory& directory_;
  const Route* route_;  // null: no account serves the model
  Balancer& balancer_;
  Seeker seeker_;
  TriedMarks limited_;            // of those that were tried: who answered 429
  Instant waits_until_ = kNever;  // the end of all waiting, fixed when the first wait begins
  Instant wait_began_{};
  Instant expected_at_{};
  Duration recovery_left_ = directory_.routing.queue.primary_wait;
  Rung rung_ = Rung::kPrimary;
  Choice::Why why_ = Choice::Why::kNothingFree;
  std::uint8_t waits_ = 0;
  bool patient_ = true;      // the queue may still be asked
  bool recovering_ = false;  // the present wait is for a primary account to cool down
};

}  // namespace sluice
