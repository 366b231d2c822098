#include "engine/route/urgent_rate.h"

#include <gtest/gtest.h>

#include <utility>

#include "engine/route/account_state.h"
#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

TEST(UrgentRate, ExpectsNothingOfThoseWhoNeverCame) {
  UrgentRate rate;
  for (int second = 0; second < 100; ++second) rate.tick();
  EXPECT_EQ(rate.per_second(), 0);
  EXPECT_EQ(rate.expected_within(1h), 0u);
}

// Two a second; what it makes of that after so many.
TEST(UrgentRate, LearnsWithinAMinute) {
  UrgentRate rate;
  const std::pair<int, double> learned[] = {{1, 0.08}, {30, 1.24}, {60, 1.64}, {600, 2}};
  int second = 0;
  for (const auto& [after, expected] : learned) {
    for (; second < after; ++second) {
      rate.count();
      rate.count();
      rate.tick();
    }
    EXPECT_NEAR(rate.per_second(), expected, 0.02) << after;
  }
}

TEST(UrgentRate, ExpectsTheMeanAndADeviation) {
  UrgentRate rate;
  for (int second = 0; second < 6000; ++second) {
    rate.count();
    rate.tick();
  }
  EXPECT_EQ(rate.expected_within(10s), 13u);
  EXPECT_EQ(rate.expected_within(400ms), 1u);  // 0.4 and 0.63
  EXPECT_EQ(rate.expected_within(300ms), 0u);
  EXPECT_EQ(rate.expected_within(-1s), 0u);
}

TEST(UrgentRate, ForgetsWithinMinutes) {
  UrgentRate rate;
  for (int second = 0; second < 60; ++second) {
    rate.count();
    rate.tick();
  }
  for (int second = 0; second < 60; ++second) rate.tick();
  EXPECT_NEAR(rate.per_second(), 0.26, 0.02);
  for (int second = 0; second < 600; ++second) rate.tick();
  EXPECT_EQ(rate.per_second(), 0);
}

constexpr Demand kUrgent = {};
constexpr Demand kPatient = {.patient = true};

void send(AccountState& state, const Demand& demand, Instant now) {
  Grant grant;
  ASSERT_TRUE(state.grant(demand, false, now, grant));
  state.settle_sent(grant.request, now);
  state.finish(grant, std::nullopt, now);
}

bool refuses(AccountState& state, const Demand& demand, Instant now) {
  Grant grant;
  if (!state.grant(demand, false, now, grant)) return true;
  state.undo(grant, now);
  return false;
}

TEST(UrgentRate, TheLastPermitsAreForThoseWhoAreLikelyToCome) {
  AccountState state({.limit = 12, .window = 60s});
  for (int i = 0; i < 9; ++i) send(state, i < 2 ? kUrgent : kPatient, kStart);
  static_cast<void>(state.adapt(kStart, {}));
  // Three are left, and 0.08 a second are likely to be asked for in the 55 s until the next one.
  const Instant now = kStart + 5s;
  EXPECT_EQ(state.available(now), 3u);
  EXPECT_TRUE(refuses(state, kPatient, now));
  EXPECT_EQ(state.next_permit_at(now, kUrgent), now);
  EXPECT_FALSE(refuses(state, kUrgent, now));
  // Towards the end of the pause there is less to bridge; when that is so is known before.
  const Instant at = state.next_permit_at(now, kPatient);
  EXPECT_GT(at, kStart + 30s);
  EXPECT_LT(at, kStart + 59s);
  EXPECT_TRUE(refuses(state, kPatient, at - 1s));
  EXPECT_FALSE(refuses(state, kPatient, at + 1s));
}

// Of 40 permits 20 went to a crowd of urgent requests: another one is not sure to come.
TEST(UrgentRate, NoMoreThanAQuarterIsKept) {
  AccountState state({.limit = 40, .window = 60s});
  for (int i = 0; i < 20; ++i) send(state, kUrgent, kStart);
  static_cast<void>(state.adapt(kStart, {}));
  for (int i = 0; i < 10; ++i) send(state, kPatient, kStart + 1s);
  EXPECT_TRUE(refuses(state, kPatient, kStart + 1s));
  EXPECT_EQ(state.available(kStart + 1s), 10u);
}

TEST(UrgentRate, WithoutUrgentRequestsNothingIsKept) {
  AccountState state({.limit = 3, .window = 60s});
  for (int second = 0; second < 3; ++second) {
    send(state, kPatient, kStart + second * 1s);
    static_cast<void>(state.adapt(kStart + second * 1s, {}));
  }
  EXPECT_EQ(state.available(kStart + 3s), 0u);
}

TEST(UrgentRate, AnIdleAccountIsForEverybody) {
  AccountState state({.limit = 2, .window = 60s});
  send(state, kUrgent, kStart);
  static_cast<void>(state.adapt(kStart, {}));
  EXPECT_FALSE(refuses(state, kPatient, kStart + 61s));
}

}  // namespace
}  // namespace sluice::test
