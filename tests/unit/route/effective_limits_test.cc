#include "engine/route/effective_limits.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "engine/route/learn_limits.h"
#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

struct ToldRow {
  const char* rule;
  RateLimit told;
  std::optional<std::uint32_t> limit;
};

const ToldRow kToldRows[] = {
    {"one used, back in a sixtieth of a minute", {60, 59, 1s}, 60},
    {"all used, back in a minute", {500, 0, 60s}, 500},
    {"what is left does not matter to a part of it", {500, 250, 30s}, 500},
    {"the end of a fixed minute is told late in it", {60, 30, 25s}, 60},
    {"nothing used tells no window", {60, 60, 0s}, std::nullopt},
    {"without what remains the reset is that of the whole", {60, {}, 55s}, 60},
    {"a limit for a day comes back more slowly", {1000, 999, 86400ms}, std::nullopt},
    {"a limit for a second faster", {10, 5, 500ms}, std::nullopt},
    {"without a limit there is none", {{}, 0, 60s}, std::nullopt},
    {"without a reset nobody knows the window", {60, 0, {}}, std::nullopt},
    {"a limit of zero is a mistake", {0, 0, 60s}, std::nullopt},
    {"more than can be counted", {5'000'000'000, 0, 60s}, 1'000'000'000},
    {"more left than the limit", {60, 70, 60s}, std::nullopt},
};

TEST(LearnLimits, ForTheWindowThatTheyAreFor) {
  for (const ToldRow& row : kToldRows) EXPECT_EQ(limit_for(row.told, 60s), row.limit) << row.rule;
  EXPECT_EQ(limit_for({1000, 999, 86400ms}, 24h), 1000u);
}

TEST(LearnLimits, NothingLeftOfAnyOfThem) {
  RateLimitFields told;
  EXPECT_EQ(nothing_left_until(told, kStart, 24h), kStart);
  told.requests = {60, 1, 59s};
  EXPECT_EQ(nothing_left_until(told, kStart, 24h), kStart);
  told.input_tokens = {1000, 0, 7s};
  told.tokens = {1000, 0, 3h};
  EXPECT_EQ(nothing_left_until(told, kStart, 24h), kStart + 3h);
  EXPECT_EQ(nothing_left_until(told, kStart, 10min), kStart + 10min);
  told.tokens.reset = {};
  EXPECT_EQ(nothing_left_until(told, kStart, 24h), kStart + 7s);
}

constexpr AccountLimits kConfigured = {.limit = 90, .emergency = 10, .tokens = 5000, .learn = true};

AccountLimits in_force(const AccountLimits& configured, const LearnedLimits& learned) {
  return EffectiveLimits(configured).in_force(learned);
}

TEST(EffectiveLimits, LearnedOnesLowerAndNeverRaise) {
  EXPECT_EQ(in_force(kConfigured, {}), kConfigured);
  EXPECT_EQ(in_force(kConfigured, {.requests = 1000, .tokens = 9000}), kConfigured);
  const AccountLimits lower = in_force(kConfigured, {.requests = 50, .tokens = 400});
  EXPECT_EQ(lower.limit + lower.emergency, 50u);
  EXPECT_EQ(lower.emergency, 5u);
  EXPECT_EQ(lower.tokens, 400u);
  EXPECT_EQ(in_force(kConfigured, {.requests = 1}).limit, 1u);
}

TEST(EffectiveLimits, WhereNoTokensAreConfiguredTheLearnedOnesHold) {
  EXPECT_EQ(in_force({.limit = 90, .learn = true}, {.tokens = 400}).tokens, 400u);
}

TEST(EffectiveLimits, OnlyAccountsThatLearn) {
  AccountLimits configured = kConfigured;
  configured.learn = false;
  EXPECT_EQ(in_force(configured, {.requests = 1, .tokens = 1}), configured);
}

// An account whose provider answers `percent` of 100 requests a second with 429.
class Adapting : public ::testing::Test {
 protected:
  void run(Duration length, int percent) {
    for (const Instant end = now_ + length; now_ < end; now_ += 1s) {
      for (int i = 0; i < 100; ++i) state_.count_answer(i < percent);
      state_.adapt(now_, policy_);
    }
  }
  AccountState state_{{.limit = 400}};
  RetreatPolicy policy_;
  Instant now_ = kStart;
};

TEST_F(Adapting, RetreatsAndComesBack) {
  run(10s, 0);
  EXPECT_EQ(state_.limit(), 400u);
  run(30s, 7);
  EXPECT_EQ(state_.limit(), 300u);
  EXPECT_EQ(state_.effective().state(), Retreat::State::kRetreat);
  run(10min, 0);
  EXPECT_GT(state_.limit(), 300u);
  EXPECT_LT(state_.limit(), 400u);
  EXPECT_EQ(state_.effective().state(), Retreat::State::kRecover);
  run(10min, 0);
  EXPECT_EQ(state_.limit(), 400u);
  EXPECT_EQ(state_.effective().state(), Retreat::State::kNormal);
}

TEST_F(Adapting, AReloadDoesNotEndARetreat) {
  run(30s, 20);
  EXPECT_EQ(state_.limit(), 225u);
  state_.set_limits({.limit = 400}, now_);
  EXPECT_EQ(state_.limit(), 225u);
  state_.set_limits({.limit = 800}, now_);
  EXPECT_EQ(state_.limit(), 450u);
}

TEST_F(Adapting, SwitchedOffItUsesWhatIsConfigured) {
  run(30s, 20);
  policy_.enabled = false;
  run(1s, 20);
  EXPECT_EQ(state_.limit(), 400u);
  run(60s, 50);
  EXPECT_EQ(state_.limit(), 400u);
}

TEST_F(Adapting, TellsWhenSomethingHasChanged) {
  EXPECT_FALSE(state_.adapt(now_, policy_));
  state_.set_limits({.limit = 400, .learn = true}, now_);
  state_.learn({.requests = 60, .tokens = 1000}, now_);
  EXPECT_TRUE(state_.adapt(now_, policy_));
  EXPECT_EQ(state_.limit(), 60u);
  EXPECT_FALSE(state_.adapt(now_, policy_));
  state_.learn({.requests = 90}, now_);  // what was said last
  EXPECT_TRUE(state_.adapt(now_, policy_));
  EXPECT_EQ(state_.limit(), 90u);
}

TEST_F(Adapting, LearnedTokensHoldForRequestsToCome) {
  state_.set_limits({.limit = 400, .learn = true}, now_);
  Grant before;
  ASSERT_TRUE(state_.grant({.prompt = 700, .completion = 0}, false, now_, before));
  state_.learn({.tokens = 1000}, now_);
  state_.adapt(now_, policy_);
  Grant first;
  Grant second;
  EXPECT_TRUE(state_.grant({.prompt = 700, .completion = 0}, false, now_, first));
  EXPECT_FALSE(state_.grant({.prompt = 700, .completion = 0}, false, now_, second));
  state_.undo(before, now_);  // it had reserved nothing
  EXPECT_FALSE(state_.grant({.prompt = 700, .completion = 0}, false, now_, second));
  state_.undo(first, now_);
}

TEST(Hold, AnAccountWithNothingLeftIsLeftAloneAndIsNotCooling) {
  const Directory directory = make_directory({{.name = "a"}});
  AccountState& state = *directory.accounts[0]->state;
  state.learn({}, kStart + 40s);
  state.learn({}, kStart + 20s);  // an older answer, overtaken
  Shard shard;
  const Choice none = shard.ladder(directory, "m").next(kStart + 39s);
  EXPECT_EQ(none.kind, Choice::Kind::kExhausted);
  expect_about(none.retry_at, kStart + 40s);
  EXPECT_EQ(state.cooldown().count(), 0u);
  EXPECT_EQ(shard.balancer.counters.primary_wait_exhausted, 0u);
  EXPECT_FALSE(state.at_rest(kStart + 39s));
  Choice after = shard.ladder(directory, "m").next(kStart + 40s + 5us);
  EXPECT_EQ(after.kind, Choice::Kind::kTry);
  after.permit.refund(kStart + 41s);
}

TEST(Hold, AnotherKeyBeginsAnew) {
  const AccountRow learns = {.name = "a", .learn_limits = true};
  const Directory first = make_directory({learns});
  first.accounts[0]->state->learn({.requests = 3, .tokens = 4}, kStart + 1h);
  const Directory same = make_directory({learns}, Strategy::kOrdered, &first, kStart);
  EXPECT_TRUE(same.accounts[0]->state->on_hold(kStart));
  const Directory other =
      make_directory({{.name = "a", .api_key = "sk-test-2", .learn_limits = true}},
                     Strategy::kOrdered, &same, kStart);
  EXPECT_FALSE(other.accounts[0]->state->on_hold(kStart));
  const Directory deaf = make_directory({{.name = "a"}}, Strategy::kOrdered, &same, kStart);
  EXPECT_FALSE(deaf.accounts[0]->state->on_hold(kStart));
}

}  // namespace
}  // namespace sluice::test
