#include "engine/route/breaker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "tests/unit/route/run_together.h"
#include "tests/unit/route/step_model.h"

namespace sluice::test {
namespace {

using Kind = BreakerEntry::Kind;
using State = BreakerState;

constexpr Instant kT0 = Instant(1000s);
constexpr Duration kTick = 4096ns;  // times are rounded up by less than this
constexpr BreakerPolicy kPolicy = {.failures = 3, .open = 10s, .open_max = 60s};

// One thing that happens, at a time counted from kT0. A request is named by the order of entry.
struct Step {
  enum What : std::uint8_t { kEnter, kSucceed, kFail, kAbandon } what;
  Duration at;
  std::size_t request = 0;  // of a report
  Kind granted = Kind::kRefused;
  bool opened = false;
  // Afterwards:
  State state = State::kClosed;
  Duration passable_at{};
};

constexpr Step passes(Duration at) { return {Step::kEnter, at, 0, Kind::kPassed, false, {}, at}; }
constexpr Step refused(Duration at, Duration until, State state = State::kOpen) {
  return {Step::kEnter, at, 0, Kind::kRefused, false, state, until};
}
constexpr Step probes(Duration at) {
  return {Step::kEnter, at, 0, Kind::kProbe, false, State::kHalfOpen, at + BreakerWord::kProbeMax};
}
constexpr Step fails(Duration at, std::size_t request) {
  return {Step::kFail, at, request, {}, false, State::kClosed, at};
}
constexpr Step opens(Duration at, std::size_t request, Duration until) {
  return {Step::kFail, at, request, {}, true, State::kOpen, until};
}
constexpr Step leaves_open(Step::What what, Duration at, std::size_t request, Duration until) {
  return {what, at, request, {}, false, State::kOpen, until};
}
constexpr Step leaves_half_open(Step::What what, Duration at, std::size_t request, Duration until) {
  return {what, at, request, {}, false, State::kHalfOpen, until};
}
constexpr Step closes(Duration at, std::size_t request) {
  return {Step::kSucceed, at, request, {}, false, State::kClosed, at};
}

struct Row {
  const char* rule;
  std::vector<Step> steps;
};

const Row kRows[] = {
    {"closed it lets all pass", {passes(0s), passes(0s), passes(1s), closes(2s, 0)}},
    {"failures in a row open it, and it refuses",
     {passes(0s), passes(0s), passes(0s), fails(1s, 0), fails(1s, 1), opens(2s, 2, 12s),
      refused(2s, 12s), refused(11s, 12s)}},
    {"a success ends the row",
     {passes(0s), passes(0s), passes(0s), passes(0s), fails(1s, 0), fails(1s, 1), closes(1s, 2),
      fails(2s, 3), passes(3s), fails(3s, 4)}},
    {"an abandoned request neither ends the row nor adds to it",
     {passes(0s),
      passes(0s),
      passes(0s),
      passes(0s),
      fails(1s, 0),
      fails(1s, 1),
      {Step::kAbandon, 1s, 2, {}, false, State::kClosed, 1s},
      opens(2s, 3, 12s)}},
    {"then one probe passes, and no other",
     {passes(0s), passes(0s), passes(0s), fails(1s, 0), fails(1s, 1), opens(2s, 2, 12s),
      probes(12s + kTick), refused(13s, 72s + kTick, State::kHalfOpen),
      refused(71s, 72s + kTick, State::kHalfOpen)}},
    {"the probe's success closes it",
     {passes(0s), passes(0s), passes(0s), fails(1s, 0), fails(1s, 1), opens(2s, 2, 12s),
      probes(13s), closes(14s, 3), passes(14s), passes(14s), fails(15s, 4), fails(15s, 5)}},
    {"each failed probe doubles the time, up to the maximum",
     {passes(0s), passes(0s), passes(0s), fails(0s, 0), fails(0s, 1), opens(0s, 2, 10s),
      probes(20s), opens(20s, 3, 40s), probes(50s), opens(50s, 4, 90s), probes(100s),
      opens(100s, 5, 160s), probes(200s), opens(200s, 6, 260s)}},
    {"once closed it opens for the first time again",
     {passes(0s), passes(0s), passes(0s), fails(0s, 0), fails(0s, 1), opens(0s, 2, 10s),
      probes(20s), opens(20s, 3, 40s), probes(50s), closes(50s, 4), passes(51s), passes(51s),
      passes(51s), fails(51s, 5), fails(51s, 6), opens(52s, 7, 62s)}},
    {"requests from before it opened double nothing while it is open",
     {passes(0s), passes(0s), passes(0s), passes(0s), passes(0s), fails(1s, 0), fails(1s, 1),
      opens(2s, 2, 12s), leaves_open(Step::kFail, 3s, 3, 12s),
      leaves_open(Step::kSucceed, 4s, 4, 12s)}},
    {"nor while the probe is under way",
     {passes(0s), passes(0s), passes(0s), passes(0s), passes(0s), fails(1s, 0), fails(1s, 1),
      opens(2s, 2, 12s), probes(13s), leaves_half_open(Step::kFail, 14s, 3, 73s),
      leaves_half_open(Step::kSucceed, 15s, 4, 73s)}},
    {"nor open it again once it has closed, nor end a row",
     {passes(0s),    passes(0s),    passes(0s),     passes(0s),         passes(0s),  passes(0s),
      passes(0s),    fails(1s, 0),  fails(1s, 1),   opens(2s, 2, 12s),  probes(13s), closes(14s, 7),
      fails(14s, 3), fails(14s, 4), fails(14s, 5),  passes(14s),        passes(14s), passes(14s),
      fails(15s, 8), fails(15s, 9), closes(15s, 6), opens(16s, 10, 26s)}},
    {"an abandoned probe leaves its place to the next at once",
     {passes(0s), passes(0s), passes(0s), fails(1s, 0), fails(1s, 1), opens(2s, 2, 12s),
      probes(13s), leaves_half_open(Step::kAbandon, 13s, 3, 13s), probes(13s),
      refused(13s, 73s, State::kHalfOpen), opens(14s, 4, 34s)}},
    {"a probe that never reports loses its place",
     {passes(0s), passes(0s), passes(0s), fails(1s, 0), fails(1s, 1), opens(2s, 2, 12s),
      probes(13s), refused(72s, 73s, State::kHalfOpen), probes(74s), opens(75s, 4, 95s)}},
    {"the failure of such a probe says nothing",
     {passes(0s), passes(0s), passes(0s), fails(1s, 0), fails(1s, 1), opens(2s, 2, 12s),
      probes(13s), probes(74s), leaves_half_open(Step::kFail, 75s, 3, 134s),
      leaves_half_open(Step::kAbandon, 75s, 3, 134s)}},
    {"its success closes it",
     {passes(0s), passes(0s), passes(0s), fails(1s, 0), fails(1s, 1), opens(2s, 2, 12s),
      probes(13s), probes(74s), closes(75s, 3), passes(76s), fails(77s, 4)}},
};

void expect_about(Instant actual, Instant expected) {
  EXPECT_GE(actual, expected);
  EXPECT_LT(actual, expected + kTick);
}

TEST(Breaker, Rows) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.rule);
    Breaker breaker;
    std::vector<BreakerEntry> requests;
    for (const Step& step : row.steps) {
      SCOPED_TRACE(step.at / 1s);
      const Instant now = kT0 + step.at;
      switch (step.what) {
        case Step::kEnter: {
          const bool passable = breaker.passable(now);
          const BreakerEntry entry = breaker.enter(now);
          EXPECT_EQ(entry.kind, step.granted);
          EXPECT_EQ(passable, entry.granted());
          if (entry.granted()) requests.push_back(entry);
          break;
        }
        case Step::kSucceed: breaker.succeeded(requests.at(step.request)); break;
        case Step::kAbandon: breaker.abandoned(requests.at(step.request)); break;
        case Step::kFail: {
          const auto change = breaker.failed(requests.at(step.request), now, kPolicy);
          EXPECT_EQ(change.opened, step.opened);
          if (change.opened) expect_about(change.until, kT0 + step.passable_at);
          break;
        }
      }
      EXPECT_EQ(breaker.read().state(now), step.state);
      expect_about(breaker.passable_at(now), kT0 + step.passable_at);
    }
  }
}

TEST(Breaker, WithoutANumberOfFailuresItNeverOpens) {
  Breaker breaker;
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_FALSE(breaker.failed(breaker.enter(kT0), kT0, {.failures = 0}).opened);
  }
  EXPECT_EQ(breaker.read().state(kT0), State::kClosed);
}

TEST(Breaker, TheLargestNumberOfFailuresIsOneThatFitsItsWord) {
  Breaker breaker;
  int failures = 1;
  while (!breaker.failed(breaker.enter(kT0), kT0, {.failures = 1'000'000}).opened) ++failures;
  EXPECT_EQ(failures, 255);
}

TEST(Breaker, OpeningsAreCountedUpToWhatFitsItsWord) {
  Breaker breaker;
  Instant now = kT0;
  for (std::uint32_t i = 1; i <= 100; ++i) {
    const BreakerEntry entry = breaker.enter(now);
    now = breaker.failed(entry, now, {.failures = 1}).until;
    ASSERT_EQ(breaker.read().openings, std::min(i, 63u));
  }
  breaker.succeeded(breaker.enter(now));
  EXPECT_EQ(breaker.read().openings, 0u);
}

TEST(Breaker, ItsRowCanBeRead) {
  Breaker breaker;
  const BreakerEntry entry = breaker.enter(kT0);
  breaker.failed(entry, kT0, kPolicy);
  breaker.failed(entry, kT0, kPolicy);
  EXPECT_EQ(breaker.read().failures, 2u);
  breaker.failed(entry, kT0, kPolicy);
  EXPECT_EQ(breaker.read().failures, 0u);
}

// Every order of the atomic operations of three threads.
struct Together {
  const char* rule;
  Duration at;  // from when it opened
  void (*report)(BasicBreaker<StepAtomics>&, const BreakerEntry&, Instant, Results&);
  std::int64_t probes_max, opened_max;
};

void note_failed(BasicBreaker<StepAtomics>& breaker, const BreakerEntry& entry, Instant now,
                 Results& results) {
  results.push_back(breaker.failed(entry, now, kPolicy).opened);
}

const Together kTogether[] = {
    {"of the failures that open it one is told so", Duration(-1s), note_failed, 0, 1},
    {"none passes while it is open", 9s, note_failed, 0, 0},
    {"of three at the end of its time one is the probe", 11s,
     [](auto&, const BreakerEntry&, Instant, Results& results) { results.push_back(0); }, 1, 0},
    {"the probe that fails is the one that opens it again", 11s, note_failed, 1, 1},
    {"a probe that is abandoned leaves one place", 11s,
     [](auto& breaker, const BreakerEntry& entry, Instant, Results& results) {
       breaker.abandoned(entry);
       results.push_back(0);
     },
     3, 0},
};

TEST(Breaker, InEveryOrderOfThreeThreads) {
  for (const Together& row : kTogether) {
    SCOPED_TRACE(row.rule);
    World::instance().clear();
    BasicBreaker<StepAtomics> breaker;
    const bool open = row.at > 0s;
    for (int i = 0; i < (open ? 3 : 1); ++i) breaker.failed(breaker.enter(kT0), kT0, kPolicy);
    const ModelThread thread = [&](Results& results) {
      const BreakerEntry entry = breaker.enter(kT0 + row.at);
      results.push_back(entry.kind == Kind::kProbe);
      row.report(breaker, entry, kT0 + row.at, results);
    };
    std::int64_t probes_max = 0;
    std::int64_t opened_max = 0;
    Explorer({thread, thread, thread}).explore([&](const std::vector<Results>& all) {
      std::int64_t probes = 0;
      std::int64_t opened = 0;
      for (const Results& results : all) {
        probes += results[0];
        opened += results[1];
      }
      if (row.probes_max > 0) {
        ASSERT_GE(probes, 1);
      }
      ASSERT_EQ(opened, row.opened_max);
      probes_max = std::max(probes_max, probes);
      opened_max = std::max(opened_max, opened);
    });
    EXPECT_EQ(probes_max, row.probes_max);
    EXPECT_EQ(opened_max, row.opened_max);
  }
}

TEST(Breaker, OfManyThreadsOneIsTheProbe) {
  for (int round = 0; round < 100; ++round) {
    Breaker breaker;
    for (int i = 0; i < 3; ++i) breaker.failed(breaker.enter(kT0), kT0, kPolicy);
    std::atomic<int> probes = 0;
    run_together([&](int) { probes += breaker.enter(kT0 + 11s).granted(); });
    EXPECT_EQ(probes, 1);
  }
}

// Whatever is reported in whatever order, the breaker becomes passable again in bounded time, and
// never two probes of one place are out together.
TEST(Breaker, NeverWedgesAndNeverHasTwoProbesOut) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    Breaker breaker;
    std::vector<BreakerEntry> out;
    Instant now = kT0;
    Instant last_probe{};
    for (int step = 0; step < 500; ++step) {
      now += Duration(static_cast<std::int64_t>(prng.below(4'000'000'000)));
      ASSERT_LE(breaker.passable_at(now), now + BreakerWord::kProbeMax + kTick);
      if (out.empty() || prng.below(2) == 0) {
        const BreakerEntry entry = breaker.enter(now);
        if (!entry.granted()) continue;
        if (entry.kind == Kind::kProbe) {
          ASSERT_GE(now, last_probe + BreakerWord::kProbeMax);
          last_probe = now;
        }
        out.push_back(entry);
        continue;
      }
      std::swap(out[prng.below(out.size())], out.back());
      const BreakerEntry entry = out.back();
      out.pop_back();
      switch (prng.below(4)) {
        case 0: breaker.succeeded(entry); break;
        case 1: breaker.abandoned(entry); break;
        default: breaker.failed(entry, now, kPolicy); break;
      }
      if (entry.at == last_probe) last_probe = Instant{};
      if (breaker.read().state(now) == State::kClosed) last_probe = Instant{};
    }
  }
}

}  // namespace
}  // namespace sluice::test
