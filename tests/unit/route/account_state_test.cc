#include "engine/route/account_state.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "engine/route/permit.h"
#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

constexpr AccountLimits kRolling = {BucketShape::kRolling, 4, 60s};
constexpr AccountLimits kSteady = {BucketShape::kSteady, 4, 60s};

std::uint32_t drain(AccountState& state, Instant now) {
  std::uint32_t granted = 0;
  for (Take take = state.take(now); take.granted; take = state.take(now)) {
    state.settle_sent(take, now);
    ++granted;
  }
  return granted;
}

TEST(AccountState, EitherShapeGrantsItsLimit) {
  for (const AccountLimits& limits : {kRolling, kSteady}) {
    AccountState state(limits);
    EXPECT_EQ(state.limit(), 4u);
    EXPECT_EQ(state.available(kStart), 4u);
    EXPECT_EQ(state.next_permit_at(kStart), kStart);
    EXPECT_EQ(drain(state, kStart), 4u);
    EXPECT_EQ(state.available(kStart), 0u);
    EXPECT_GT(state.next_permit_at(kStart), kStart);
    EXPECT_FALSE(state.at_rest(kStart));
    EXPECT_TRUE(state.at_rest(kStart + 61s));
  }
}

TEST(AccountState, ATakeIsSettledInTheShapeThatGrantedIt) {
  AccountState state(kRolling);
  const Take sent = state.take(kStart);
  const Take refunded = state.take(kStart);
  state.set_limits(kSteady, kStart);
  EXPECT_EQ(state.available(kStart), 2u) << "both are in hand";
  state.settle_sent(sent, kStart + 1s);
  state.refund(refunded, kStart + 1s);
  EXPECT_EQ(drain(state, kStart + 60s), 4u);
  const Take slow = state.take(kStart + 300s);
  state.set_limits(kRolling, kStart + 300s);
  EXPECT_EQ(drain(state, kStart + 361s), 3u);
  state.settle_sent(slow, kStart + 361s);
  EXPECT_EQ(drain(state, kStart + 420s), 0u);
  EXPECT_EQ(drain(state, kStart + 422s), 4u);
}

TEST(AccountState, UnchangedLimitsChangeNothing) {
  for (const AccountLimits& limits : {kRolling, kSteady}) {
    AccountState state(limits);
    const Take take = state.take(kStart);
    state.settle_sent(take, kStart);
    state.set_limits(limits, kStart + 1s);
    EXPECT_EQ(state.available(kStart), 3u);
  }
}

std::uint32_t drain_emergency(AccountState& state, Instant now) {
  std::uint32_t granted = 0;
  for (Take take = state.take_emergency(now); take.granted; take = state.take_emergency(now)) {
    state.settle_sent(take, now);
    ++granted;
  }
  return granted;
}

TEST(AccountState, TheEmergencyChannelIsNoSecondHelping) {
  AccountLimits without = {.shape = BucketShape::kRolling, .limit = 10, .window = 60s};
  AccountLimits with = {.shape = BucketShape::kRolling, .limit = 7, .window = 60s, .emergency = 3};
  AccountState state(without);
  EXPECT_EQ(drain(state, kStart), 10u);
  state.set_limits(with, kStart + 10s);
  EXPECT_EQ(drain_emergency(state, kStart + 59s), 0u);
  EXPECT_EQ(drain(state, kStart + 61s), 7u);
  EXPECT_EQ(drain_emergency(state, kStart + 71s), 3u);
  state.set_limits(without, kStart + 72s);
  EXPECT_EQ(drain(state, kStart + 120s), 0u);
  EXPECT_EQ(drain(state, kStart + 122s), 7u);
  EXPECT_EQ(drain(state, kStart + 133s), 3u);
  EXPECT_EQ(drain_emergency(state, kStart + 200s), 0u);
}

TEST(AccountState, WhatAnEmergencyHasTakenIsKeptNoLonger) {
  AccountState state({.shape = BucketShape::kRolling, .limit = 7, .window = 60s, .emergency = 3});
  EXPECT_EQ(drain_emergency(state, kStart), 3u);
  EXPECT_EQ(state.available(kStart), 7u);
  EXPECT_EQ(drain(state, kStart), 7u);
  EXPECT_EQ(state.next_permit_at(kStart), kStart + 60s);
}

TEST(AccountState, TheLastTokensAreForEmergencies) {
  for (const BucketShape shape : {BucketShape::kRolling, BucketShape::kSteady}) {
    AccountState state({.shape = shape, .limit = 7, .window = 60s, .emergency = 3});
    const bool rolling = shape == BucketShape::kRolling;
    EXPECT_EQ(drain(state, kStart), 7u);
    const Instant next = kStart + (rolling ? 60s : 6s);
    EXPECT_EQ(state.next_permit_at(kStart), next);
    EXPECT_EQ(state.take(kStart).at, next);
    EXPECT_EQ(drain_emergency(state, kStart), 3u);
    EXPECT_FALSE(state.take_emergency(kStart).granted);
  }
}

// A limit that was lowered is a debt of both.
TEST(AccountState, AnEmergencyTakesNothingThatTheAccountOwes) {
  AccountState state({.shape = BucketShape::kRolling, .limit = 17, .window = 60s, .emergency = 3});
  EXPECT_EQ(drain(state, kStart), 17u);
  state.set_limits({.shape = BucketShape::kRolling, .limit = 7, .window = 60s, .emergency = 3},
                   kStart + 10s);
  EXPECT_EQ(drain_emergency(state, kStart + 50s), 0u);
  EXPECT_EQ(drain(state, kStart + 60s), 7u);
  EXPECT_EQ(drain_emergency(state, kStart + 60s), 3u);
}

// A permit that is in hand when the channel is opened or closed is spent on either side.
TEST(AccountState, WhatIsInHandIsSpentWhereverTheChannelGoes) {
  const AccountLimits without = {.shape = BucketShape::kRolling, .limit = 3, .window = 60s};
  const AccountLimits with = {
      .shape = BucketShape::kRolling, .limit = 2, .window = 60s, .emergency = 1};
  AccountState state(with);
  const Take in_hand = state.take_emergency(kStart);
  state.set_limits(without, kStart + 1s);
  EXPECT_EQ(drain(state, kStart + 2s), 2u);
  state.set_limits(with, kStart + 3s);
  EXPECT_FALSE(state.take_emergency(kStart + 3s).granted);
  state.settle_sent(in_hand, kStart + 4s);
  EXPECT_EQ(drain(state, kStart + 63s) + drain_emergency(state, kStart + 63s), 2u);
  EXPECT_EQ(drain(state, kStart + 65s) + drain_emergency(state, kStart + 65s), 1u);
}

TEST(AccountState, ErrorBelongsToOneGenerationOfCredentials) {
  AccountState state(kRolling);
  EXPECT_FALSE(state.rejected(1));
  state.reject(1);
  EXPECT_TRUE(state.rejected(1));
  EXPECT_FALSE(state.rejected(2));  // the key was changed
  state.reject(2);
  EXPECT_TRUE(state.rejected(2));
  state.reject(1);  // a late answer to the old key
  EXPECT_TRUE(state.rejected(2));
  state.accept(1);
  EXPECT_TRUE(state.rejected(2));
  state.accept(2);
  EXPECT_FALSE(state.rejected(2));
}

TEST(AccountState, ACoolingAccountIsNotAtRest) {
  AccountState state(kRolling);
  state.cooldown().rate_limited(kStart, {}, {});
  EXPECT_FALSE(state.at_rest(kStart + 29s));
  EXPECT_TRUE(state.at_rest(kStart + 31s));
}

class PermitTest : public testing::Test {
 protected:
  PermitTest() : directory_(make_directory({{.name = "a", .rpm_limit = 1}})) {}
  const Account& account() const { return *directory_.accounts[0]; }
  Directory directory_;
};

TEST_F(PermitTest, IsEmptyWhenTheBucketRefuses) {
  Permit first = Permit::take(account(), kStart);
  EXPECT_TRUE(first.held());
  EXPECT_EQ(first.account(), &account());
  const Permit second = Permit::take(account(), kStart);
  EXPECT_FALSE(second.held());
  EXPECT_EQ(second.account(), nullptr);
  first.refund(kStart);
  EXPECT_FALSE(first.held());
  EXPECT_EQ(first.account(), &account());
}

TEST_F(PermitTest, MovesWithItsToken) {
  Permit permit = Permit::take(account(), kStart);
  Permit moved = std::move(permit);
  EXPECT_TRUE(moved.held());
  permit = std::move(moved);
  EXPECT_TRUE(permit.held());
  complete(permit, kStart + 1s);
  // The window and the guard count from when the request had left.
  EXPECT_FALSE(Permit::take(account(), kStart + 61s).held());
  Permit next = Permit::take(account(), kStart + 61s + 251ms);
  EXPECT_TRUE(next.held());
  next.refund(kStart + 62s);
}

using PermitDeathTest = PermitTest;

TEST_F(PermitDeathTest, MustBeSettledExactlyOnce) {
  EXPECT_DEATH({ Permit permit = Permit::take(account(), kStart); }, "invariant does not hold");
  EXPECT_DEATH(
      {
        Permit permit = Permit::take(account(), kStart);
        permit.settle_sent(kStart);
        permit.refund(kStart);
      },
      "invariant does not hold");
  EXPECT_DEATH(
      {
        Permit permit = Permit::take(account(), kStart);
        permit.refund(kStart);
        permit.settle_sent(kStart);
      },
      "invariant does not hold");
  EXPECT_DEATH(
      {
        Permit permit = Permit::take(account(), kStart);
        permit.settle_sent(kStart);  // and never finished
      },
      "invariant does not hold");
  EXPECT_DEATH(
      {
        Permit permit = Permit::take(account(), kStart);
        permit.finish({}, kStart);
      },
      "invariant does not hold");
  EXPECT_DEATH(
      {
        Permit permit = Permit::take(account(), kStart);
        permit = Permit();
      },
      "invariant does not hold");
}

}  // namespace
}  // namespace sluice::test
