// The test of the tests: each rule, broken on purpose, is found within 100 storms.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <memory>

#include "tests/sim/policy/storm.h"

namespace sluice::test {
namespace {

class LastComeFirstServed final : public Rules {
  void enter(WaitQueue& queue, SimRequest& request, Instant now) override {
    request.ladder->seeker().arrival = --newest_;
    Rules::enter(queue, request, now);
  }
  std::uint64_t newest_ = ~std::uint64_t{0};
};

class AllPrioritiesAlike final : public Rules {
  void enter(WaitQueue& queue, SimRequest& request, Instant now) override {
    request.ladder->seeker().priority = Priority::kNormal;
    Rules::enter(queue, request, now);
  }
};

// Who has just come takes what is wanted by those who wait.
class NewcomersFirst final : public Rules {
  Choice next(SimRequest& request, Instant now) override {
    Ladder& ladder = *request.ladder;
    Choice choice;
    if (ladder.route() != nullptr &&
        balancer_.choose(ladder.directory(), *ladder.route(), Pool::kPrimary, ladder.seeker(),
                         {.pass = ~std::uint64_t{0}}, now, choice)) {
      choice.kind = Choice::Kind::kTry;
      return choice;
    }
    return Rules::next(request, now);
  }
  Prng prng_{1};
  Balancer balancer_{prng_};
};

class StampsWhatWasTakenNotWhatWasSent final : public Rules {
  void settle_sent(SimRequest& request, Instant) override {
    request.choice.permit.settle_sent(request.choice.permit.taken_at());
  }
};

// Once: a bucket's ring has room for its tokens, and for no more when these are a power of two.
class RefundsTwice final : public Rules {
  void refund(SimRequest& request, Instant now) override {
    request.choice.permit.refund(now);
    AccountState& state = *request.account->state;
    const bool emergency = request.choice.rung == Rung::kEmergency;
    if (done_ || emergency || std::has_single_bit(request.account->rpm_limit)) return;
    done_ = true;
    state.refund({.granted = true}, now);
  }
  bool done_ = false;
};

class RefundsWhatWasSent final : public Rules {
  void settle_sent(SimRequest& request, Instant now) override { request.choice.permit.refund(now); }
};

// What an answer has used is given back, as if nothing had been generated.
class ForgetsTokens final : public Rules {
  void finish(SimRequest& request, const std::optional<TokensUsed>&, Instant now) override {
    request.choice.permit.finish(TokensUsed{}, now);
  }
};

// A place among those at once is free when the request has left, not when its answer is over.
class LeavesEarly final : public Rules {
  void settle_sent(SimRequest& request, Instant now) override {
    request.choice.permit.settle_sent(now);
    request.choice.permit.finish(std::nullopt, now);
  }
};

class LosesWhatItRefunds final : public Rules {
  void refund(SimRequest& request, Instant now) override {
    request.choice.permit.refund(now);
    static_cast<void>(request.account->state->take(now));
  }
};

class ShortensCooldowns final : public Rules {
  Ladder::Marks report(SimRequest& request, TryOutcome outcome, std::optional<Duration> retry_after,
                       Instant now) override {
    if (outcome != TryOutcome::kRateLimited) {
      return Rules::report(request, outcome, retry_after, now);
    }
    Cooldown& cooldown = request.account->state->cooldown();
    std::destroy_at(&cooldown);
    std::construct_at(&cooldown);
    return {.cooldown = cooldown.rate_limited(now, retry_after, {.base = 100ms, .max = 100ms}),
            .breaker = {}};
  }
};

class BlamesAccountsForLostClients final : public Rules {
  Ladder::Marks report(SimRequest& request, TryOutcome outcome, std::optional<Duration> retry_after,
                       Instant now) override {
    return Rules::report(request,
                         outcome == TryOutcome::kClientGone ? TryOutcome::kRateLimited : outcome,
                         retry_after, now);
  }
};

// A waiter that times out is taken out of the queue and never told.
class LosesWhoTimesOut final : public Rules {
  void leave(WaitQueue& queue, SimRequest& request) override {
    Rules::leave(queue, request);
    request.ticket->end = WaitEnd::kTimedOut;
  }
  bool tell_end(const SimRequest& request) override {
    return !request.ticket->leaving || request.ticket->end != WaitEnd::kTimedOut;
  }
};

// A waiter that times out stays in the queue, and so in the way of others.
class LeavesWhoTimesOutInTheQueue final : public Rules {
  void leave(WaitQueue&, SimRequest&) override {}
  bool tell_end(const SimRequest& request) override { return !request.ticket->leaving; }
};

class WaitsBehindTheLimit final : public Rules {
  Choice next(SimRequest& request, Instant now) override {
    Choice choice = Rules::next(request, now);
    if (choice.kind == Choice::Kind::kWait) choice.give_up_at += 5s;
    return choice;
  }
};

// Whoever comes finds the queue, and nobody looks at it again.
class NeverWakes final : public Rules {
  bool wakes() override { return false; }
};

struct BrokenRow {
  const char* rule;
  Check found_by;
  std::function<std::unique_ptr<Rules>()> rules;
  std::function<void(SimulationPlan&)> change = [](SimulationPlan&) {};
};

template <class T>
std::unique_ptr<Rules> broken() {
  return std::make_unique<T>();
}

void without_guard(SimulationPlan& plan) {
  for (const auto& account : plan.directory->accounts) {
    account->state->set_limits(
        {.shape = account->bucket, .limit = account->rpm_limit, .window = account->window},
        SimulationPlan::kStart);
  }
  plan.reloads.clear();
}

// Refunds come from connections that fail. No reload raises a limit to a power of two.
void with_refunds(SimulationPlan& plan) {
  plan.reloads.clear();
  for (ProviderModel& provider : plan.providers) {
    provider.spells = {{.from = SimulationPlan::kStart,
                        .until = SimulationPlan::kStart + plan.duration,
                        .trouble = Trouble::kUnreachable,
                        .share = 0.2}};
  }
}

// What a gateway does that restarts instead of reloading.
void forgets_at_reload(SimulationPlan& plan) {
  for (PlannedReload& reload : plan.reloads) {
    reload.make = [make = reload.make](const Directory&, Instant now) {
      return make(Directory{}, now);
    };
  }
}

const BrokenRow kBrokenRows[] = {
    {"first come, first served", Check::kNotOvertaken, broken<LastComeFirstServed>},
    {"higher priorities first", Check::kNotOvertaken, broken<AllPrioritiesAlike>},
    {"who waits comes before who has just come", Check::kNotOvertaken, broken<NewcomersFirst>},
    {"the guard", Check::kAccountLimit, broken<Rules>, without_guard},
    {"a permit counts from its last byte", Check::kAccountLimit,
     broken<StampsWhatWasTakenNotWhatWasSent>},
    {"a refund is one", Check::kAccountLimit, broken<RefundsTwice>, with_refunds},
    {"what was refunded once is there once", Check::kPermitsKept, broken<RefundsTwice>,
     with_refunds},
    {"what was sent is spent", Check::kAccountLimit, broken<RefundsWhatWasSent>},
    {"a reload remembers", Check::kAccountLimit, broken<Rules>, forgets_at_reload},
    {"what was refunded is there again", Check::kPermitsKept, broken<LosesWhatItRefunds>},
    {"tokens that were used count", Check::kOtherLimits, broken<ForgetsTokens>},
    {"a request is in flight until its answer is over", Check::kOtherLimits, broken<LeavesEarly>},
    {"a cooldown is only extended", Check::kCooldownKept, broken<ShortensCooldowns>},
    {"a client's leaving is no mark", Check::kNoFalseMark, broken<BlamesAccountsForLostClients>},
    {"who times out is told", Check::kAnsweredOnce, broken<LosesWhoTimesOut>},
    {"who times out leaves the queue", Check::kNothingLeft, broken<LeavesWhoTimesOutInTheQueue>},
    {"the queue is looked at when a permit comes back", Check::kServedWhenFree, broken<NeverWakes>},
    {"nobody waits longer than its limit", Check::kWaitLimit, broken<WaitsBehindTheLimit>},
};

class BrokenRule : public ::testing::TestWithParam<BrokenRow> {};
TEST_P(BrokenRule, IsFoundWithinAHundredStorms) {
  constexpr std::uint64_t kSeeds = 100;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SimulationPlan plan = draw_storm(seed);
    GetParam().change(plan);
    const auto rules = GetParam().rules();
    const StormResult result = run_storm(std::move(plan), *rules);
    if (std::ranges::find(result.found, GetParam().found_by, &Violation::check) !=
        result.found.end()) {
      RecordProperty("seed", std::to_string(seed));
      return;
    }
  }
  FAIL() << GetParam().rule;
}
INSTANTIATE_TEST_SUITE_P(Rows, BrokenRule, ::testing::ValuesIn(kBrokenRows));

}  // namespace
}  // namespace sluice::test
