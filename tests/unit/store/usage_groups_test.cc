#include "store/usage_groups.h"

#include <array>
#include <map>
#include <tuple>

#include "base/prng.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

constexpr std::array<std::string_view, 4> kAccounts = {"team-a", "team-b", "team-c", "team-d"};
constexpr std::array<std::string_view, 3> kModels = {"gpt-x", "gpt-y", "gpt-z"};
constexpr std::array<std::string_view, 2> kClients = {"alice", "bob"};

class UsageGroupsTest : public StoreTest {
 protected:
  void apply(std::vector<UsageEvent> events) { ASSERT_TRUE(ledger_.apply("shard-0", events)); }
  UsageGroups grouped(const UsageQuery& query) {
    auto answer = group_usage(*environment_, query);
    EXPECT_TRUE(answer);
    return answer ? std::move(*answer) : UsageGroups{};
  }
  // `requests` of the model in that hour; each costs `nano` dollars.
  void book(std::uint32_t hour, std::string_view model, int requests, std::uint64_t nano = 1) {
    std::vector<UsageEvent> events;
    for (int i = 0; i < requests; ++i) {
      UsageEvent event = end_event(++sequence_, 0);
      event.unix_ms = kDawnMs + hour * kHourMs;
      event.model = model;
      event.cost_nano_dollars = nano;
      events.push_back(event);
    }
    apply(std::move(events));
  }

  UsageLedger ledger_{*writer_};
  std::uint64_t sequence_ = 0;
};

std::vector<std::string> names_of(const UsageGroups& answer) {
  std::vector<std::string> names;
  for (const UsageGroup& group : answer.groups)
    names.push_back(group.others ? "(others)" : group.name);
  return names;
}
using Names = std::vector<std::string>;

TEST_F(UsageGroupsTest, AnEmptyStoreHasNoGroups) {
  const UsageGroups answer = grouped({.from_hour = 5, .side = UsageSide::kModel, .top = 3});
  EXPECT_TRUE(answer.groups.empty());
  EXPECT_EQ(answer.total, UsageSums{});
  EXPECT_EQ(answer.from_hour, 5u);
  EXPECT_FALSE(answer.truncated);
}

TEST_F(UsageGroupsTest, GroupsAreInTheOrderOfTimeThenOfRequests) {
  book(1, "gpt-x", 1);
  book(1, "gpt-y", 2);
  book(0, "gpt-z", 1);
  const UsageGroups answer = grouped({.span = UsageSpan::kHour, .side = UsageSide::kModel});
  EXPECT_EQ(names_of(answer), (Names{"gpt-z", "gpt-y", "gpt-x"}));
  EXPECT_EQ(answer.groups[0].hour, kDawnHour);
  EXPECT_EQ(answer.groups[1].hour, kDawnHour + 1);
}

TEST_F(UsageGroupsTest, DaysBeginAtMidnightAndTheLastSecondBeforeIsOfTheDayBefore) {
  UsageEvent last = end_event(1, 0), first = end_event(2, 0);
  last.unix_ms = kDawnMs + 24 * kHourMs - 1;
  first.unix_ms = kDawnMs + 24 * kHourMs;
  apply({last, first});
  const UsageGroups answer = grouped({.span = UsageSpan::kDay});
  ASSERT_EQ(answer.groups.size(), 2u);
  EXPECT_EQ(answer.groups[0].hour, kDawnHour);
  EXPECT_EQ(answer.groups[1].hour, kDawnHour + 24);
  EXPECT_EQ(answer.groups[0].sums.requests, 1u);
  EXPECT_EQ(answer.total.requests, 2u);
}

TEST_F(UsageGroupsTest, TheLargestAreThoseOfTheWholeSpanAndTheOthersAreOneGroupOfEachHour) {
  book(0, "gpt-x", 5);
  book(0, "gpt-y", 1, 1'000'000);
  book(1, "gpt-y", 2);
  book(1, "gpt-z", 3);
  UsageQuery query{.span = UsageSpan::kHour, .side = UsageSide::kModel, .top = 1};
  EXPECT_EQ(names_of(grouped(query)), (Names{"gpt-x", "(others)", "(others)"}));
  query.top_by = UsageMeasure::kCost;
  EXPECT_EQ(names_of(grouped(query)), (Names{"gpt-y", "(others)", "gpt-y", "(others)"}));
  query.span = UsageSpan::kWhole;
  const UsageGroups answer = grouped(query);
  ASSERT_EQ(names_of(answer), (Names{"gpt-y", "(others)"}));
  EXPECT_EQ(answer.groups[1].sums.requests, 8u);
  EXPECT_EQ(answer.groups[1].name, "");
  EXPECT_EQ(answer.total.requests, 11u);
  query.top = 3;
  EXPECT_EQ(names_of(grouped(query)), (Names{"gpt-x", "gpt-y", "gpt-z"}));  // nothing is left out
}

TEST_F(UsageGroupsTest, WhereABoundIsReachedNoEarlierHourIsInTheSums) {
  for (std::uint32_t hour = 0; hour < 4; ++hour) {
    book(hour, "gpt-x", 1);
    book(hour, "gpt-y", 1);
  }
  const UsageQuery whole{.span = UsageSpan::kHour, .side = UsageSide::kModel};
  UsageQuery few_rows = whole;
  few_rows.rows_max = 3;  // reached in the second hour, which is read to its end
  UsageQuery few_groups = whole;
  few_groups.groups_max = 4;
  UsageQuery largest = few_rows;
  largest.top = 1;
  UsageQuery few_largest = few_groups;
  few_largest.top = 1;
  UsageQuery others = few_rows;
  others.names.account = "team-a";
  for (const UsageQuery& query : {few_rows, few_groups, largest, few_largest, others}) {
    const UsageGroups answer = grouped(query);
    EXPECT_TRUE(answer.truncated);
    EXPECT_EQ(answer.from_hour, kDawnHour + 2);
    EXPECT_EQ(answer.groups.size(), 4u);
    EXPECT_EQ(answer.total.requests, 4u);
  }
  EXPECT_FALSE(grouped(whole).truncated);
  UsageQuery all = whole;
  all.rows_max = 8;  // all that there are
  EXPECT_FALSE(grouped(all).truncated);
  EXPECT_EQ(grouped(all).total.requests, 8u);
}

TEST_F(UsageGroupsTest, TooManyGroupsOfAllNamesAreNoMatterWhereOnlyTheLargestAreWanted) {
  for (std::uint32_t hour = 0; hour < 4; ++hour) {
    book(hour, "gpt-x", 1);
    book(hour, "gpt-y", hour == 0 ? 9 : 1);  // the largest by the earliest hour
    book(hour, "gpt-z", 1);
  }
  UsageQuery query{.span = UsageSpan::kHour, .side = UsageSide::kModel, .top = 1};
  const UsageGroups expected = grouped(query);
  EXPECT_EQ(expected.groups.size(), 8u);
  query.groups_max = 9;  // of twelve
  const UsageGroups answer = grouped(query);
  EXPECT_FALSE(answer.truncated);
  EXPECT_EQ(answer.from_hour, 0u);
  EXPECT_EQ(names_of(answer), names_of(expected));
  EXPECT_EQ(answer.groups[0].name, "gpt-y");
  EXPECT_EQ(answer.total, expected.total);
}

// Every way to group and to filter against adding up the events themselves.
TEST_F(UsageGroupsTest, SumsAreThoseOfANaiveSearch) {
  Prng prng(11);
  std::vector<UsageEvent> events;
  for (std::uint64_t sequence = 1; sequence <= 2'500; ++sequence) {  // more than a page of rows
    UsageEvent event = end_event(sequence, 0);
    event.unix_ms = kDawnMs + static_cast<std::int64_t>(prng.below(80)) * kHourMs;
    event.account = kAccounts[prng.below(4)];
    event.model = kModels[prng.below(3)];
    event.client_key = kClients[prng.below(2)];
    event.status = prng.below(3) == 0 ? 500 : 200;
    event.cost_nano_dollars = prng.below(1'000'000);
    event.latency_us = prng.below(5'000);
    events.push_back(event);
  }
  apply(events);
  constexpr std::optional<UsageSide> kSides[] = {std::nullopt, UsageSide::kAccount,
                                                 UsageSide::kModel, UsageSide::kClientKey};
  for (const UsageSpan span : {UsageSpan::kWhole, UsageSpan::kHour, UsageSpan::kDay}) {
    for (const std::optional<UsageSide> side : kSides) {
      for (unsigned mask = 0; mask < 8; ++mask) {
        UsageQuery query{.from_hour = kDawnHour + 7, .to_hour = kDawnHour + 71};
        query.span = span;
        query.side = side;
        if ((mask & 1) != 0) query.names.account = "team-c";
        if ((mask & 2) != 0) query.names.model = "gpt-y";
        if ((mask & 4) != 0) query.names.client_key = "bob";
        std::map<std::pair<std::uint32_t, std::string>,
                 std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>>
            expected, found;
        for (const UsageEvent& event : events) {
          const std::uint32_t hour = hour_of(event.unix_ms);
          if (hour < query.from_hour || hour >= query.to_hour) continue;
          if (event.account != query.names.account.value_or(std::string(event.account))) continue;
          if (event.model != query.names.model.value_or(std::string(event.model))) continue;
          if (event.client_key != query.names.client_key.value_or(std::string(event.client_key)))
            continue;
          const std::string_view name = !side                         ? ""
                                        : side == UsageSide::kAccount ? event.account
                                        : side == UsageSide::kModel   ? event.model
                                                                      : event.client_key;
          const std::uint32_t begin = span == UsageSpan::kWhole  ? 0
                                      : span == UsageSpan::kHour ? hour
                                                                 : hour / 24 * 24;
          auto& [requests, errors, cost, latency] = expected[{begin, std::string(name)}];
          requests += 1;
          errors += event.status == 500 ? 1 : 0;
          cost += event.cost_nano_dollars;
          latency += event.latency_us;
        }
        const UsageGroups answer = grouped(query);
        for (const UsageGroup& group : answer.groups)
          found[{group.hour, group.name}] = {group.sums.requests, group.sums.errors,
                                             group.sums.cost_nano_dollars, group.sums.latency_us};
        EXPECT_EQ(found, expected);
        EXPECT_EQ(found.size(), answer.groups.size());
      }
    }
  }
}

}  // namespace
}  // namespace sluice::test
