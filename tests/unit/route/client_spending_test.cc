#include "engine/route/client_spending.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "parser/rfc3339.h"
#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

using Period = BudgetPeriod;

constexpr std::int64_t kDayMs = 24 * 3'600'000;

std::int64_t at(std::string_view text) { return *parse_rfc3339(text); }

struct SpanRow {
  const char* rule;
  Period period;
  const char* now;
  const char* from;
  const char* to;
};

constexpr SpanRow kSpanRows[] = {
    {"a day is one of UTC", Period::kDay, "2026-02-28T23:59:59.999Z", "2026-02-28T00:00:00Z",
     "2026-03-01T00:00:00Z"},
    {"midnight is of the day that begins", Period::kDay, "2026-03-01T00:00:00Z",
     "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
    {"a month is one of the calendar", Period::kMonth, "2026-02-28T23:59:59.999Z",
     "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
    {"of a leap year, too", Period::kMonth, "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z",
     "2028-03-01T00:00:00Z"},
    {"behind December comes January", Period::kMonth, "2026-12-31T23:00:00Z",
     "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
};

TEST(BudgetSpan, IsOfTheCalendarInUtc) {
  for (const SpanRow& row : kSpanRows) {
    const BudgetSpan span = budget_span(row.period, at(row.now));
    EXPECT_EQ(span.from_ms, at(row.from)) << row.rule;
    EXPECT_EQ(span.to_ms, at(row.to)) << row.rule;
    EXPECT_EQ(budget_span(row.period, *span.to_ms).number, span.number + 1) << row.rule;
    EXPECT_EQ(budget_span(row.period, span.from_ms).number, span.number) << row.rule;
  }
  const BudgetSpan all = budget_span(Period::kTotal, at("2026-02-28T00:00:00Z"));
  EXPECT_EQ(all.from_ms, 0);
  EXPECT_FALSE(all.to_ms);
}

TEST(PeriodSum, BeginsAnewWithEachPeriod) {
  PeriodSum sum;
  EXPECT_EQ(sum.in(20'000), 0U);
  sum.add(20'000, 7);
  sum.add(20'000, 5);
  EXPECT_EQ(sum.in(20'000), 12U);
  EXPECT_EQ(sum.in(20'001), 0U);
  sum.add(20'001, 3);
  EXPECT_EQ(sum.in(20'001), 3U);
}

TEST(PeriodSum, AClockThatIsAMomentBehindCountsIntoTheNewPeriod) {
  PeriodSum sum;
  sum.add(101, 3);
  sum.add(100, 4);
  EXPECT_EQ(sum.in(101), 7U);
  EXPECT_EQ(sum.in(100), 7U);
}

TEST(PeriodSum, AClockThatWasSetBackIsBelieved) {
  PeriodSum sum;
  sum.add(150, 3);
  EXPECT_EQ(sum.in(100), 0U);
  sum.add(100, 4);
  EXPECT_EQ(sum.in(100), 4U);
}

TEST(PeriodSum, PeriodsThatShareANumberInTheWordAreFarApart) {
  PeriodSum sum;
  for (std::uint32_t day = 0; day < 40'000; ++day) {  // more than a century
    EXPECT_EQ(sum.in(day), 0U) << day;
    sum.add(day, 1);
    EXPECT_EQ(sum.in(day), 1U) << day;
  }
}

TEST(PeriodSum, StaysAtItsMost) {
  PeriodSum sum;
  sum.add(9, PeriodSum::kMax - 1);
  sum.add(9, UINT64_MAX);
  EXPECT_EQ(sum.in(9), PeriodSum::kMax);
  sum.add(9, 1);
  EXPECT_EQ(sum.in(9), PeriodSum::kMax);
  sum.add(10, 1);
  EXPECT_EQ(sum.in(10), 1U);
}

TEST(ClientSpending, CountsForEveryPeriodAtOnce) {
  ClientSpending spending;
  const std::int64_t now = at("2026-01-30T10:00:00Z");
  spending.add(5, now);
  spending.add(7, now + kDayMs);      // the 31st
  spending.add(9, now + 2 * kDayMs);  // February
  EXPECT_EQ(spending.spent(Period::kDay, now + 2 * kDayMs), 9U);
  EXPECT_EQ(spending.spent(Period::kMonth, now + 2 * kDayMs), 9U);
  EXPECT_EQ(spending.spent(Period::kTotal, now + 2 * kDayMs), 21U);
  EXPECT_EQ(spending.spent(Period::kDay, now + 3 * kDayMs), 0U);
  EXPECT_EQ(spending.spent(Period::kMonth, now + 3 * kDayMs), 9U);
}

TEST(ClientSpending, IsWholeOnceItHasWhatTheStoreHad) {
  const std::int64_t now = at("2026-01-30T10:00:00Z");
  ClientSpending spending;
  EXPECT_FALSE(spending.is_whole(Period::kTotal, now));
  spending.begin(100, now);
  EXPECT_TRUE(spending.is_whole(Period::kTotal, now));
  EXPECT_EQ(spending.spent(Period::kTotal, now), 100U);
  EXPECT_FALSE(spending.is_whole(Period::kDay, now));
  EXPECT_FALSE(spending.is_whole(Period::kMonth, now));
  spending.add(1, now);
  spending.restore(Period::kMonth, 60, now);
  EXPECT_TRUE(spending.is_whole(Period::kMonth, now));
  EXPECT_FALSE(spending.is_whole(Period::kDay, now));
  EXPECT_EQ(spending.spent(Period::kMonth, now), 61U);
  EXPECT_EQ(spending.spent(Period::kDay, now), 1U);
  EXPECT_EQ(spending.spent(Period::kTotal, now), 101U);
  EXPECT_TRUE(spending.is_whole(Period::kDay, now + kDayMs)) << "it has seen all of that day";
  ClientSpending fresh;
  fresh.begin(0, now);
  EXPECT_TRUE(fresh.is_whole(Period::kDay, now)) << "there was nothing before";
}

TEST(ClientSpending, NothingIsLostWhileThreadsSeeTheTurn) {
  constexpr int kThreads = 4;
  constexpr int kTimes = 2'000;
  ClientSpending spending;
  const std::int64_t turn = at("2026-02-01T00:00:00Z");
  spending.add(1'000'000, turn - kDayMs);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&spending, turn] {
      for (int i = 0; i < kTimes; ++i) spending.add(3, turn + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(spending.spent(Period::kMonth, turn), 3U * kThreads * kTimes);
  EXPECT_EQ(spending.spent(Period::kDay, turn), 3U * kThreads * kTimes);
  EXPECT_EQ(spending.spent(Period::kTotal, turn), 1'000'000 + 3U * kThreads * kTimes);
}

Directory directory_of(std::string_view name, std::uint64_t budget, const Directory* previous,
                       Instant now) {
  Directory directory;
  if (!name.empty()) {
    ClientKey client;
    client.name = name;
    client.budget.nano_dollars = budget;
    directory.clients.push_back(std::move(client));
  }
  finish_directory(directory, previous, now);
  return directory;
}

TEST(ClientSpending, OutlivesReloadsAndBudgets) {
  const std::int64_t now = at("2026-01-30T10:00:00Z");
  const auto spent = [&](const Directory& directory) {
    return directory.clients[0].spending->spent(Period::kMonth, now);
  };
  const Directory first = directory_of("c", 10, nullptr, kStart);
  first.clients[0].spending->add(10, now);
  const Directory raised = directory_of("c", 20, &first, kStart + 1s);
  EXPECT_EQ(spent(raised), 10U);
  const Directory without = directory_of("c", 0, &raised, kStart + 2s);
  EXPECT_EQ(spent(without), 10U);
  const Directory gone = directory_of("", 0, &without, kStart + 3s);
  const Directory later = directory_of("", 0, &gone, kStart + 100s);
  EXPECT_EQ(spent(directory_of("c", 10, &later, kStart + 200s)), 10U);
  EXPECT_EQ(spent(directory_of("d", 10, &later, kStart + 200s)), 0U);
}

}  // namespace
}  // namespace sluice::test
