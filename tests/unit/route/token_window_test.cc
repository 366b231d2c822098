#include "engine/route/token_window.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "tests/unit/route/unit_log.h"

namespace sluice::test {
namespace {

// Cells of five granules, and an instant at which one begins.
constexpr Duration kCell = TokenWindow::kGranule * 5;
constexpr Duration kWindow = kCell * TokenWindow::kCells;
constexpr Instant kT0 = Instant(kCell * 10'000);
static_assert(TokenWindow::cell_width(kWindow) == kCell);

// When what is counted at `at` comes back: one window after the end of its cell.
Instant back_at(Instant at) {
  return Instant((at.time_since_epoch() / kCell + 1) * kCell) + kWindow;
}

TokenReservation must_reserve(TokenWindow& window, std::uint64_t units, Instant now) {
  const auto reserved = window.reserve(units, now);
  EXPECT_TRUE(reserved.has_value());
  return reserved.value_or(TokenReservation{});
}

struct ReserveRow {
  const char* rule;
  std::uint64_t limit;
  std::vector<std::uint64_t> before;  // reserved first, all granted
  std::uint64_t units;
  bool granted;
};

const ReserveRow kReserveRows[] = {
    {"what fits passes", 100, {60}, 40, true},
    {"one more than fits is refused", 100, {60}, 41, false},
    {"the whole limit passes", 100, {}, 100, true},
    {"more than the limit passes when nothing is in the window", 100, {}, 1'000, true},
    {"more than the limit is refused when something is", 100, {1}, 101, false},
    {"behind more than the limit all are refused", 100, {1'000}, 1, false},
    {"no units pass in a full window", 100, {100}, 0, true},
    {"no units are refused in debt", 100, {101}, 0, false},
    {"no limit lets everything pass", 0, {1u << 30, 1u << 30}, UINT64_MAX, true},
    {"more than can be counted is the most that can", 100, {}, UINT64_MAX, true},
    {"one request a window", 1, {1}, 1, false},
};

TEST(TokenWindow, Reserves) {
  for (const ReserveRow& row : kReserveRows) {
    SCOPED_TRACE(row.rule);
    TokenWindow window(row.limit, kWindow);
    for (const std::uint64_t units : row.before) must_reserve(window, units, kT0);
    EXPECT_EQ(window.next_at(row.units, kT0), row.granted ? kT0 : back_at(kT0));
    EXPECT_EQ(window.reserve(row.units, kT0).has_value(), row.granted);
  }
}

TEST(TokenWindow, AUnitCountsOneWindowAndAtMostOneCellLonger) {
  for (const Duration into_cell : {0ns, Duration(1ns), kCell / 2, kCell - 1ns}) {
    TokenWindow window(1, kWindow);
    const Instant at = kT0 + into_cell;
    must_reserve(window, 1, at);
    EXPECT_EQ(window.next_at(1, at), kT0 + kCell + kWindow);
    EXPECT_FALSE(window.reserve(1, kT0 + kCell + kWindow - 1ns));
    EXPECT_TRUE(window.reserve(1, kT0 + kCell + kWindow));
  }
}

TEST(TokenWindow, WhatWasUsedBeyondTheEstimateCountsNowAndIsADebt) {
  TokenWindow window(100, kWindow);
  const TokenReservation reserved = must_reserve(window, 80, kT0);
  const Instant later = kT0 + kCell * 20;
  window.settle(reserved, 300, later);
  EXPECT_EQ(window.used(later), 300u);
  EXPECT_EQ(window.used(back_at(kT0)), 220u);
  EXPECT_EQ(window.next_at(1, later), back_at(later));
  EXPECT_FALSE(window.reserve(1, back_at(later) - 1ns));
  EXPECT_TRUE(window.reserve(100, back_at(later)));
}

TEST(TokenWindow, WhatWasNotUsedIsFreeAtOnce) {
  TokenWindow window(100, kWindow);
  const TokenReservation reserved = must_reserve(window, 80, kT0);
  window.settle(reserved, 30, kT0 + kCell * 20);
  EXPECT_EQ(window.used(kT0), 30u);
  EXPECT_TRUE(window.reserve(70, kT0));
  EXPECT_FALSE(window.reserve(1, kT0));
}

TEST(TokenWindow, AnExactEstimateChangesNothing) {
  TokenWindow window(100, kWindow);
  window.settle(must_reserve(window, 80, kT0), 80, kT0 + kCell);
  EXPECT_EQ(window.used(kT0), 80u);
  EXPECT_EQ(window.used(back_at(kT0)), 0u);
}

TEST(TokenWindow, ACancelledReservationWasNone) {
  TokenWindow window(100, kWindow);
  const TokenReservation reserved = must_reserve(window, 500, kT0);
  EXPECT_FALSE(window.reserve(1, kT0));
  window.cancel(reserved);
  EXPECT_EQ(window.used(kT0), 0u);
  EXPECT_TRUE(window.reserve(100, kT0));
}

TEST(TokenWindow, WhatHasComeBackIsNotGivenBackAgain) {
  TokenWindow window(100, kWindow);
  const TokenReservation early = must_reserve(window, 60, kT0);
  const TokenReservation other = must_reserve(window, 40, kT0);
  const Instant later = back_at(kT0);
  must_reserve(window, 100, later);
  window.cancel(early);
  window.settle(other, 10, later);
  EXPECT_EQ(window.used(later), 100u);
}

TEST(TokenWindow, ALateSettleTakesNothingFromAnotherInItsSlot) {
  TokenWindow window(100, kWindow);
  const TokenReservation early = must_reserve(window, 60, kT0);
  // 64 cells on, the slot is used again; 61 on, a thread with a slow clock counts in the old cell.
  const Instant later = kT0 + kCell * 64;
  must_reserve(window, 50, later);
  window.cancel(early);
  EXPECT_EQ(window.used(later), 50u);

  TokenWindow slow(100, kWindow);
  const TokenReservation first = must_reserve(slow, 60, kT0);
  EXPECT_EQ(slow.used(back_at(kT0)), 0u);
  must_reserve(slow, 50, kT0);
  slow.cancel(first);
  EXPECT_EQ(slow.used(kT0), 50u);
}

TEST(TokenWindow, AClockThatRunsBehindDelaysAndNeverAdmits) {
  TokenWindow window(100, kWindow);
  must_reserve(window, 50, kT0 + kCell * 64);
  must_reserve(window, 50, kT0);  // the slot is that of the later cell
  EXPECT_FALSE(window.reserve(1, back_at(kT0)));
  EXPECT_EQ(window.next_at(1, kT0), back_at(kT0 + kCell * 64));
}

TEST(TokenWindow, TheNextInstantIsThatAtWhichEnoughHasComeBack) {
  TokenWindow window(100, kWindow);
  for (int i = 0; i < 4; ++i) must_reserve(window, 25, kT0 + kCell * i);
  EXPECT_EQ(window.next_at(25, kT0), back_at(kT0));
  EXPECT_EQ(window.next_at(26, kT0), back_at(kT0 + kCell));
  EXPECT_EQ(window.next_at(100, kT0), back_at(kT0 + kCell * 3));
  EXPECT_EQ(window.next_at(5'000, kT0), back_at(kT0 + kCell * 3));
}

struct LimitChangeRow {
  const char* rule;
  std::uint64_t before, reserved, after;
  std::uint64_t fits;  // right after the change
};

constexpr LimitChangeRow kLimitChangeRows[] = {
    {"a higher limit holds at once", 100, 100, 150, 50},
    {"a lower limit counts what was reserved", 100, 40, 50, 10},
    {"a limit below what was reserved waits", 100, 80, 50, 0},
    {"a limit that stays changes nothing", 100, 40, 100, 60},
};

TEST(TokenWindow, LimitsChangeInPlace) {
  for (const LimitChangeRow& row : kLimitChangeRows) {
    SCOPED_TRACE(row.rule);
    TokenWindow window(row.before, kWindow);
    must_reserve(window, row.reserved, kT0);
    window.set_limit(row.after, kWindow);
    EXPECT_FALSE(window.reserve(row.fits + 1, kT0));
    if (row.fits > 0) must_reserve(window, row.fits, kT0);
    EXPECT_TRUE(window.reserve(row.after, back_at(kT0)));
  }
}

TEST(TokenWindow, ALimitThatIsTakenAwayForgetsNothingThatWasCounted) {
  TokenWindow window(100, kWindow);
  const TokenReservation reserved = must_reserve(window, 90, kT0);
  window.set_limit(0, kWindow);
  const TokenReservation free = must_reserve(window, 1'000, kT0);
  EXPECT_FALSE(free.counted());
  EXPECT_EQ(window.next_at(1'000, kT0), kT0);
  window.set_limit(100, kWindow);
  window.settle(free, 5'000, kT0);  // was never counted
  EXPECT_EQ(window.used(kT0), 90u);
  window.set_limit(0, kWindow);
  window.settle(reserved, 5'000, kT0);  // nothing counts without a limit
  EXPECT_EQ(window.used(kT0), 90u);
}

TEST(TokenWindow, AnotherWindowHoldsForWhatWasReservedBefore) {
  TokenWindow window(100, kWindow);
  must_reserve(window, 100, kT0);
  window.set_limit(100, kWindow * 3);
  EXPECT_EQ(window.next_at(1, kT0), kT0 + kCell + kWindow * 3);
  EXPECT_FALSE(window.reserve(1, kT0 + kWindow * 3));
  window.set_limit(100, kWindow / 5);
  EXPECT_EQ(window.next_at(1, kT0), kT0 + kCell + kWindow / 5);
  EXPECT_TRUE(window.reserve(100, kT0 + kCell + kWindow / 5));
}

TEST(TokenWindow, ADebtBeyondWhatACellHoldsIsForgiven) {
  TokenWindow window(100, kWindow);
  const std::uint64_t most = TokenWindow::kUnitsMax;
  const TokenReservation first = must_reserve(window, 10, kT0);
  window.settle(first, UINT64_MAX, kT0);
  EXPECT_EQ(window.used(kT0), most);
  window.settle(TokenReservation{.end = first.end, .units = 0, .slot = first.slot}, most, kT0);
  EXPECT_EQ(window.used(kT0), most);
  EXPECT_EQ(window.used(back_at(kT0)), 0u);
}

TEST(TokenWindow, RequestsPerDay) {
  constexpr Instant kStart = Instant(100h);
  TokenWindow window(3, 24h);
  for (int i = 0; i < 3; ++i) must_reserve(window, 1, kStart + 1h * i);
  const Instant next = window.next_at(1, kStart + 3h);
  EXPECT_GT(next, kStart + 24h);
  EXPECT_LE(next, kStart + 24h + TokenWindow::cell_width(24h));
  EXPECT_LT(TokenWindow::cell_width(24h), Duration(24min + 1s));
  EXPECT_FALSE(window.reserve(1, next - 1ns));
  EXPECT_TRUE(window.reserve(1, next));
}

TEST(TokenWindow, AShortWindowHasFewerCells) {
  TokenWindow window(1, 1s);
  must_reserve(window, 1, kT0);
  EXPECT_EQ(window.next_at(1, kT0), kT0 + TokenWindow::kGranule + 1s);
}

// A window as one would write it first: every amount in a list with the time at which it comes
// back.
struct NaiveWindow {
  struct Entry {
    std::uint64_t units;
    Instant at;
    Instant back = back_at(at);
  };
  std::uint64_t limit;
  std::vector<Entry> entries;

  [[nodiscard]] std::uint64_t used(Instant now) const {
    std::uint64_t sum = 0;
    for (const Entry& entry : entries) sum += entry.back > now ? entry.units : 0;
    return sum;
  }
  [[nodiscard]] bool passes(std::uint64_t units, Instant now) const {
    return used(now) + units <= limit || (units > limit && used(now) == 0);
  }
  [[nodiscard]] Instant next_at(std::uint64_t units, Instant now) const {
    Instant next = passes(units, now) ? now : kNever;
    for (const Entry& entry : entries) {
      if (entry.back > now && passes(units, entry.back)) next = std::min(next, entry.back);
    }
    return next;
  }
};

struct InHand {
  TokenReservation reserved;
  std::size_t entry;  // of the naive window
};

// Random reserves, settles, cancels and pauses against the naive window: the same answers, the same
// sum, the same next instant.
void random_run(std::uint64_t seed, std::uint64_t limit, bool debts) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << " limit " << limit);
  Prng prng(seed);
  TokenWindow window(limit, kWindow);
  NaiveWindow naive{limit, {}};
  UnitLog log;
  std::vector<InHand> in_hand;
  Instant now = kT0;
  for (int step = 0; step < 600; ++step) {
    const std::uint64_t units = prng.below(limit + 1) >> prng.below(6);
    switch (prng.below(8)) {
      case 0: now += Duration(static_cast<std::int64_t>(prng.below(20)) * kCell / 3); break;
      case 1: now = naive.next_at(units, now); break;
      case 2:
      case 3: {
        if (in_hand.empty()) break;
        const InHand one = in_hand.back();
        in_hand.pop_back();
        std::uint64_t& estimate = naive.entries[one.entry].units;
        std::uint64_t used = prng.below(3) == 0 ? 0 : prng.below(estimate * (debts ? 3 : 1) + 1);
        if (used == 0) window.cancel(one.reserved);
        else window.settle(one.reserved, used, now);
        if (used > estimate) naive.entries.push_back({used - estimate, now});
        else estimate = used;
        break;
      }
      case 4: ASSERT_EQ(window.used(now), naive.used(now)); break;
      default: {
        ASSERT_EQ(window.next_at(units, now), naive.next_at(units, now));
        const auto reserved = window.reserve(units, now);
        ASSERT_EQ(reserved.has_value(), naive.passes(units, now));
        if (!reserved) break;
        in_hand.push_back({*reserved, naive.entries.size()});
        naive.entries.push_back({units, now});
        break;
      }
    }
  }
  for (const NaiveWindow::Entry& entry : naive.entries) log.add(entry.at, entry.units);
  if (!debts) {
    ASSERT_LE(log.most_in_any(kWindow), limit);
  }
  ASSERT_GT(log.size(), 50u);
  ASSERT_EQ(window.used(now + kWindow * 2), 0u);
}

TEST(TokenWindow, AnswersAsAListOfAllAmountsWould) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    for (const std::uint64_t limit : {1u, 7u, 100u, 100'000u}) {
      random_run(seed, limit, false);
      random_run(seed, limit, true);
    }
  }
}

TEST(TokenWindow, ChargesCountWhateverTheLimitSaysAndSinceBeforeTheMachinesStart) {
  TokenWindow window(100, 24h);
  const Instant now = Instant(1h);
  window.charge(80, now - 23h);
  window.charge(70, now - 2h);
  EXPECT_EQ(window.used(now), 150U);
  EXPECT_FALSE(window.reserve(1, now));
  EXPECT_GE(window.next_at(30, now), now + 1h);
  EXPECT_LE(window.next_at(30, now), now + 1h + TokenWindow::cell_width(24h));
  EXPECT_EQ(window.used(now + 1h + TokenWindow::cell_width(24h)), 70U);
  EXPECT_EQ(window.used(now + 23h), 0U);
}

}  // namespace
}  // namespace sluice::test
