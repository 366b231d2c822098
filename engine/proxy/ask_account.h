#pragma once

#include "engine/io/signal.h"
#include "engine/proxy/attempt.h"
#include "engine/route/ladder.h"
#include "store/journal/journal_writer.h"

namespace sluice {

// HeldAnswer - a provider's whole error answer that was not relayed because another account may do
// better. The last one is what the client gets when no account is left.
struct HeldAnswer {
  const Account* account = nullptr;
  Rung rung = Rung::kPrimary;
  const ResponseHead* head = nullptr;  // null: there is none
  std::string_view body;
};

// How one try ended.
struct TryResult {
  enum class Kind : std::uint8_t {
    kAnswered,  // the client has its answer, or is gone: the exchange is over
    kNext,      // nothing was sent to the client: the next account may try
    kRefused,   // nothing was sent to the client, and trying on would not be safe: `answer` tells
  };
  Kind kind = Kind::kAnswered;
  const Answer* answer = nullptr;  // in the exchange's arena; null when there is nothing to tell
  bool failed = false;             // kNext: the provider failed, so that the next try is a retry
};

// Trial - one account of a choice, being asked.
//
// Affinity  one shard. Lifetime: within the exchange.
struct Trial {
  Trial(Shard& shard, Exchange& exchange, Choice&& wanted);

  Attempt attempt;
  Choice choice;             // its permit is settled exactly once (INVARIANTS R1)
  std::uint32_t number = 0;  // of the exchange's trials, from 1
  bool is_second = false;    // of a race: it hedges another one
  Instant began_at{};
  Instant settled_at{};             // when the permit was stamped as sent, if it was
  JournalStart metered_as;          // in the usage journal, until its end is there, too
  Signal* change = nullptr;         // set when the request has left, and when the asking has ended
  bool ended = false;               // the asking; then ...
  std::optional<TryResult> result;  // ... nothing: the answer is the client's to have
};

// What a status means for the account, and whether another one should try (docs/DESIGN.md, the
// ladder).
struct StatusVerdict {
  TryOutcome outcome;
  bool next = false;
};
[[nodiscard]] StatusVerdict judge_status(int status) noexcept;

// Sends the exchange's request to the account of `trial` and reads the answer's head (in a race the
// first byte of a stream, too), or finds that another account should try. Says nothing to the
// client but for interim answers. With trial.result the trial is over: the ladder knows how it
// went, and the permit is settled; without, discard_answer() or relaying follows.
Task<void> ask_account(Shard& shard, Exchange& exchange, Ladder& ladder, Trial& trial,
                       HeldAnswer& held);

// Ends a trial whose answer nobody is to have.
void discard_answer(Shard& shard, Exchange& exchange, Ladder& ladder, Trial& trial);

// Tells the ladder how a try ended, once for each, and counts it. Whoever waits for a breaker hears
// of its probe's end.
void report_outcome(Shard& shard, Exchange& exchange, Ladder& ladder, Trial& trial,
                    TryOutcome outcome, std::optional<Duration> retry_after = {});
// The same for the try whose answer was the client's to have: it needs no ladder any more.
void report_relayed(Shard& shard, Exchange& exchange, Trial& trial, TryOutcome outcome);
// Hands back what the permit still holds at the end of a try: all of it when no byte of the request
// has left. `used`: nothing when nobody told. Whoever waits for the account is told of the room.
void end_permit(Shard& shard, Exchange& exchange, Permit& permit,
                const std::optional<TokensUsed>& used);
// The same for a trial that goes into the usage journal; `relayed`: the client has its answer.
void end_trial(Shard& shard, Exchange& exchange, Trial& trial,
               const std::optional<TokensUsed>& used, bool relayed = false);
// A failure of ours or the provider's as the client is told it.
[[nodiscard]] const Answer* upstream_failure(Exchange& exchange, const Attempt& attempt,
                                             const Error& error);

// The loop's time may be a little older than a reading of the clock.
[[nodiscard]] inline Duration waited_since(const Shard& shard, Instant began) noexcept {
  return std::max(shard.now() - began, Duration::zero());
}

}  // namespace sluice
