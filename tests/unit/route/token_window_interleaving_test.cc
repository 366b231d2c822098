// Every order in which two or three threads can do the atomic operations of a token window.

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "engine/route/token_window.h"
#include "tests/unit/route/step_model.h"
#include "tests/unit/route/unit_log.h"

namespace sluice::test {
namespace {

using ModelWindow = BasicTokenWindow<StepAtomics>;

constexpr Duration kCell = ModelWindow::kGranule;
constexpr Duration kWindow = kCell * ModelWindow::kCells;
constexpr Instant kT0 = Instant(kCell * 10'000);

// One thing that a thread does. Times in cells from kT0.
struct Step {
  enum What : std::uint8_t { kReserve, kSettle, kCancel, kLimit } what;
  std::int64_t at = 0;
  std::uint64_t units = 0;
};

Instant at(std::int64_t cells) { return kT0 + kCell * cells; }

// Does `steps`; a settle or a cancel belongs to the reserve before it and is left out if that was
// refused. Results: time and change of what was counted, one pair for each reserve that passed and
// each settle or cancel.
ModelThread thread_of(ModelWindow& window, std::vector<Step> steps) {
  return [&window, steps = std::move(steps)](Results& results) {
    std::optional<TokenReservation> in_hand;
    const auto note = [&](const Step& step, std::uint64_t units) {
      results.insert(results.end(), {step.at, static_cast<std::int64_t>(units)});
    };
    for (const Step& step : steps) {
      switch (step.what) {
        case Step::kReserve:
          in_hand = window.reserve(step.units, at(step.at));
          if (in_hand) note(step, step.units);
          break;
        case Step::kSettle:
          if (!in_hand) break;
          window.settle(*in_hand, step.units, at(step.at));
          note(step, step.units - in_hand->units);
          break;
        case Step::kCancel:
          if (!in_hand) break;
          window.cancel(*in_hand);
          note(step, -std::uint64_t{in_hand->units});
          break;
        case Step::kLimit: window.set_limit(step.units, kWindow); break;
      }
    }
  };
}

struct Scenario {
  const char* rule;
  std::uint64_t limit;
  std::uint64_t reserved_before;  // at 0
  std::vector<std::vector<Step>> threads;
  std::uint64_t most_in_window;  // of what was reserved, in any span, whatever was settled
  std::size_t passed_min, passed_max;
  std::int64_t seen_at;                   // when all is at rest
  std::int64_t counted_min, counted_max;  // then
};

constexpr std::int64_t kBack = ModelWindow::kCells + 1;  // what was reserved at 0 is back

const Scenario kScenarios[] = {
    {"of three that take the last unit one wins",
     1,
     0,
     {{{Step::kReserve, 0, 1}}, {{Step::kReserve, 0, 1}}, {{Step::kReserve, 0, 1}}},
     1,
     1,
     1,
     0,
     1,
     1},
    {"two that fit together both pass",
     10,
     0,
     {{{Step::kReserve, 0, 4}}, {{Step::kReserve, 0, 6}}},
     10,
     2,
     2,
     0,
     10,
     10},
    {"one too large for the others' sake keeps none of them out",
     10,
     4,
     {{{Step::kReserve, 0, 7}}, {{Step::kReserve, 0, 6}}},
     10,
     1,
     1,
     0,
     10,
     10},
    {"of two larger than the limit one passes",
     10,
     0,
     {{{Step::kReserve, 0, 50}}, {{Step::kReserve, 0, 60}}},
     60,
     1,
     1,
     0,
     50,
     60},
    {"units that come back are taken once",
     10,
     10,
     {{{Step::kReserve, kBack, 10}}, {{Step::kReserve, kBack, 10}}, {{Step::kReserve, kBack, 10}}},
     10,
     1,
     1,
     kBack,
     10,
     10},
    {"a slot that is used again drops what it held, once",
     10,
     10,
     {{{Step::kReserve, 64, 5}}, {{Step::kReserve, 64, 5}}},
     10,
     1,
     2,
     64,
     5,
     10},
    {"what one gives back the other may take",
     10,
     0,
     {{{Step::kReserve, 0, 10}, {Step::kCancel, 0}}, {{Step::kReserve, 0, 10}}},
     20,
     1,
     2,
     0,
     0,
     10},
    {"a settle that comes while its cell runs out takes nothing from the next",
     10,
     0,
     {{{Step::kReserve, 0, 10}, {Step::kSettle, kBack, 3}}, {{Step::kReserve, 64, 10}}},
     20,
     1,
     2,
     kBack,
     0,
     10},
    {"two settles of one cell, one up and one down",
     20,
     0,
     {{{Step::kReserve, 0, 5}, {Step::kSettle, 0, 1}},
      {{Step::kReserve, 0, 5}, {Step::kSettle, 1, 8}}},
     10,
     2,
     2,
     1,
     9,
     9},
    {"a thread that is a window late counts what it took",
     10,
     5,
     {{{Step::kReserve, 0, 5}}, {{Step::kReserve, kBack, 5}}, {{Step::kReserve, 64, 5}}},
     15,
     1,
     3,
     64,
     5,
     10},
    {"a limit that changes lets no more pass than the larger one",
     5,
     5,
     {{{Step::kReserve, 0, 5}}, {{Step::kReserve, 0, 5}}, {{Step::kLimit, 0, 10}}},
     10,
     0,
     1,
     0,
     5,
     10},
};

// Holds `window`, at rest, against what its threads said that they had taken.
void check_at_rest(ModelWindow& window, const Scenario& scenario, const std::vector<Results>& all,
                   std::size_t& passed) {
  UnitLog taken;
  std::int64_t last = scenario.seen_at;
  taken.add(kT0, scenario.reserved_before);
  for (const Results& results : all) {
    for (std::size_t i = 0; i < results.size(); i += 2) {
      last = std::max(last, results[i]);
      if (i != 0) continue;  // the reserve comes first
      taken.add(at(results[i]), static_cast<std::uint64_t>(results[i + 1]));
      ++passed;
    }
  }
  ASSERT_LE(taken.most_in_any(kWindow), scenario.most_in_window);
  const auto counted = static_cast<std::int64_t>(window.used(at(scenario.seen_at)));
  ASSERT_GE(counted, scenario.counted_min);
  ASSERT_LE(counted, scenario.counted_max);
  // `used` is what the cells hold: all of it comes back, and no more.
  const Instant later = at(last + kBack * 2);
  ASSERT_EQ(window.used(later), 0u);
  ASSERT_TRUE(window.reserve(window.limit(), later));
  ASSERT_FALSE(window.reserve(1, later));
}

TEST(TokenWindowInterleaving, EveryOrderKeepsTheLimitAndEveryUnit) {
  for (const Scenario& scenario : kScenarios) {
    SCOPED_TRACE(scenario.rule);
    World::instance().clear();
    ModelWindow window(scenario.limit, kWindow);
    if (scenario.reserved_before > 0) {
      ASSERT_TRUE(window.reserve(scenario.reserved_before, kT0));
    }
    std::vector<ModelThread> threads;
    for (const auto& steps : scenario.threads) threads.push_back(thread_of(window, steps));

    std::size_t fewest = SIZE_MAX;
    std::size_t most = 0;
    const Explored explored = Explorer(threads).explore([&](const std::vector<Results>& all) {
      std::size_t passed = 0;
      check_at_rest(window, scenario, all, passed);
      fewest = std::min(fewest, passed);
      most = std::max(most, passed);
    });
    EXPECT_EQ(fewest, scenario.passed_min);
    EXPECT_EQ(most, scenario.passed_max);
    EXPECT_GT(explored.endings, 1u);
    RecordProperty(scenario.rule, static_cast<int>(explored.states));
  }
}

}  // namespace
}  // namespace sluice::test
