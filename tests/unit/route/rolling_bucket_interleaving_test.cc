// Every order in which two or three threads can do the atomic operations of a small rolling bucket.

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "engine/route/rolling_bucket.h"
#include "tests/unit/route/send_log.h"
#include "tests/unit/route/step_model.h"

namespace sluice::test {
namespace {

using ModelBucket = BasicRollingBucket<StepAtomics>;

constexpr Duration kTick = Duration(kTickNs);
constexpr Instant kT0 = Instant(kTick * 1'000);
constexpr Duration kWindow = kTick * 100;

// One thing that a thread does. Times in ticks from kT0.
struct Step {
  enum What : std::uint8_t { kTake, kSend, kRefund, kLimit } what;
  std::int64_t at = 0;      // kTake, kSend
  std::uint32_t limit = 0;  // kLimit
};

Instant at(std::int64_t ticks) { return kT0 + kTick * ticks; }

// Does `steps`; a send or a refund belongs to the take before it and is left out if that was
// refused. Results: +1 +time for a send, -1 +time for a refusal with its answer, 0 0 for a refund.
ModelThread thread_of(ModelBucket& bucket, std::vector<Step> steps) {
  return [&bucket, steps = std::move(steps)](Results& results) {
    bool in_hand = false;
    for (const Step& step : steps) {
      switch (step.what) {
        case Step::kTake: {
          const Take take = bucket.take(at(step.at));
          in_hand = take.granted;
          if (!in_hand) results.insert(results.end(), {-1, take.at.time_since_epoch().count()});
          break;
        }
        case Step::kSend:
          if (!in_hand) break;
          bucket.settle_sent(at(step.at));
          results.insert(results.end(), {1, at(step.at).time_since_epoch().count()});
          break;
        case Step::kRefund:
          if (!in_hand) break;
          bucket.refund();
          results.insert(results.end(), {0, 0});
          break;
        case Step::kLimit: bucket.set_limit(step.limit, kWindow); break;
      }
    }
  };
}

struct Scenario {
  const char* rule;
  std::uint32_t limit;
  std::vector<std::int64_t> sent_before;  // times, in ticks
  std::vector<std::vector<Step>> threads;
  std::uint32_t most_in_window;      // what any span may hold, those sent before included
  std::size_t sends_min, sends_max;  // by the threads
  std::uint32_t limit_after;
};

const Scenario kScenarios[] = {
    {"of three takers of the last free token one wins",
     1,
     {},
     {{{Step::kTake, 0}, {Step::kSend, 0}},
      {{Step::kTake, 0}, {Step::kSend, 0}},
      {{Step::kTake, 0}, {Step::kSend, 0}}},
     1,
     1,
     1,
     1},
    {"of three takers of the token that comes back one wins",
     1,
     {0},
     {{{Step::kTake, 100}, {Step::kSend, 100}},
      {{Step::kTake, 100}, {Step::kSend, 100}},
      {{Step::kTake, 100}, {Step::kSend, 100}}},
     1,
     1,
     1,
     1},
    {"two takers of two tokens that come back both win",
     2,
     {0, 1},
     {{{Step::kTake, 101}, {Step::kSend, 101}}, {{Step::kTake, 101}, {Step::kSend, 101}}},
     2,
     2,
     2,
     2},
    {"a token that was sent late is not granted by its earlier lap",
     1,
     {0},
     {{{Step::kTake, 100}, {Step::kSend, 150}, {Step::kTake, 250}, {Step::kSend, 250}},
      {{Step::kTake, 200}, {Step::kSend, 210}, {Step::kTake, 310}, {Step::kSend, 310}}},
     1,
     2,
     2,
     1},
    {"a refund frees one token, once",
     1,
     {0},
     {{{Step::kTake, 100}, {Step::kRefund}},
      {{Step::kTake, 100}, {Step::kSend, 100}},
      {{Step::kTake, 100}, {Step::kSend, 100}}},
     1,
     0,
     1,
     1},
    {"two tokens, a second round while the first goes on",
     2,
     {0, 0},
     {{{Step::kTake, 100}, {Step::kSend, 105}, {Step::kTake, 205}, {Step::kSend, 205}},
      {{Step::kTake, 100}, {Step::kSend, 103}}},
     2,
     2,
     3,
     2},
    {"a limit that is lowered while tokens come back",
     2,
     {0, 0},
     {{{Step::kTake, 100}, {Step::kSend, 100}},
      {{Step::kTake, 100}, {Step::kSend, 100}},
      {{Step::kLimit, 0, 1}}},
     2,
     1,
     2,
     1},
    {"a limit that is lowered and raised again mints no token",
     2,
     {0},
     {{{Step::kTake, 0}, {Step::kSend, 0}, {Step::kTake, 0}, {Step::kSend, 0}},
      {{Step::kLimit, 0, 1}, {Step::kLimit, 0, 2}}},
     2,
     0,
     1,
     2},
};

TEST(RollingBucketInterleaving, EveryOrderKeepsTheLimitAndEveryToken) {
  for (const Scenario& scenario : kScenarios) {
    SCOPED_TRACE(scenario.rule);
    World::instance().clear();
    ModelBucket bucket(scenario.limit, kWindow);
    for (const std::int64_t sent : scenario.sent_before) {
      ASSERT_TRUE(bucket.take(at(sent)).granted);
      bucket.settle_sent(at(sent));
    }
    std::vector<ModelThread> threads;
    for (const auto& steps : scenario.threads) threads.push_back(thread_of(bucket, steps));

    std::size_t fewest = SIZE_MAX;
    std::size_t most = 0;
    const Explored explored = Explorer(threads).explore([&](const std::vector<Results>& all) {
      SendLog log;
      for (const std::int64_t sent : scenario.sent_before) log.add(at(sent));
      for (const Results& results : all) {
        for (std::size_t i = 0; i < results.size(); i += 2) {
          const Instant time{Duration(results[i + 1])};
          if (results[i] == 1) log.add(time);
          if (results[i] == -1) {
            EXPECT_GT(time, kT0);
          }
        }
      }
      ASSERT_LE(log.most_in_any(kWindow), scenario.most_in_window);
      const std::size_t sends = log.size() - scenario.sent_before.size();
      fewest = std::min(fewest, sends);
      most = std::max(most, sends);
      // When all has come back, exactly the tokens of the limit are there: none lost, none made.
      ASSERT_EQ(bucket.available(at(100'000)), scenario.limit_after);
    });
    EXPECT_EQ(fewest, scenario.sends_min);
    EXPECT_EQ(most, scenario.sends_max);
    EXPECT_GT(explored.endings, 1u);
    RecordProperty(scenario.rule, static_cast<int>(explored.states));
  }
}

}  // namespace
}  // namespace sluice::test
