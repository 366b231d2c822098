// An account whose bucket gets another shape while it is in use.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "engine/route/account_state.h"
#include "tests/unit/route/route_fixture.h"
#include "tests/unit/route/send_log.h"

namespace sluice::test {
namespace {

constexpr Duration kWindow = 60s;

AccountLimits limits_of(BucketShape shape, std::uint32_t limit) {
  return {.shape = shape, .limit = limit, .window = kWindow};
}
AccountLimits rolling(std::uint32_t limit) { return limits_of(BucketShape::kRolling, limit); }
AccountLimits steady(std::uint32_t limit) { return limits_of(BucketShape::kSteady, limit); }

std::uint32_t send(AccountState& state, std::uint32_t most, Instant now) {
  std::uint32_t sent = 0;
  for (; sent < most; ++sent) {
    const Take take = state.take(now);
    if (!take.granted) break;
    state.settle_sent(take, now);
  }
  return sent;
}

TEST(Reshape, OneRequestOfFortyLeavesThirtyNineInEitherShape) {
  AccountState from_steady(steady(40));
  ASSERT_EQ(send(from_steady, 1, kStart), 1u);
  from_steady.set_limits(rolling(40), kStart + 1s);
  EXPECT_EQ(from_steady.available(kStart + 1s), 39u);
  EXPECT_EQ(from_steady.next_permit_at(kStart + 1s), kStart + 1s);
  EXPECT_EQ(from_steady.available(kStart + 61s), 40u);
  AccountState from_rolling(rolling(50));
  ASSERT_EQ(send(from_rolling, 1, kStart), 1u);
  from_rolling.set_limits(steady(50), kStart + 1s);
  EXPECT_EQ(from_rolling.available(kStart + 1s), 49u);
}

TEST(Reshape, NothingSpentIsNothingMissing) {
  AccountState state(rolling(4));
  state.set_limits(steady(4), kStart);
  EXPECT_EQ(state.available(kStart), 4u);
  state.set_limits(rolling(4), kStart);
  EXPECT_EQ(send(state, 10, kStart), 4u);
}

TEST(Reshape, WhatTheSteadyShapeLetThroughAboveTheLimitHasToPassFirst) {
  AccountState state(steady(4));
  ASSERT_EQ(send(state, 10, kStart), 4u);
  for (int i = 1; i <= 3; ++i) ASSERT_EQ(send(state, 10, kStart + i * 15s), 1u);
  state.set_limits(rolling(4), kStart + 50s);
  EXPECT_EQ(state.available(kStart + 50s), 0u) << "seven within the window";
  EXPECT_EQ(send(state, 10, kStart + 59s), 0u);
  EXPECT_EQ(send(state, 10, kStart + 61s), 1u);
  EXPECT_EQ(send(state, 10, kStart + 74s), 0u);
  EXPECT_EQ(send(state, 10, kStart + 76s), 1u);
}

TEST(Reshape, ToAndFroGivesNoTokenBack) {
  AccountState state(rolling(5));
  ASSERT_EQ(send(state, 10, kStart), 5u);
  for (int i = 0; i < 100; ++i) {
    state.set_limits(i % 2 == 0 ? steady(5) : rolling(5), kStart);
    EXPECT_EQ(send(state, 10, kStart), 0u);
  }
}

TEST(Reshape, ALimitThatChangesWithTheShapeHoldsAtOnce) {
  AccountState state(rolling(40));
  ASSERT_EQ(send(state, 10, kStart), 10u);
  state.set_limits(steady(20), kStart);
  EXPECT_EQ(state.available(kStart), 10u);
  state.set_limits(rolling(100), kStart);
  EXPECT_EQ(state.available(kStart), 90u);
  state.set_limits(steady(5), kStart);
  EXPECT_EQ(state.available(kStart), 0u);
  EXPECT_EQ(send(state, 10, kStart + 12s), 1u) << "all of a smaller bucket, and no more than that";
}

// Random takes, refunds, pauses and changes of the shape, against a log of what was sent.
class ReshapedAccount {
 public:
  ReshapedAccount(std::uint64_t seed, bool slow)
      : prng_(seed),
        slow_(slow),
        limit_(static_cast<std::uint32_t>(1 + prng_.below(40))),
        state_(AccountLimits{.limit = limit_, .window = kWindowTicks}) {}

  void go() {
    for (int step = 0; step < 3'000 && !testing::Test::HasFatalFailure(); ++step) {
      switch (prng_.below(10)) {
        case 0: now_ += kTick * static_cast<std::int64_t>(prng_.below(2'000)); break;
        case 1:  // in whole ticks, as stamps are
          now_ = std::min(instant_of(ticks_of(state_.next_permit_at(now_))), now_ + kWindowTicks);
          break;
        case 2: prng_.below(5) == 0 ? reshape() : let_go(); break;
        case 3:
        case 4: let_go(); break;
        default: take();
      }
    }
    if (!slow_) check_spans();
  }

 private:
  static constexpr Duration kTick = Duration(kTickNs);
  static constexpr Duration kWindowTicks = kTick * 6'000;

  [[nodiscard]] AccountLimits limits() const {
    return {.shape = shape_, .limit = limit_, .window = kWindowTicks};
  }
  [[nodiscard]] std::uint64_t spent() const {
    return log_.in_last(kWindowTicks, now_) + in_hand_.size();
  }

  // A rolling bucket grants exactly when the log says that the window has room, whoever granted
  // what is in it.
  void take() {
    const std::uint64_t before = spent();
    const Take take = state_.take(now_);
    if (shape_ == BucketShape::kRolling) {
      ASSERT_EQ(take.granted, before < limit_);
    }
    if (!take.granted) return;
    in_hand_.push_back(take);
    if (!slow_) let_go();
  }

  void let_go() {
    if (in_hand_.empty()) return;
    const std::size_t at = prng_.below(in_hand_.size());
    const Take taken = in_hand_[at];
    in_hand_.erase(in_hand_.begin() + static_cast<std::ptrdiff_t>(at));
    if (prng_.below(4) == 0) return state_.refund(taken, now_);
    state_.settle_sent(taken, now_);
    log_.add(now_);
    sends_.push_back(now_);
  }

  // As many are free as the log says that are not spent, and then none comes from nowhere.
  void reshape() {
    shape_ = shape_ == BucketShape::kRolling ? BucketShape::kSteady : BucketShape::kRolling;
    state_.set_limits(limits(), now_);
    ASSERT_EQ(state_.available(now_), limit_ - std::min<std::uint64_t>(limit_, spent()));
  }

  // Through all changes no span holds more than a steady bucket's.
  void check_spans() const {
    const Duration interval = kWindowTicks / limit_;
    for (std::size_t last = 0; last < sends_.size(); ++last) {
      const std::size_t first = last - std::min<std::size_t>(last, 3 * limit_);
      for (std::size_t i = first; i <= last; ++i)
        ASSERT_LE(last - i + 1,
                  limit_ + static_cast<std::uint64_t>((sends_[last] - sends_[i]) / interval));
    }
  }

  Prng prng_;
  bool slow_;  // tokens stay in hand for a while
  std::uint32_t limit_;
  BucketShape shape_ = BucketShape::kRolling;
  AccountState state_;
  Instant now_ = kStart;
  std::vector<Take> in_hand_;
  SendLog log_;
  std::vector<Instant> sends_;  // in the order of time
};

TEST(Reshape, NoSpanHoldsMoreThanItsShapesAllow) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    ReshapedAccount(seed, false).go();
    ASSERT_FALSE(HasFatalFailure());
  }
}

TEST(Reshape, WhatIsInHandCountsInEitherShape) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    ReshapedAccount(seed, true).go();
    ASSERT_FALSE(HasFatalFailure());
  }
}

}  // namespace
}  // namespace sluice::test
