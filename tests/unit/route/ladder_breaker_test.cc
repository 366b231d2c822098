// What the ladder makes of a circuit breaker: an account that only fails is left alone.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/route/queue_fixture.h"

namespace sluice::test {
namespace {

using Kind = Choice::Kind;

constexpr BreakerPolicy kPolicy = {.failures = 3, .open = 10s, .open_max = 60s};

class LadderBreaker : public ::testing::Test {
 protected:
  void use(const std::vector<AccountRow>& rows) {
    directory_ = make_directory(rows, Strategy::kOrdered, nullptr, kStart, QueuePolicy{});
    directory_.routing.breaker = kPolicy;
  }
  // The first account that a new request tries at `now`, with what becomes of it; "" for none.
  std::string try_one(TryOutcome outcome, Instant now) {
    Ladder ladder = shard_.ladder(directory_, "m");
    Choice choice = ladder.next(now);
    if (choice.kind != Kind::kTry) return "";
    opened_ = ladder.report(choice.permit, outcome, {}, now).breaker.opened;
    complete(choice.permit, now);
    return choice.permit.account()->name;
  }
  void open(Instant now = kStart) {
    for (std::uint32_t i = 0; i < kPolicy.failures; ++i) {
      EXPECT_FALSE(opened_);
      EXPECT_EQ(try_one(TryOutcome::kServerError, now), "a");
    }
    EXPECT_TRUE(opened_);
  }
  AccountState& a() { return *directory_.accounts[0]->state; }

  Directory directory_;
  Shard shard_;
  bool opened_ = false;
};

TEST_F(LadderBreaker, AfterSomeFailuresInARowOthersAreAsked) {
  for (const TryOutcome outcome :
       {TryOutcome::kServerError, TryOutcome::kConnectFailed, TryOutcome::kTimedOut}) {
    use({{.name = "a"}, {.name = "b"}});
    for (int i = 0; i < 3; ++i) EXPECT_EQ(try_one(outcome, kStart), "a");
    EXPECT_TRUE(opened_);
    EXPECT_EQ(try_one(TryOutcome::kServed, kStart + 9s), "b");
    EXPECT_EQ(try_one(TryOutcome::kServed, kStart + 10s + 5us), "a");
  }
}

TEST_F(LadderBreaker, WhatTellsNothingOfTheProviderNeitherCountsNorHeals) {
  for (const TryOutcome outcome : {TryOutcome::kClientFault, TryOutcome::kClientGone}) {
    use({{.name = "a"}, {.name = "b"}});
    for (int i = 0; i < 10; ++i) EXPECT_EQ(try_one(outcome, kStart), "a");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(try_one(TryOutcome::kServerError, kStart), "a");
    EXPECT_EQ(try_one(outcome, kStart), "a");
    EXPECT_EQ(try_one(TryOutcome::kServerError, kStart), "a");
    EXPECT_TRUE(opened_);
  }
}

TEST_F(LadderBreaker, ASuccessEndsTheRow) {
  use({{.name = "a"}});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(try_one(i % 3 == 2 ? TryOutcome::kServed : TryOutcome::kServerError, kStart), "a");
    EXPECT_FALSE(opened_);
  }
}

TEST_F(LadderBreaker, OneRequestIsTheProbe) {
  use({{.name = "a"}, {.name = "b"}});
  open();
  const Instant later = kStart + 11s;
  Ladder ladder = shard_.ladder(directory_, "m");
  Choice probe = ladder.next(later);
  ASSERT_EQ(probe.permit.account()->name, "a");
  EXPECT_TRUE(probe.permit.probing());
  EXPECT_EQ(try_one(TryOutcome::kServed, later), "b");
  probe.permit.settle_sent(later);
  EXPECT_TRUE(ladder.report(probe.permit, TryOutcome::kTimedOut, {}, later).breaker.opened);
  probe.permit.finish({}, later);
  // Twice as long.
  EXPECT_EQ(try_one(TryOutcome::kServed, later + 19s), "b");
  EXPECT_EQ(try_one(TryOutcome::kServed, later + 21s), "a");
  EXPECT_EQ(a().breaker().read().state(later + 21s), BreakerState::kClosed);
}

TEST_F(LadderBreaker, AProbeThatToldNothingGivesItsPlaceUp) {
  use({{.name = "a"}});
  open();
  const Instant later = kStart + 11s;
  {
    Ladder ladder = shard_.ladder(directory_, "m");
    Choice refunded = ladder.next(later);
    ASSERT_EQ(refunded.kind, Kind::kTry);
    refunded.permit.refund(later);
  }
  EXPECT_EQ(try_one(TryOutcome::kClientFault, later), "a");
  EXPECT_EQ(try_one(TryOutcome::kClientGone, later), "a");
  EXPECT_EQ(try_one(TryOutcome::kServed, later), "a");
  EXPECT_EQ(a().breaker().read().state(later), BreakerState::kClosed);
}

TEST_F(LadderBreaker, AnOpenOneIsNotWaitedFor) {
  use({{.name = "a"}, {.name = "f", .pool = Pool::kFallback}});
  open();
  Choice choice = shard_.ladder(directory_, "m").next(kStart + 9s);
  EXPECT_EQ(choice.kind, Kind::kTry);
  EXPECT_EQ(choice.rung, Rung::kFallback);
  choice.permit.refund(kStart + 9s);
  EXPECT_EQ(shard_.balancer.counters.primary_wait_exhausted, 0u);

  use({{.name = "a"}});
  opened_ = false;
  open();
  choice = shard_.ladder(directory_, "m").next(kStart + 4s);
  EXPECT_EQ(choice.kind, Kind::kExhausted);
  expect_about(choice.retry_at, kStart + 10s);
}

TEST_F(LadderBreaker, WhileAProbeIsOutItsEndIsNear) {
  use({{.name = "a"}});
  open();
  const Instant later = kStart + 11s;
  Choice probe = shard_.ladder(directory_, "m").next(later);
  ASSERT_TRUE(probe.permit.probing());
  const Choice next = shard_.ladder(directory_, "m").next(later);
  EXPECT_EQ(next.kind, Kind::kExhausted);
  EXPECT_EQ(next.retry_at, later + 1s);
  probe.permit.refund(later);
}

TEST_F(LadderBreaker, WhoWaitsAlreadyGetsTheProbeAndThenTheRest) {
  use({{.name = "a", .rpm_limit = 6}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(try_one(TryOutcome::kServed, kStart), "a");
  open(kStart + 50s);
  WaitQueue queue(shard_.balancer);
  Visitor first(shard_, directory_);
  Visitor second(shard_, directory_);
  queue.enter(first.guest, kStart + 50s);
  queue.enter(second.guest, kStart + 50s);
  EXPECT_EQ(queue.serve(kStart + 50s), kStart + 51s);
  const Instant later = kStart + 61s;
  static_cast<void>(queue.serve(later));
  ASSERT_TRUE(first.guest.ended);
  EXPECT_FALSE(second.guest.ended);
  EXPECT_TRUE(first.guest.choice.permit.probing());
  first.ladder.report(first.guest.choice.permit, TryOutcome::kServed, {}, later);
  static_cast<void>(queue.serve(later));
  EXPECT_EQ(first.guest.served_by(later), "a");
  EXPECT_EQ(second.guest.served_by(later), "a");
}

}  // namespace
}  // namespace sluice::test
