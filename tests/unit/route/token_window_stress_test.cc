// The token window under real threads; a build with b_sanitize=thread looks for races as well.

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "engine/route/token_window.h"
#include "tests/unit/route/run_together.h"
#include "tests/unit/route/unit_log.h"

namespace sluice::test {
namespace {

constexpr Duration kCell = TokenWindow::kGranule;
constexpr Duration kWindow = kCell * TokenWindow::kCells;
constexpr Instant kT0 = Instant(kCell * 10'000);

TEST(TokenWindowStress, OfFiveThousandThatTakeTheWholeExactlyOneWinsInEachWindow) {
  TokenWindow window(1'000, kWindow);
  for (int round = 0; round < 10; ++round) {
    const Instant now = kT0 + (kWindow + kCell) * round;
    std::atomic<int> passed = 0;
    run_together([&](int) {
      for (int i = 0; i < 5'000 / kThreads; ++i) passed += window.reserve(1'000, now).has_value();
    });
    EXPECT_EQ(passed, 1);
  }
}

struct StressRow {
  const char* rule;
  std::uint64_t limit;
  bool settles;        // with less than was reserved, or with more
  bool limit_changes;  // between the limit and two thirds of it
};

constexpr StressRow kStressRows[] = {
    {"one unit", 1, false, false},
    {"amounts", 1'000, false, false},
    {"amounts that are settled", 1'000, true, false},
    {"a limit that changes", 1'000, true, true},
};

// In each phase eight threads, whose clocks differ by up to a cell, reserve, settle and cancel
// together; each notes what it took and when. Between two phases time moves, by far less than a
// window: a thread that lost more than one would note a time that has long passed.
void stress(const StressRow& row) {
  constexpr int kPhases = 200;
  TokenWindow window(row.limit, kWindow);
  std::vector<UnitLog> logs(kThreads);
  std::barrier<> phase_ends(kThreads);
  run_together([&](int thread) {
    Prng prng(static_cast<std::uint64_t>(thread) + 1);
    for (int i = 0; i < kPhases * 32; ++i) {
      if (i % 32 == 0) phase_ends.arrive_and_wait();
      if (thread == 0 && row.limit_changes && i % 16 == 0) {
        window.set_limit(row.limit * (2 + prng.below(2)) / 3, kWindow);
      }
      const Instant at = kT0 + kCell * (i / 32) * 3 / 2 + kCell * thread / kThreads;
      const std::uint64_t units = 1 + prng.below(row.limit);
      const auto reserved = window.reserve(units, at);
      if (!reserved) continue;
      if (prng.below(4) == 0) {
        window.cancel(*reserved);
      } else {
        logs[static_cast<std::size_t>(thread)].add(at, units);
        if (row.settles) window.settle(*reserved, 1 + prng.below(units + 50), at);
      }
    }
  });

  UnitLog all;
  for (const UnitLog& log : logs) all.add(log);
  EXPECT_GT(all.size(), 0u);
  if (!row.settles) {
    EXPECT_LE(all.most_in_any(kWindow - kCell), row.limit);
  }
  // None lost, none doubled: all comes back, and then it is the whole limit.
  const Instant later = kT0 + kCell * kPhases * 3;
  EXPECT_EQ(window.used(later), 0u);
  window.set_limit(row.limit, kWindow);
  EXPECT_TRUE(window.reserve(row.limit, later));
  EXPECT_FALSE(window.reserve(1, later));
}

TEST(TokenWindowStress, NoSpanHoldsMoreThanTheLimitAndNoUnitIsLost) {
  for (const StressRow& row : kStressRows) {
    SCOPED_TRACE(row.rule);
    stress(row);
  }
}

}  // namespace
}  // namespace sluice::test
