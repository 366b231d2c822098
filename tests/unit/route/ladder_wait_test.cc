// When the ladder waits, for what and how long, and what it does afterwards.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/route/queue_fixture.h"

namespace sluice::test {
namespace {

using Kind = Choice::Kind;
using Why = Choice::Why;

Directory directory_of(const std::vector<AccountRow>& rows, QueuePolicy queue = {}) {
  return make_directory(rows, Strategy::kOrdered, nullptr, kStart, queue);
}
void cool(const Account& account, Duration length, Instant now = kStart) {
  account.state->cooldown().rate_limited(now, length, {.base = 0s, .max = 0s});
}
void expect_wait(const Choice& choice, Pool pool, Instant give_up_at) {
  ASSERT_EQ(choice.kind, Kind::kWait);
  EXPECT_EQ(choice.pool, pool);
  EXPECT_EQ(choice.give_up_at, give_up_at);
}
std::string tried(Choice& choice, Instant now = kStart) {
  if (choice.kind != Kind::kTry) return "";
  complete(choice.permit, now);
  return choice.permit.account()->name + std::string(degraded_text(choice.rung));
}

TEST(LadderWait, ForAPermitThatIsNearAsLongAsThePriorityMay) {
  const Directory directory = directory_of({{.name = "a", .rpm_limit = 1}});
  spend_all(*directory.accounts[0]);
  Shard shard;
  const Instant now = kStart + kSpentFor - 1s;
  const Priority priorities[] = {Priority::kUrgent, Priority::kHigh, Priority::kNormal,
                                 Priority::kLow};
  const Duration limits[] = {30s, 30s, 30s, 2s};
  for (std::size_t i = 0; i < 4; ++i) {
    expect_wait(shard.ladder(directory, "m", priorities[i]).next(now), Pool::kPrimary,
                now + limits[i]);
  }
  // Not for one that cannot come in its time.
  const Choice low = shard.ladder(directory, "m", Priority::kLow).next(now - 2s);
  EXPECT_EQ(low.kind, Kind::kExhausted);
}

TEST(LadderWait, ALesserPoolComesBeforeAPermitThatIsFar) {
  const Directory directory = directory_of(
      {{.name = "a", .rpm_limit = 1}, {.name = "f", .rpm_limit = 1, .pool = Pool::kFallback}});
  spend_all(*directory.accounts[0]);
  Shard shard;
  Choice near = shard.ladder(directory, "m").next(kStart + kSpentFor - 10s + 5us);
  EXPECT_EQ(near.kind, Kind::kWait);
  Choice far = shard.ladder(directory, "m").next(kStart + kSpentFor - 11s);
  EXPECT_EQ(tried(far), "ffallback");
  EXPECT_EQ(shard.balancer.counters.fallback, 1u);
}

TEST(LadderWait, TheFallbackPoolIsWaitedForTheSameWay) {
  const Directory directory =
      directory_of({{.name = "a", .rpm_limit = 1},
                    {.name = "f", .rpm_limit = 1, .pool = Pool::kFallback, .window = 5s}});
  for (const auto& account : directory.accounts) spend_all(*account);
  Shard shard;
  expect_wait(shard.ladder(directory, "m").next(kStart), Pool::kFallback, kStart + 30s);
}

TEST(LadderWait, WithoutALesserPoolAFarPermitIsBetterThanNone) {
  const Directory directory = directory_of({{.name = "a", .rpm_limit = 1}});
  spend_all(*directory.accounts[0]);
  Shard shard;
  const Instant now = kStart + kSpentFor - 29s;
  expect_wait(shard.ladder(directory, "m").next(now), Pool::kPrimary, now + 30s);
  const Choice low = shard.ladder(directory, "m", Priority::kLow).next(now);
  EXPECT_EQ(low.kind, Kind::kExhausted);
  EXPECT_EQ(low.why, Why::kNothingFree);
  EXPECT_EQ(shard.ladder(directory, "m").next(now - 2s).kind, Kind::kExhausted);
}

TEST(LadderWait, NobodyWaitsInAQueueWithoutPlaces) {
  const Directory directory = directory_of({{.name = "a", .rpm_limit = 1}}, kNoQueue);
  spend_all(*directory.accounts[0]);
  Shard shard;
  EXPECT_EQ(shard.ladder(directory, "m").next(kStart + kSpentFor - 1s).kind, Kind::kExhausted);
}

TEST(LadderWait, PrimaryWaitIsForTheFirstAccountThatRecovers) {
  const Directory directory =
      directory_of({{.name = "a"}, {.name = "b"}, {.name = "f", .pool = Pool::kFallback}});
  cool(*directory.accounts[0], 40s);
  cool(*directory.accounts[1], 14s);
  Shard shard;
  Ladder ladder = shard.ladder(directory, "m");
  expect_wait(ladder.next(kStart), Pool::kPrimary, kStart + 15s);
  EXPECT_EQ(shard.balancer.counters.primary_wait_enter, 1u);

  // Somebody else answers 429 in the meantime; of the 15 seconds five are left.
  ladder.refused(WaitEnd::kTimedOut, {}, kStart + 10s);
  expect_wait(ladder.next(kStart + 10s), Pool::kPrimary, kStart + 15s);
  ladder.refused(WaitEnd::kTimedOut, {}, kStart + 15s);
  Choice choice = ladder.next(kStart + 15s);
  EXPECT_EQ(tried(choice), "b");
  EXPECT_EQ(shard.balancer.counters.primary_wait_exhausted, 0u);
}

TEST(LadderWait, PrimaryWaitEndsWhenNoneCanRecoverInTime) {
  const Directory directory = directory_of({{.name = "a"}, {.name = "f", .pool = Pool::kFallback}});
  cool(*directory.accounts[0], 16s);
  Shard shard;
  Choice choice = shard.ladder(directory, "m").next(kStart);
  EXPECT_EQ(tried(choice), "ffallback");
  EXPECT_EQ(shard.balancer.counters.primary_wait_enter, 0u);
  EXPECT_EQ(shard.balancer.counters.primary_wait_exhausted, 1u);
}

TEST(LadderWait, PrimaryWaitCountsItsRecoveries) {
  const Directory directory = directory_of({{.name = "a", .rpm_limit = 1}});
  cool(*directory.accounts[0], 5s);
  Shard shard;
  Visitor visitor(shard, directory);
  WaitQueue queue(shard.balancer);
  expect_wait(visitor.ladder.next(kStart), Pool::kPrimary, kStart + 15s);
  queue.enter(visitor.guest, kStart);
  const Instant next = queue.serve(kStart);
  EXPECT_EQ(next, kStart + 1s);
  EXPECT_FALSE(visitor.guest.ended);
  queue.serve(kStart + 5s + 5us);
  ASSERT_TRUE(visitor.guest.ended);
  Choice choice = visitor.ladder.granted(std::move(visitor.guest.choice), kStart + 5s + 5us);
  EXPECT_EQ(tried(choice, kStart + 5s + 5us), "a");
  EXPECT_EQ(shard.balancer.counters.primary_wait_recovery, 1u);
}

TEST(LadderWait, WhoAnswered429IsAskedAgainAfterAWaitAndWhoFailedIsNot) {
  const Directory directory = directory_of({{.name = "a"}, {.name = "b"}});
  Shard shard;
  Ladder ladder = shard.ladder(directory, "m");
  Choice choice = ladder.next(kStart);
  EXPECT_EQ(tried(choice), "a");
  ladder.report(choice.permit, TryOutcome::kServerError, {}, kStart);
  choice = ladder.next(kStart);
  EXPECT_EQ(tried(choice), "b");
  ladder.report(choice.permit, TryOutcome::kRateLimited, {}, kStart);
  // b cools for 30 s. Without patience for that, nothing is left: a is not tried twice.
  EXPECT_EQ(ladder.next(kStart).kind, Kind::kExhausted);
  Ladder later = shard.ladder(directory, "m");
  choice = later.next(kStart + 29s);
  EXPECT_EQ(tried(choice, kStart + 29s), "a");
  later.report(choice.permit, TryOutcome::kServerError, {}, kStart + 29s);
  expect_wait(later.next(kStart + 29s), Pool::kPrimary, kStart + 29s + 15s);
  choice = later.next(kStart + 31s);
  EXPECT_EQ(tried(choice, kStart + 31s), "b");
}

TEST(LadderWait, AfterATimeoutTheLesserRungsAreTriedAndNoLongerWaitedFor) {
  const Directory directory =
      directory_of({{.name = "a", .rpm_limit = 1, .window = 1s},
                    {.name = "f", .rpm_limit = 1, .pool = Pool::kFallback, .window = 9s}});
  spend_all(*directory.accounts[0]);
  Shard shard;
  Ladder ladder = shard.ladder(directory, "m", Priority::kLow);
  expect_wait(ladder.next(kStart), Pool::kPrimary, kStart + 2s);
  spend_all(*directory.accounts[0], kStart + 1500ms);  // somebody else was served
  ladder.refused(WaitEnd::kTimedOut, kStart + 77s, kStart + 2s);
  Choice choice = ladder.next(kStart + 2s);
  EXPECT_EQ(tried(choice, kStart + 2s), "ffallback");
  ladder.report(choice.permit, TryOutcome::kServerError, {}, kStart + 2s);
  choice = ladder.next(kStart + 2s);
  EXPECT_EQ(choice.kind, Kind::kExhausted);
  EXPECT_EQ(choice.why, Why::kQueueTimeout);
  EXPECT_EQ(choice.retry_at, kStart + 77s);
}

struct OverflowRow {
  Overflow overflow;
  const char* tried;
};

TEST(LadderWait, WhatAFullQueueMeansIsThePolicys) {
  for (const OverflowRow& row :
       {OverflowRow{Overflow::kPassthrough, "ffallback"}, OverflowRow{Overflow::kReject, ""},
        OverflowRow{Overflow::kDropLowest, ""}}) {
    const Directory directory =
        directory_of({{.name = "a", .rpm_limit = 1, .window = 5s},
                      {.name = "f", .rpm_limit = 1, .pool = Pool::kFallback}},
                     {.overflow = row.overflow});
    spend_all(*directory.accounts[0]);
    Shard shard;
    Ladder ladder = shard.ladder(directory, "m");
    expect_wait(ladder.next(kStart), Pool::kPrimary, kStart + 10s);
    ladder.refused(WaitEnd::kFull, kStart + 40s, kStart);
    Choice choice = ladder.next(kStart);
    EXPECT_EQ(tried(choice), row.tried);
    if (choice.kind == Kind::kTry) choice = ladder.next(kStart);
    EXPECT_EQ(choice.kind, Kind::kExhausted);
    EXPECT_EQ(choice.why, Why::kQueueFull);
    EXPECT_EQ(choice.retry_at, kStart + 40s);
  }
}

// A permit comes soon, but perhaps not for us: the fallback is not left idle meanwhile.
TEST(LadderWait, WhoseTurnDoesNotComeSoonGoesOnDownTheLadder) {
  for (const WaitEnd end : {WaitEnd::kHopeless, WaitEnd::kTimedOut}) {
    const Directory directory =
        directory_of({{.name = "a", .rpm_limit = 1, .window = 5s},
                      {.name = "f", .rpm_limit = 1, .pool = Pool::kFallback}});
    spend_all(*directory.accounts[0]);
    Shard shard;
    Ladder ladder = shard.ladder(directory, "m");
    const Choice wait = ladder.next(kStart);
    expect_wait(wait, Pool::kPrimary, kStart + 10s);
    EXPECT_TRUE(wait.only_if_soon);
    ladder.refused(end, kStart + 20s, kStart + 1s);
    Choice choice = ladder.next(kStart + 1s);
    EXPECT_EQ(tried(choice, kStart + 1s), "ffallback");
    // When that has failed too, what is left of the patience is for whatever comes first.
    ladder.report(choice.permit, TryOutcome::kServerError, {}, kStart + 2s);
    const Choice patience = ladder.next(kStart + 2s);
    expect_wait(patience, Pool::kPrimary, kStart + 30s);
    EXPECT_FALSE(patience.only_if_soon);
  }
}

TEST(LadderWait, TheEmergencyChannelIsAPartOfItsAccountAndThereWhenItCools) {
  const Directory directory =
      directory_of({{.name = "a", .rpm_limit = 20, .emergency = true}, {.name = "b"}});
  const Account& account = *directory.accounts[0];
  EXPECT_EQ(account.state->limit(), 18u);
  for (const auto& each : directory.accounts) cool(*each, 100s);
  Shard shard;
  for (int i = 0; i < 2; ++i) {
    Choice choice = shard.ladder(directory, "m").next(kStart);
    EXPECT_EQ(tried(choice), "aemergency");
  }
  EXPECT_EQ(shard.ladder(directory, "m").next(kStart).kind, Kind::kExhausted);
  EXPECT_EQ(shard.balancer.counters.emergency, 2u);
  // The account's own bucket has lost nothing, and the channel opens again after a window.
  EXPECT_EQ(account.state->available(kStart), 18u);
  Choice choice = shard.ladder(directory, "m").next(kStart + kSpentFor + 5us);
  EXPECT_EQ(tried(choice, kStart + kSpentFor + 5us), "aemergency");
}

TEST(LadderWait, TheEmergencyChannelServesNoModelThatItsAccountDoesNotMap) {
  const Directory directory =
      directory_of({{.name = "a", .rpm_limit = 1, .models = {{"m", "m"}}},
                    {.name = "e", .models = {{"n", "n"}}, .emergency = true}});
  spend_all(*directory.accounts[0]);
  Shard shard;
  EXPECT_EQ(shard.ladder(directory, "m").next(kStart).kind, Kind::kExhausted);
}

TEST(LadderWait, TheEmergencyChannelIsShutWhileTheKeyIsRefused) {
  const Directory directory = directory_of({{.name = "a", .emergency = true}});
  directory.accounts[0]->state->reject(directory.accounts[0]->generation);
  Shard shard;
  EXPECT_EQ(shard.ladder(directory, "m").next(kStart).kind, Kind::kExhausted);
}

TEST(LadderWait, PatienceHasAnEnd) {
  const Directory directory = directory_of({{.name = "a", .rpm_limit = 100}},
                                           {.wait = {1h, 1h, 1h, 1h}, .primary_wait = 1h});
  Shard shard;
  Ladder ladder = shard.ladder(directory, "m");
  Instant now = kStart;
  int waits = 0;
  for (Choice choice = ladder.next(now); choice.kind != Kind::kExhausted;
       choice = ladder.next(now)) {
    if (choice.kind == Kind::kWait) {
      ++waits;
      now += 1000s;
      continue;
    }
    complete(choice.permit, now);
    ladder.report(choice.permit, TryOutcome::kRateLimited, {}, now);
    ASSERT_LT(waits, 100);
  }
  EXPECT_GT(waits, 1);
}

}  // namespace
}  // namespace sluice::test
