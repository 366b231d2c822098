#include "engine/route/retreat.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/prng.h"

namespace sluice::test {
namespace {

using State = Retreat::State;

constexpr Instant kT0 = Instant(1000s);
constexpr RetreatPolicy kPolicy;

// AccountRun - an account whose answers are counted, and its retreat, ticked once a second.
class AccountRun {
 public:
  explicit AccountRun(std::uint32_t base_rpm) : retreat(base_rpm) { tick(); }

  // `seconds` in which every hundred answers, one a second, bring `percent` 429s.
  void pass(int seconds, std::uint64_t percent) {
    for (int i = 0; i < seconds; ++i) {
      now += 1s;
      ++answered;
      owed += percent;
      if (owed >= 100) {
        owed -= 100;
        ++rate_limited;
      }
      tick();
    }
  }
  void idle(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      now += 1s;
      tick();
    }
  }
  // All within one second.
  void burst(std::uint64_t answers, std::uint64_t limited) {
    now += 1s;
    answered += answers;
    rate_limited += limited;
    tick();
  }
  void tick() { effective = retreat.tick(now, answered, rate_limited, kPolicy); }

  Retreat retreat;
  Instant now = kT0;
  std::uint64_t answered = 5'000'000, rate_limited = 4'000'000;  // before it was first looked at
  std::uint64_t owed = 0;
  std::uint32_t effective = 0;
};

struct BurstRow {
  const char* rule;
  std::uint32_t base;
  std::uint64_t answers, limited;
  std::uint32_t effective;
  State state;
};

constexpr BurstRow kBurstRows[] = {
    {"no 429s", 40, 100, 0, 40, State::kNormal},
    {"below five percent", 40, 100, 4, 40, State::kNormal},
    {"five percent is one step", 40, 100, 5, 30, State::kRetreat},
    {"below ten percent is one step", 40, 100, 9, 30, State::kRetreat},
    {"ten percent is two steps", 40, 100, 10, 22, State::kRetreat},
    {"all is two steps", 40, 100, 100, 22, State::kRetreat},
    {"too few answers are not judged", 40, 9, 9, 40, State::kNormal},
    {"ten answers are", 40, 10, 1, 22, State::kRetreat},
    {"the floor holds", 6, 100, 50, 5, State::kRetreat},
    {"a base at the floor stays", 5, 100, 50, 5, State::kNormal},
    {"a base below the floor stays", 3, 100, 50, 3, State::kNormal},
    {"a base of one stays", 1, 100, 50, 1, State::kNormal},
};

TEST(Retreat, OneBurst) {
  for (const BurstRow& row : kBurstRows) {
    SCOPED_TRACE(row.rule);
    AccountRun run(row.base);
    run.burst(row.answers, row.limited);
    EXPECT_EQ(run.effective, row.effective);
    EXPECT_EQ(run.retreat.state(), row.state);
    EXPECT_EQ(run.effective, run.retreat.effective_rpm());
  }
}

TEST(Retreat, WhatWasCountedBeforeTheFirstTickIsNotJudged) {
  AccountRun run(40);
  EXPECT_EQ(run.retreat.rate_answers(), 0u);
  EXPECT_EQ(run.effective, 40u);
}

TEST(Retreat, TheWindowForgets) {
  AccountRun run(40);
  run.burst(9, 9);
  run.idle(60);
  EXPECT_EQ(run.retreat.rate_answers(), 0u);
  run.burst(9, 9);
  EXPECT_EQ(run.effective, 40u);
  run.idle(58);
  EXPECT_DOUBLE_EQ(run.retreat.rate(), 1.0);
  run.burst(1, 0);  // the tenth of this window
  EXPECT_EQ(run.effective, 22u);
}

TEST(Retreat, AtMostOneStepDownAWindow) {
  AccountRun run(400);
  run.burst(100, 5);
  EXPECT_EQ(run.effective, 300u);
  run.pass(59, 100);
  EXPECT_EQ(run.effective, 300u);
  run.pass(1, 100);
  EXPECT_EQ(run.effective, 168u);  // 300 x 0.75 x 0.75
  run.pass(59, 100);
  EXPECT_EQ(run.effective, 168u);
  run.pass(1, 100);
  EXPECT_EQ(run.effective, 94u);
  run.pass(1'000, 100);
  EXPECT_EQ(run.effective, 5u);
}

TEST(Retreat, AStepIsJudgedByTheAnswersThatCameAfterIt) {
  AccountRun run(40);
  run.burst(1'000, 1'000);
  EXPECT_EQ(run.effective, 22u);
  run.pass(70, 0);
  EXPECT_EQ(run.effective, 22u);
}

TEST(Retreat, AfterCalmTheRateComesBackInSteps) {
  AccountRun run(40);
  run.burst(100, 5);
  run.pass(119, 1);
  EXPECT_EQ(run.effective, 30u);
  EXPECT_EQ(run.retreat.state(), State::kRetreat);
  run.pass(1, 0);
  EXPECT_EQ(run.effective, 32u);
  EXPECT_EQ(run.retreat.state(), State::kRecover);
  run.pass(9, 0);
  EXPECT_EQ(run.effective, 32u);
  run.pass(1, 0);
  EXPECT_EQ(run.effective, 34u);
  run.pass(29, 0);
  EXPECT_EQ(run.effective, 38u);
  run.pass(1, 0);
  EXPECT_EQ(run.effective, 40u);
  EXPECT_EQ(run.retreat.state(), State::kNormal);
  run.pass(100, 0);
  EXPECT_EQ(run.effective, 40u);
}

TEST(Retreat, AStepBackNeverGoesAboveTheBase) {
  AccountRun run(41);
  run.burst(100, 5);  // 30.75
  run.pass(1'000, 0);
  EXPECT_EQ(run.effective, 41u);
}

TEST(Retreat, NeitherCalmNorBadStopsTheWayBack) {
  AccountRun run(40);
  run.burst(100, 5);
  run.pass(130, 0);
  EXPECT_EQ(run.effective, 34u);
  run.burst(100, 4);
  EXPECT_EQ(run.effective, 34u);
  EXPECT_EQ(run.retreat.state(), State::kRetreat);
  // The burst leaves the window after a minute; then 120 s of calm.
  run.idle(59 + 119);
  EXPECT_EQ(run.effective, 34u);
  run.idle(1);
  EXPECT_EQ(run.effective, 36u);
}

TEST(Retreat, BadOnTheWayBackIsAStepDownAgain) {
  AccountRun run(40);
  run.burst(100, 5);
  run.pass(130, 0);
  ASSERT_EQ(run.effective, 34u);
  run.burst(1'000, 200);
  EXPECT_EQ(run.effective, 19u);  // 34 x 0.5625
  EXPECT_EQ(run.retreat.state(), State::kRetreat);
  run.idle(119);
  EXPECT_EQ(run.effective, 19u);
  run.idle(1);
  EXPECT_EQ(run.effective, 21u);
}

TEST(Retreat, AnAccountAtItsFloorComesBack) {
  AccountRun run(40);
  run.pass(600, 100);
  ASSERT_EQ(run.effective, 5u);
  for (int minute = 0; minute < 3; ++minute) {  // four answers a minute are too few to be judged
    run.burst(4, 0);
    run.idle(59);
  }
  EXPECT_GT(run.effective, 5u);
}

TEST(Retreat, FewAnswersWithA429AmongThemAreNotCalm) {
  AccountRun run(40);
  run.pass(600, 100);
  for (int minute = 0; minute < 10; ++minute) {
    run.burst(4, 1);
    run.idle(59);
  }
  EXPECT_EQ(run.effective, 5u);
}

struct BaseRow {
  const char* rule;
  std::uint32_t before;
  std::uint64_t percent;  // of 429s, first
  std::uint32_t after, effective;
};

constexpr BaseRow kBaseRows[] = {
    {"at the base it follows", 40, 0, 100, 100},
    {"below it the part remains", 40, 5, 80, 60},
    {"downwards too", 40, 5, 20, 15},
    {"with its fraction", 40, 10, 80, 45},
    {"never below the floor", 40, 10, 6, 5},
    {"never above the base", 40, 10, 2, 2},
    {"what stays stays", 41, 5, 41, 30},
};

TEST(Retreat, ANewBaseKeepsThePart) {
  for (const BaseRow& row : kBaseRows) {
    SCOPED_TRACE(row.rule);
    AccountRun run(row.before);
    run.burst(100, row.percent);
    run.retreat.set_base(row.after, kPolicy);
    EXPECT_EQ(run.retreat.effective_rpm(), row.effective);
  }
}

TEST(Retreat, ThereAndBackLosesNothing) {
  AccountRun run(40);
  run.pass(600, 100);
  while (run.effective == 5) run.idle(1);
  ASSERT_EQ(run.effective, 7u);  // of 40: a part that no double holds
  for (std::uint32_t base = 40; base < 1'000; ++base) {
    run.retreat.set_base(base, kPolicy);
    run.retreat.set_base(40, kPolicy);
    ASSERT_EQ(run.retreat.effective_rpm(), 7u);
  }
}

// Whatever is answered: between floor and base, down at most once a window and never by more than
// two steps, up by at most one step and never within 120 s of a 429 rate that was not calm.
TEST(Retreat, KeepsItsBounds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    AccountRun run(100);
    Instant last_down{};
    Instant last_up{};
    Instant last_bad{};
    std::uint64_t percent = 0;
    bool moved = false;
    for (int second = 0; second < 5'000; ++second) {
      if (prng.below(100) == 0) percent = prng.below(3) == 0 ? prng.below(30) : 0;
      const double before = run.effective;
      const std::uint64_t answers = prng.below(5);
      std::uint64_t limited = 0;
      for (std::uint64_t i = 0; i < answers; ++i) limited += prng.below(100) < percent;
      run.burst(answers, limited);
      if (run.retreat.rate() >= kPolicy.calm_rate) last_bad = run.now;
      ASSERT_GE(run.effective, 5u);
      ASSERT_LE(run.effective, 100u);
      ASSERT_EQ(run.effective == 100, run.retreat.state() == State::kNormal);
      if (run.effective < before) {
        ASSERT_GE(run.now - last_down, Duration(60s));
        ASSERT_GE(run.effective + 1, before * 0.75 * 0.75);
        last_down = last_bad = run.now;
      } else if (run.effective > before) {
        ASSERT_LE(run.effective, before + 2);
        ASSERT_GE(run.now - last_bad, Duration(120s));
        ASSERT_GE(run.now - last_up, Duration(10s));
        last_up = run.now;
        moved = true;
      }
    }
    EXPECT_TRUE(moved);
  }
}

}  // namespace
}  // namespace sluice::test
