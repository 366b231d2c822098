#include "engine/restore_budgets.h"

#include "tests/unit/route/route_fixture.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

constexpr std::string_view kJournal = "shard-00";
constexpr std::int64_t kDayMs = 24 * kHourMs;
constexpr BudgetPeriod kDay = BudgetPeriod::kDay;
constexpr BudgetPeriod kMonth = BudgetPeriod::kMonth;
constexpr BudgetPeriod kTotal = BudgetPeriod::kTotal;

// The noon of the tenth day of a month, and what was booked before and after that.
class RestoreBudgets : public StoreTest {
 protected:
  static std::int64_t noon() {
    return budget_span(kMonth, kDawnMs).from_ms + 9 * kDayMs + 12 * kHourMs;
  }

  // An answer to `client` that cost so much, and ended at `unix_ms`.
  void book(std::string_view client, std::int64_t cost, std::int64_t unix_ms) {
    UsageEvent end = end_event(0, 0);
    end.unix_ms = unix_ms;
    end.client_key = client;
    end.flags |= kUsageCostKnown;
    end.cost_nano_dollars = cost;
    UsageEvent start = end;
    start.kind = UsageKind::kStart;
    start.flags = 0;
    start.cost_nano_dollars = 0;
    start.sequence = ++sequence_;
    end.sequence = ++sequence_;
    end.started_by = start.sequence;
    ASSERT_TRUE(ledger_.apply(kJournal, std::vector{start, end}));
  }
  // The same of this process: its spending knows it already.
  void spend(Directory& directory, std::size_t client, std::int64_t cost, std::int64_t unix_ms) {
    ClientKey& key = directory.clients[client];
    key.spending->add(static_cast<std::uint64_t>(cost), unix_ms);
    book(key.name, cost, unix_ms);
  }

  struct Key {
    std::string_view name;
    ClientBudget budget{};
  };
  static Directory directory_of(std::initializer_list<Key> keys, const Directory* previous) {
    Directory directory;
    for (const Key& key : keys) {
      ClientKey client;
      client.name = key.name;
      client.sha256[0] = static_cast<std::uint8_t>(directory.clients.size());  // keeps their order
      client.budget = key.budget;
      directory.clients.push_back(std::move(client));
    }
    finish_directory(directory, previous, kStart);
    return directory;
  }
  void restore(const Directory& directory, std::int64_t now) {
    ASSERT_TRUE(restore_budgets(*environment_, directory, now));
  }
  static std::uint64_t spent(const Directory& directory, BudgetPeriod period, std::int64_t now,
                             std::size_t client = 0) {
    return directory.clients[client].spending->spent(period, now);
  }

  UsageLedger ledger_{*writer_};
  std::uint64_t sequence_ = 0;
};

TEST_F(RestoreBudgets, APeriodHasWhatEndedInIt) {
  const std::int64_t now = noon();
  book("alice", 1, budget_span(kMonth, now).from_ms - 1);
  book("alice", 20, budget_span(kMonth, now).from_ms);
  book("alice", 300, budget_span(kDay, now).from_ms);
  book("bob", 4000, now);
  const Directory directory = directory_of(
      {{"alice", {100, kMonth}}, {"bob", {100, kDay}}, {"carol", {100, kTotal}}}, nullptr);
  restore(directory, now);
  EXPECT_EQ(spent(directory, kMonth, now), 320U);
  EXPECT_EQ(spent(directory, kTotal, now), 321U);
  EXPECT_EQ(spent(directory, kDay, now, 1), 4000U);
  EXPECT_EQ(spent(directory, kTotal, now, 2), 0U);
}

TEST_F(RestoreBudgets, TwiceIsNotTwiceAsMuch) {
  const std::int64_t now = noon();
  book("alice", 20, now);
  const Directory directory = directory_of({{"alice", {100, kMonth}}}, nullptr);
  restore(directory, now);
  restore(directory, now);
  EXPECT_EQ(spent(directory, kMonth, now), 20U);
  EXPECT_EQ(spent(directory, kTotal, now), 20U);
}

TEST_F(RestoreBudgets, ABudgetThatIsGivenLaterKnowsAllOfItsPeriod) {
  const std::int64_t now = noon();
  book("alice", 1, now - 30 * kDayMs);
  book("alice", 20, now - kDayMs);
  Directory first = directory_of({{"alice"}}, nullptr);
  restore(first, now);
  EXPECT_EQ(spent(first, kTotal, now), 21U);
  spend(first, 0, 300, now + 1);
  const Directory second = directory_of({{"alice", {100, kMonth}}}, &first);
  EXPECT_EQ(spent(second, kMonth, now), 300U);
  restore(second, now + kHourMs);
  EXPECT_EQ(spent(second, kMonth, now), 320U);
  // Another period, on another day of the process.
  spend(first, 0, 4000, now + kDayMs);
  const Directory third = directory_of({{"alice", {100, kDay}}}, &second);
  restore(third, now + kDayMs);
  EXPECT_EQ(spent(third, kDay, now + kDayMs), 4000U);
  EXPECT_EQ(spent(third, kMonth, now + kDayMs), 4320U);
  EXPECT_EQ(spent(third, kTotal, now + kDayMs), 4321U);
}

TEST_F(RestoreBudgets, ANameThatComesBackKnowsWhatItHadSpent) {
  const std::int64_t now = noon();
  book("alice", 20, now - kDayMs);
  Directory first = directory_of({{"bob"}}, nullptr);
  restore(first, now);
  const Directory second = directory_of({{"alice", {100, kMonth}}}, &first);
  restore(second, now + 1);
  EXPECT_EQ(spent(second, kMonth, now + 1), 20U);
}

TEST_F(RestoreBudgets, WithoutAStoreOfItsNameNothingIsSpent) {
  const Directory directory = directory_of({{"alice", {100, kMonth}}}, nullptr);
  restore(directory, noon());
  EXPECT_EQ(spent(directory, kMonth, noon()), 0U);
}

}  // namespace
}  // namespace sluice::test
