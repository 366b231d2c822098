#include "store/queries.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/prng.h"
#include "store/check.h"
#include "store/prune.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

constexpr std::array<std::string_view, 3> kAccounts = {"team-a", "team-b", "team-c"};
constexpr std::array<std::string_view, 2> kModels = {"gpt-x", "gpt-y"};
constexpr std::array<std::string_view, 2> kClients = {"alice", "bob"};
constexpr std::array<std::uint16_t, 3> kStatuses = {200, 429, 500};

class Queries : public StoreTest {
 protected:
  void apply(std::vector<UsageEvent> events, std::string_view journal = "shard-0") {
    ASSERT_TRUE(ledger_.apply(journal, events));
  }
  std::vector<RequestView> all_pages(RequestFilter filter) {
    std::vector<RequestView> found;
    do {
      const auto page = recent_requests(*environment_, filter);
      EXPECT_TRUE(page);
      if (!page) break;
      EXPECT_LE(page->requests.size(), filter.limit);
      found.insert(found.end(), page->requests.begin(), page->requests.end());
      filter.before = page->next;
    } while (filter.before);
    return found;
  }

  UsageLedger ledger_{*writer_};
};

UsageEvent at_minute(std::uint64_t sequence, std::int64_t minute) {
  UsageEvent event = end_event(sequence, 0);
  event.unix_ms = kDawnMs + minute * kMinuteMs;
  return event;
}

TEST_F(Queries, AnEmptyStoreAnswersZerosAndNothing) {
  EXPECT_EQ(*usage_total(*environment_), UsageSums{});
  EXPECT_TRUE(hourly_usage(*environment_, {})->empty());
  EXPECT_TRUE(daily_usage(*environment_, 0, UINT32_MAX)->empty());
  EXPECT_TRUE(usage_by(*environment_, UsageSide::kAccount)->empty());
  const auto page = recent_requests(*environment_, {});
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->requests.empty());
  EXPECT_FALSE(page->next);
}

TEST_F(Queries, HoursAreARangeLatestFirst) {
  apply({at_minute(1, 0), at_minute(2, 59), at_minute(3, 60), at_minute(4, 120)});
  HourlyFilter filter;
  filter.from_hour = kDawnHour;
  filter.to_hour = kDawnHour + 2;
  const auto rows = hourly_usage(*environment_, filter);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].hour, kDawnHour + 1);
  EXPECT_EQ((*rows)[1].hour, kDawnHour);
  EXPECT_EQ((*rows)[1].sums.requests, 2U);
}

TEST_F(Queries, HoursOfOneAccountOrOfAllClientKeysApart) {
  UsageEvent other = at_minute(2, 0);
  other.account = "team-b";
  UsageEvent bob = at_minute(3, 0);
  bob.client_key = "bob";
  apply({at_minute(1, 0), other, bob});
  HourlyFilter filter;
  filter.names.account = "team-a";
  const auto together = hourly_usage(*environment_, filter);
  ASSERT_TRUE(together);
  ASSERT_EQ(together->size(), 1U);
  EXPECT_EQ(together->front().sums.requests, 2U);
  EXPECT_EQ(together->front().client_key, "");
  filter.by_client_key = true;
  const auto apart = hourly_usage(*environment_, filter);
  ASSERT_TRUE(apart);
  ASSERT_EQ(apart->size(), 2U);
  EXPECT_EQ((*apart)[0].client_key, "alice");
  EXPECT_EQ((*apart)[1].client_key, "bob");
  filter.names.account = "team-never";
  EXPECT_TRUE(hourly_usage(*environment_, filter)->empty());
}

TEST_F(Queries, TooManyHoursLoseTheEarliestWhole) {
  UsageEvent other = at_minute(2, 60);
  other.account = "team-b";
  apply({at_minute(1, 0), other, at_minute(3, 60), at_minute(4, 120)});
  HourlyFilter filter;
  filter.rows_max = 2;
  bool truncated = false;
  const auto rows = hourly_usage(*environment_, filter, &truncated);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().hour, kDawnHour + 2);
  EXPECT_TRUE(truncated);
  filter.rows_max = 4;
  EXPECT_EQ(hourly_usage(*environment_, filter, &truncated)->size(), 4U);
  EXPECT_FALSE(truncated);
}

TEST_F(Queries, DaysAreARangeByPool) {
  constexpr std::uint32_t kDay = kDawnHour / 24;
  UsageEvent fallback = at_minute(3, 24 * 60);
  fallback.pool = "fallback";
  apply({at_minute(1, 0), at_minute(2, 24 * 60), fallback, at_minute(4, 48 * 60)});
  const auto rows = daily_usage(*environment_, kDay, kDay + 1);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ((*rows)[0].day, kDay + 1);
  EXPECT_EQ((*rows)[0].pool, "fallback");
  EXPECT_EQ((*rows)[2].day, kDay);
}

TEST_F(Queries, RecentRequestsSkipAttemptsWhoseAnswerNobodyGotUnlessAsked) {
  UsageEvent first = at_minute(1, 0);
  first.flags = 0;
  apply({first, at_minute(2, 0)});
  EXPECT_EQ(all_pages({}).size(), 1U);
  RequestFilter filter;
  filter.every_attempt = true;
  EXPECT_EQ(all_pages(filter).size(), 2U);
}

TEST_F(Queries, ARequestIsShownWithAllThatIsKnownOfIt) {
  apply({end_event(1, 0)});
  const auto found = all_pages({});
  ASSERT_EQ(found.size(), 1U);
  const RequestView& view = found.front();
  EXPECT_EQ(view.account, "team-a");
  EXPECT_EQ(view.model, "gpt-x");
  EXPECT_EQ(view.native_model, "vendor/gpt-x");
  EXPECT_EQ(view.client_key, "alice");
  EXPECT_EQ(view.pool, "primary");
  EXPECT_EQ(view.row.request_id, "request");
  EXPECT_EQ(view.row.status, 200);
  EXPECT_EQ(view.row.total_tokens, 15U);
  EXPECT_EQ(view.row.cost_nano_dollars, 1000U);
  EXPECT_EQ(view.row.outcome, RequestOutcome::kEnded);
}

// Every combination of filters against looking at each event, in pages of seven, with prunings in
// between.
TEST_F(Queries, FiltersAndPagesFindWhatANaiveSearchFinds) {
  Prng prng(7);
  std::vector<UsageEvent> events;
  for (std::uint64_t sequence = 1; sequence <= 600; ++sequence) {
    UsageEvent event = at_minute(sequence, static_cast<std::int64_t>(prng.below(300)));
    event.account = kAccounts[prng.below(sequence < 500 ? 2 : 3)];
    event.model = kModels[prng.below(2)];
    event.client_key = kClients[prng.below(2)];
    event.status = kStatuses[prng.below(3)];
    events.push_back(event);
  }
  apply(events);
  std::int64_t kept_from = 0;
  for (int round = 0; round < 2; ++round) {
    for (unsigned mask = 0; mask < 16; ++mask) {
      RequestFilter filter;
      filter.limit = 7;
      if ((mask & 1) != 0) filter.names.account = "team-c";
      if ((mask & 2) != 0) filter.names.model = "gpt-y";
      if ((mask & 4) != 0) filter.names.client_key = "bob";
      if ((mask & 8) != 0) filter.status = 429;
      std::vector<RequestKey> expected;
      for (const UsageEvent& event : events) {
        if (event.unix_ms < kept_from) continue;
        if (filter.names.account && event.account != *filter.names.account) continue;
        if (filter.names.model && event.model != *filter.names.model) continue;
        if (filter.names.client_key && event.client_key != *filter.names.client_key) continue;
        if (filter.status && event.status != *filter.status) continue;
        expected.push_back({.unix_ms = static_cast<std::uint64_t>(event.unix_ms),
                            .journal = 1,
                            .sequence = event.sequence});
      }
      std::ranges::sort(expected, std::ranges::greater());
      std::vector<RequestKey> found;
      for (const RequestView& view : all_pages(filter)) found.push_back(view.key);
      EXPECT_EQ(found, expected) << mask;
    }
    kept_from = kDawnMs + 100 * kMinuteMs + 30'000;
    PrunedRows pruned{.rows = 0, .more = true};
    for (int steps = 0; pruned.more; ++steps) {
      ASSERT_LT(steps, 1000);
      const auto step = prune_requests(*writer_, kept_from, 50);
      ASSERT_TRUE(step);
      EXPECT_LE(step->rows, 50U);
      pruned = *step;
    }
  }
  // What was pruned stays in the sums.
  EXPECT_EQ(usage_total(*environment_)->requests, events.size());
  const auto report = check_store(*environment_);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->good());
}

TEST_F(Queries, APageLooksAtABoundedNumberOfRows) {
  std::vector<UsageEvent> events;
  for (std::uint64_t sequence = 1; sequence <= kRequestRowsMax + 10; ++sequence) {
    events.push_back(at_minute(sequence, 0));
    if (sequence == 1) events.back().account = "team-rare";
  }
  apply(events);
  RequestFilter filter;
  filter.names.account = "team-rare";
  const auto first = recent_requests(*environment_, filter);
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->requests.empty());
  ASSERT_TRUE(first->next);
  EXPECT_EQ(all_pages(filter).size(), 1U);
}

}  // namespace
}  // namespace sluice::test
