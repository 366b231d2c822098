// More than requests per minute: tokens, requests per day, requests at once; a permit is all of
// them or nothing.

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/route/queue_fixture.h"

namespace sluice::test {
namespace {

constexpr Demand kThousand = {.prompt = 600, .completion = 400};

TokensUsed used(std::uint64_t total) { return {.total = total, .completion = 0}; }

Directory one_account(const AccountRow& row) {
  return make_directory({row}, Strategy::kOrdered, nullptr, kStart, QueuePolicy{});
}
AccountState& state_of(const Directory& directory) { return *directory.accounts[0]->state; }
Permit take(const Directory& directory, Instant now = kStart, const Demand& demand = kThousand) {
  return Permit::take(*directory.accounts[0], now, demand);
}

TEST(AccountLimits, TokensAreReservedAndSettledWithWhatWasUsed) {
  const Directory directory = one_account({.name = "a", .tpm_limit = 2500});
  Permit first = take(directory);
  Permit second = take(directory);
  EXPECT_TRUE(first.held());
  EXPECT_TRUE(second.held());
  EXPECT_FALSE(take(directory).held());
  complete(first, kStart, used(400));  // 600 come back
  Permit third = take(directory);
  EXPECT_TRUE(third.held());
  EXPECT_FALSE(take(directory, kStart, {.prompt = 101, .completion = 0}).held());
  complete(third, kStart);  // nobody told: the reservation stands
  EXPECT_FALSE(take(directory, kStart, {.prompt = 101, .completion = 0}).held());
  second.refund(kStart);
  Permit fourth = take(directory);
  EXPECT_TRUE(fourth.held());
  complete(fourth, kStart, used(1100));  // 100 more than the estimate
  EXPECT_FALSE(take(directory, kStart, {.prompt = 1, .completion = 0}).held());
}

TEST(AccountLimits, TokensComeBackWithTheWindow) {
  const Directory directory = one_account({.name = "a", .tpm_limit = 1000});
  complete(take(directory), kStart);
  const Instant ready = state_of(directory).next_permit_at(kStart, kThousand);
  EXPECT_GE(ready, kStart + kSpentFor);
  EXPECT_LE(ready, kStart + kSpentFor + 2s);  // a cell of the window longer
  EXPECT_FALSE(take(directory, ready - 1us).held());
  complete(take(directory, ready), ready);
}

TEST(AccountLimits, WhatIsInFlightMayGiveTokensBackSoon) {
  const Directory directory = one_account({.name = "a", .tpm_limit = 1000});
  Permit permit = take(directory);
  EXPECT_EQ(state_of(directory).next_permit_at(kStart, kThousand), kStart + 1s);
  complete(permit, kStart, used(1000));
  EXPECT_GE(state_of(directory).next_permit_at(kStart, kThousand), kStart + kSpentFor);
}

TEST(AccountLimits, WithoutAMaximumTheMeanOfTheAccountIsReserved) {
  const Directory directory = one_account({.name = "a", .rpm_limit = 1000, .tpm_limit = 1000});
  const Demand unknown = {.prompt = 100};
  Permit first = take(directory, kStart, unknown);  // 356: before the first answer a guess
  Permit second = take(directory, kStart, unknown);
  EXPECT_FALSE(take(directory, kStart, unknown).held());
  for (Permit* permit : {&first, &second})
    complete(*permit, kStart, TokensUsed{.total = 0, .completion = 10});
  for (int i = 0; i < 100; ++i) {
    Permit permit = take(directory, kStart, unknown);
    ASSERT_TRUE(permit.held());
    complete(permit, kStart, TokensUsed{.total = 0, .completion = 10});
  }
  std::vector<Permit> permits;
  for (;;) {
    Permit permit = take(directory, kStart, unknown);
    if (!permit.held()) break;
    permits.push_back(std::move(permit));
  }
  EXPECT_EQ(permits.size(), 9u);  // of 110 or a little more
  for (Permit& permit : permits) permit.refund(kStart);
}

TEST(AccountLimits, RequestsOfADay) {
  const Directory directory = one_account({.name = "a", .rpd_limit = 2});
  complete(take(directory), kStart);
  Permit refunded = take(directory);
  refunded.refund(kStart);
  complete(take(directory), kStart);
  EXPECT_FALSE(take(directory, kStart + 1h).held());
  const Instant ready = state_of(directory).next_permit_at(kStart + 1h);
  EXPECT_GE(ready, kStart + 24h);
  EXPECT_LE(ready, kStart + 24h + 25min);
  complete(take(directory, ready), ready);
}

TEST(AccountLimits, RequestsAtOnce) {
  const Directory directory = one_account({.name = "a", .concurrent_limit = 2});
  Permit first = take(directory);
  Permit second = take(directory);
  EXPECT_FALSE(take(directory).held());
  EXPECT_TRUE(state_of(directory).crowded());
  EXPECT_EQ(state_of(directory).next_permit_at(kStart), kStart + 1s);  // a guess
  first.settle_sent(kStart);
  EXPECT_FALSE(take(directory).held());  // still in flight
  first.finish({}, kStart);
  Permit third = take(directory);
  EXPECT_TRUE(third.held());
  third.refund(kStart);
  second.refund(kStart);
  EXPECT_EQ(state_of(directory).in_flight(), 0u);
}

TEST(AccountLimits, WhatOneLimitRefusesCostsTheOthersNothing) {
  for (const AccountRow& row :
       {AccountRow{.name = "tokens", .tpm_limit = 1000, .rpd_limit = 5, .concurrent_limit = 5},
        AccountRow{.name = "day", .tpm_limit = 5000, .rpd_limit = 1, .concurrent_limit = 5},
        AccountRow{.name = "at once", .tpm_limit = 5000, .rpd_limit = 5, .concurrent_limit = 1},
        AccountRow{.name = "bucket", .rpm_limit = 1, .tpm_limit = 5000, .rpd_limit = 5}}) {
    SCOPED_TRACE(row.name);
    const Directory directory = one_account(row);
    AccountState& state = state_of(directory);
    Permit first = take(directory);
    const std::uint32_t left = state.available(kStart);
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(take(directory).held());
    EXPECT_EQ(state.available(kStart), left);
    EXPECT_EQ(state.in_flight(), 1u);
    first.refund(kStart);
    EXPECT_TRUE(state.at_rest(kStart));
  }
}

TEST(AccountLimits, TheEmergencyChannelKeepsTheOtherLimits) {
  const Directory directory = one_account({.name = "a", .emergency = true, .concurrent_limit = 1});
  const Account& account = *directory.accounts[0];
  Permit first = Permit::take_emergency(account, kStart);
  EXPECT_FALSE(Permit::take_emergency(account, kStart).held());
  complete(first, kStart);
  complete(Permit::take_emergency(account, kStart), kStart);
}

TEST(AccountLimits, ChangeInPlaceAndForgetNothing) {
  const AccountRow limited = {.name = "a", .tpm_limit = 1000, .rpd_limit = 1};
  const Directory first = one_account(limited);
  complete(take(first), kStart);
  const Directory free = make_directory({{.name = "a"}}, Strategy::kOrdered, &first, kStart + 1s);
  complete(take(free, kStart + 1s), kStart + 1s);
  const Directory again = make_directory({limited}, Strategy::kOrdered, &free, kStart + 2s);
  EXPECT_FALSE(take(again, kStart + 2s).held());
  EXPECT_FALSE(state_of(again).at_rest(kStart + 2min));  // the day is not over
}

TEST(AccountLimits, AnAccountThatIsInUseIsNotForgotten) {
  const Directory first = one_account({.name = "a"});
  Permit permit = take(first);
  const Directory gone = make_directory({{.name = "b", .api_key = "sk-test-2"}}, Strategy::kOrdered,
                                        &first, kStart + 1h);
  EXPECT_EQ(gone.departed.size(), 1u);
  permit.refund(kStart);
}

TEST(AccountLimits, NoMoreAtOnceThanTheLimitWithManyThreads) {
  const Directory directory =
      one_account({.name = "a", .rpm_limit = 1'000'000, .concurrent_limit = 2});
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) {
        Permit permit = take(directory);
        if (!permit.held()) continue;
        const int now_inside = inside.fetch_add(1) + 1;
        if (now_inside > most.load()) most.store(now_inside);
        inside.fetch_sub(1);
        permit.refund(kStart);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), 2);
  EXPECT_EQ(state_of(directory).in_flight(), 0u);
}

TEST(AccountLimits, EachStrategyGoesOnWhenAnAccountHasNoRoomForTheSize) {
  for (const Strategy strategy : {Strategy::kOrdered, Strategy::kRoundRobin, Strategy::kWeighted}) {
    const Directory directory = make_directory(
        {{.name = "small", .tpm_limit = 500}, {.name = "large", .tpm_limit = 5000}}, strategy);
    complete(Permit::take(*directory.accounts[0], kStart, {.prompt = 1, .completion = 0}), kStart);
    Shard shard;
    for (int i = 0; i < 4; ++i) {
      Ladder ladder = shard.ladder(directory, "m");
      ladder.seeker().demand = kThousand;
      Choice choice = ladder.next(kStart);
      ASSERT_EQ(choice.kind, Choice::Kind::kTry);
      EXPECT_EQ(choice.permit.account()->name, "large");
      complete(choice.permit, kStart);
    }
  }
}

class SizedQueue : public ::testing::Test {
 protected:
  Visitor& enter(const Demand& demand, Priority priority = Priority::kNormal) {
    Visitor& visitor = visitors_.emplace_back(shard_, directory_, priority);
    visitor.ladder.seeker().demand = demand;
    queue_.enter(visitor.guest, kStart);
    return visitor;
  }
  void TearDown() override {
    for (Visitor& visitor : visitors_) {
      if (visitor.guest.linked()) queue_.leave(visitor.guest);
    }
  }
  Directory directory_ = one_account({.name = "a", .tpm_limit = 1000});
  Shard shard_;
  WaitQueue queue_{shard_.balancer};
  std::deque<Visitor> visitors_;
};

TEST_F(SizedQueue, ASmallOneDoesNotOvertakeALargeOne) {
  complete(take(directory_, kStart, {.prompt = 500, .completion = 0}), kStart);
  Visitor& large = enter(kThousand);
  Visitor& small = enter({.prompt = 10, .completion = 0});
  const Instant next = queue_.serve(kStart);
  EXPECT_FALSE(large.guest.ended);
  EXPECT_FALSE(small.guest.ended);
  // Nor does a newcomer.
  EXPECT_NE(shard_.ladder(directory_, "m").next(kStart).kind, Choice::Kind::kTry);
  // The queue does not look every millisecond whether the small one may go.
  EXPECT_EQ(next, kStart + 1s);
  const Instant ready = state_of(directory_).next_permit_at(kStart, kThousand);
  static_cast<void>(queue_.serve(ready));
  EXPECT_EQ(large.guest.served_by(ready), "a");
  EXPECT_FALSE(small.guest.ended);
}

TEST_F(SizedQueue, RoomThatComesBackServesWhoWaits) {
  Permit big = take(directory_);
  Visitor& waiter = enter({.prompt = 900, .completion = 0});
  static_cast<void>(queue_.serve(kStart));
  EXPECT_FALSE(waiter.guest.ended);
  complete(big, kStart, used(100));
  static_cast<void>(queue_.serve(kStart));
  EXPECT_EQ(waiter.guest.served_by(kStart), "a");
}

TEST_F(SizedQueue, TheExpectedTurnKnowsTheSize) {
  complete(take(directory_), kStart);
  for (int i = 0; i < 3; ++i) enter(kThousand);
  const Waiter& last = visitors_.back().guest;
  // One a minute: two before it, and itself.
  EXPECT_GE(queue_.expected_at(last, kStart), kStart + 3min);
  static_cast<void>(queue_.serve(kStart));
}

}  // namespace
}  // namespace sluice::test
