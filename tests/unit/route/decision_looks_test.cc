#include "engine/route/decision_looks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/route/queue_fixture.h"
#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

constexpr QueuePolicy kQueue = {.capacity = 10};

// "team-a chosen 39/40", as far as a decision kept it.
std::vector<std::string> told(const DecisionLooks& looks, const DecisionLooks::Decision& decision,
                              const Directory& directory) {
  std::vector<std::string> all;
  for (const CandidateLook& look : looks.looks_of(decision))
    all.push_back(directory.labels.text(look.label) + ' ' +
                  std::string(kVerdictNames[static_cast<std::size_t>(look.verdict)]) + ' ' +
                  std::to_string(look.free) + '/' + std::to_string(look.limit));
  return all;
}

std::vector<AccountRow> many(int accounts) {
  std::vector<AccountRow> rows;
  for (int i = 0; i < accounts; ++i) rows.push_back({.name = "a" + std::to_string(i)});
  return rows;
}

TEST(DecisionLooks, WhatStoodBetweenEachCandidateAndTheRequest) {
  const Directory directory = make_directory({{.name = "cooling"},
                                              {.name = "refused"},
                                              {.name = "broken"},
                                              {.name = "spent"},
                                              {.name = "crowded", .concurrent_limit = 1},
                                              {.name = "tokens", .tpm_limit = 10},
                                              {.name = "day", .rpd_limit = 1},
                                              {.name = "held", .learn_limits = true},
                                              {.name = "chosen"},
                                              {.name = "free"},
                                              {.name = "below", .pool = Pool::kFallback}});
  const auto& accounts = directory.accounts;
  accounts[0]->state->cooldown().rate_limited(kStart, 7s, {});
  accounts[1]->state->reject(accounts[1]->generation);
  Permit failing = Permit::take(*accounts[2], kStart);
  failing.failed({.failures = 1}, kStart);
  complete(failing, kStart);
  spend_all(*accounts[3]);
  Permit inside = Permit::take(*accounts[4], kStart);
  complete(Permit::take(*accounts[5], kStart, {.prompt = 9, .completion = 1}), kStart);
  complete(Permit::take(*accounts[6], kStart), kStart);
  accounts[7]->state->learn({}, kStart + 3s);

  Shard shard;
  Ladder ladder = shard.ladder(directory, "m");
  DecisionLooks looks;
  ladder.keep_looks(looks);
  ladder.seeker().demand = {.prompt = 5, .completion = 5};
  Choice choice = ladder.next(kStart);
  ASSERT_EQ(choice.kind, Choice::Kind::kTry);
  ASSERT_EQ(looks.decisions().size(), 1u);
  const DecisionLooks::Decision& decision = looks.decisions()[0];
  EXPECT_EQ(decision.candidates, 11);
  EXPECT_EQ(directory.labels.text(decision.chosen), "chosen");
  EXPECT_EQ(told(looks, decision, directory),
            (std::vector<std::string>{
                "cooling cooling 40/40", "refused key_refused 40/40", "broken breaker_open 39/40",
                "spent no_permit 0/40", "crowded crowded 39/40", "tokens no_tokens 39/40",
                "day day_spent 39/40", "held on_hold 40/40", "chosen chosen 40/40",
                "free eligible 40/40", "below not_reached 40/40"}));
  const auto seen = looks.looks_of(decision);
  EXPECT_EQ(seen[0].ready_ms, 30'001u);  // a cooldown's base, and a tick
  EXPECT_EQ(seen[1].ready_ms, CandidateLook::kNotByItself);
  EXPECT_EQ(seen[3].ready_ms, 60'250u);
  EXPECT_EQ(seen[7].ready_ms, 3'000u);
  EXPECT_EQ(seen[8].ready_ms, 0u);
  EXPECT_EQ(seen[4].in_flight, 1u);
  EXPECT_EQ(seen[8].in_flight, 0u);  // itself not counted
  choice.permit.refund(kStart);
  inside.refund(kStart);
}

TEST(DecisionLooks, LaterDecisionsKnowWhoWasTried) {
  const Directory directory = make_directory({{.name = "a"}, {.name = "b"}, {.name = "c"}});
  Shard shard;
  Ladder ladder = shard.ladder(directory, "m");
  DecisionLooks looks;
  ladder.keep_looks(looks);
  for (int i = 0; i < 3; ++i) {
    Choice choice = ladder.next(kStart);
    ASSERT_EQ(choice.kind, Choice::Kind::kTry);
    ladder.report(choice.permit, TryOutcome::kServerError, {}, kStart);
    complete(choice.permit, kStart);
  }
  EXPECT_EQ(ladder.next(kStart).kind, Choice::Kind::kExhausted);
  ASSERT_EQ(looks.decisions().size(), 4u);
  EXPECT_EQ(told(looks, looks.decisions()[1], directory),
            (std::vector<std::string>{"a tried 39/40", "b chosen 40/40", "c eligible 40/40"}));
  EXPECT_EQ(looks.decisions()[3].kind, Choice::Kind::kExhausted);
  EXPECT_EQ(told(looks, looks.decisions()[3], directory),
            (std::vector<std::string>{"a tried 39/40", "b tried 39/40", "c tried 39/40"}));
}

TEST(DecisionLooks, OfManyTheChosenOneThoseBeforeItAndThoseBehindIt) {
  const Directory directory = make_directory(many(1000));
  for (int i = 0; i < 500; ++i)
    if (i != 3) directory.accounts[static_cast<std::size_t>(i)]->state->reject(1);
  spend_all(*directory.accounts[3]);
  Shard shard;
  Ladder ladder = shard.ladder(directory, "m");
  DecisionLooks looks;
  ladder.keep_looks(looks);
  Choice choice = ladder.next(kStart);
  choice.permit.refund(kStart);
  const DecisionLooks::Decision& decision = looks.decisions()[0];
  EXPECT_EQ(decision.candidates, 1000);
  const auto all = told(looks, decision, directory);
  ASSERT_EQ(all.size(), DecisionLooks::kPerDecision);
  EXPECT_EQ(all[0], "a500 chosen 40/40");
  EXPECT_EQ(all[1], "a0 key_refused 40/40");
  EXPECT_EQ(all[4], "a3 no_permit 0/40");
  EXPECT_EQ(all[11], "a10 key_refused 40/40");
}

TEST(DecisionLooks, WhereNobodyWasPassedOverThoseBehindTheChosenOne) {
  const Directory directory = make_directory(many(30));
  Shard shard;
  Ladder ladder = shard.ladder(directory, "m");
  DecisionLooks looks;
  ladder.keep_looks(looks);
  Choice choice = ladder.next(kStart);
  choice.permit.refund(kStart);
  const auto all = told(looks, looks.decisions()[0], directory);
  ASSERT_EQ(all.size(), DecisionLooks::kPerDecision);
  EXPECT_EQ(all[0], "a0 chosen 40/40");
  EXPECT_EQ(all[1], "a1 eligible 40/40");
  EXPECT_EQ(all[11], "a11 eligible 40/40");
}

// Twice twelve of thirty; then there is no room.
TEST(DecisionLooks, TheRoomIsBounded) {
  for (const Strategy strategy :
       {Strategy::kWeighted, Strategy::kRoundRobin, Strategy::kOrdered, Strategy::kLeastInflight,
        Strategy::kLatency, Strategy::kCheapest}) {
    const Directory directory = make_directory(many(30), strategy);
    Shard shard;
    Ladder ladder = shard.ladder(directory, "m");
    DecisionLooks looks;
    ladder.keep_looks(looks);
    for (int i = 0; i < 30; ++i) {
      Choice choice = ladder.next(kStart);
      ASSERT_EQ(choice.kind, Choice::Kind::kTry);
      ladder.report(choice.permit, TryOutcome::kServerError, {}, kStart);
      complete(choice.permit, kStart);
    }
    ASSERT_EQ(looks.decisions().size(), 2u);
    for (const DecisionLooks::Decision& decision : looks.decisions()) {
      const auto seen = looks.looks_of(decision);
      ASSERT_EQ(seen.size(), DecisionLooks::kPerDecision);
      EXPECT_EQ(seen[0].verdict, CandidateVerdict::kChosen);
      for (std::size_t i = 1; i < seen.size(); ++i) {
        EXPECT_NE(seen[i].verdict, CandidateVerdict::kChosen);
        for (std::size_t j = 0; j < i; ++j) EXPECT_NE(seen[i].label, seen[j].label);
      }
    }
  }
}

TEST(DecisionLooks, WhoWaitedAndWhatItGot) {
  const Directory directory = make_directory({{.name = "a", .rpm_limit = 1, .window = 2s}},
                                             Strategy::kWeighted, nullptr, kStart, kQueue);
  spend_all(*directory.accounts[0]);
  Shard shard;
  WaitQueue queue(shard.balancer);
  Visitor visitor(shard, directory);
  DecisionLooks looks;
  visitor.ladder.keep_looks(looks);
  ASSERT_EQ(visitor.ladder.next(kStart).kind, Choice::Kind::kWait);
  queue.enter(visitor.guest, kStart);
  const Instant later = kStart + 3s;
  queue.serve(later);
  ASSERT_EQ(visitor.guest.end, WaitEnd::kGranted);
  Choice choice = visitor.ladder.granted(std::move(visitor.guest.choice), later);
  complete(choice.permit, later);
  ASSERT_EQ(looks.decisions().size(), 2u);
  EXPECT_EQ(looks.decisions()[0].kind, Choice::Kind::kWait);
  EXPECT_EQ(told(looks, looks.decisions()[0], directory),
            (std::vector<std::string>{"a no_permit 0/1"}));
  EXPECT_EQ(told(looks, looks.decisions()[1], directory),
            (std::vector<std::string>{"a chosen 1/1"}));
}

// A newcomer of the same priority takes nothing from who waits.
TEST(DecisionLooks, WhatIsHeldForThoseWhoWait) {
  const Directory directory = make_directory({{.name = "a", .rpm_limit = 1}, {.name = "b"}},
                                             Strategy::kWeighted, nullptr, kStart, kQueue);
  const Route& route = *directory.find_route("m");
  const Candidate& candidate = route.candidates[0];
  candidate.state->wanted().add(Priority::kHigh);
  EXPECT_EQ(look_at(candidate, {}, Priority::kNormal, kStart).verdict, CandidateVerdict::kHeld);
  EXPECT_EQ(look_at(candidate, {}, Priority::kUrgent, kStart).verdict, CandidateVerdict::kEligible);
  candidate.state->wanted().remove(Priority::kHigh);
}

}  // namespace
}  // namespace sluice::test
