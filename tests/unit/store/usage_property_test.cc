// The store's sums against those of a model that keeps every event and counts anew, over batches
// that are cut, repeated and overlapped at random.

#include <array>
#include <map>
#include <set>

#include "base/prng.h"
#include "store/check.h"
#include "store/queries.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

constexpr std::array<std::string_view, 4> kAccounts = {"team-a", "team-b", "team-c", "team-d"};
constexpr std::array<std::string_view, 3> kModels = {"gpt-x", "gpt-y", "claude-z"};
constexpr std::array<std::string_view, 2> kClients = {"alice", "bob"};
constexpr std::array<std::string_view, 2> kJournals = {"shard-0", "shard-1"};
constexpr std::array<std::uint16_t, 5> kStatuses = {200, 200, 429, 500, 0};

template <class T, std::size_t N>
const T& any_of(Prng& prng, const std::array<T, N>& values) {
  return values[prng.below(N)];
}

// One journal's events, in which every start has its end within twenty events, or none.
std::vector<UsageEvent> random_journal(Prng& prng, std::size_t size) {
  std::vector<UsageEvent> events;
  std::vector<UsageEvent> open;
  for (std::uint64_t sequence = 1; sequence <= size; ++sequence) {
    UsageEvent event;
    const std::uint64_t roll = prng.below(10);
    if (roll == 0) {
      event = refused_event(sequence);
    } else if (roll < 6 || open.empty()) {
      event = start_event(sequence);
      event.account = any_of(prng, kAccounts);
      event.pool = event.account < "team-c" ? "primary" : "fallback";
      event.model = any_of(prng, kModels);
      event.client_key = any_of(prng, kClients);
      open.push_back(event);
    } else {
      const std::size_t which = prng.below(open.size());
      const UsageEvent start = open[which];
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
      event = end_event(sequence, start.sequence);
      event.account = start.account;
      event.pool = start.pool;
      event.model = start.model;
      event.client_key = start.client_key;
      event.status = any_of(prng, kStatuses);
      event.flags = static_cast<std::uint16_t>(prng.below(256));
      event.prompt_tokens = prng.below(100'000);
      event.total_tokens = prng.below(3) * event.prompt_tokens;
      event.cached_read_tokens = prng.below(event.prompt_tokens + 1);
      event.cost_nano_dollars = static_cast<std::int64_t>(prng.below(1'000'000'000));
      event.latency_us = prng.below(60'000'000);
      event.first_token_us = prng.below(2) * event.latency_us;
      event.queue_us = prng.below(1000);
    }
    event.unix_ms = kDawnMs + static_cast<std::int64_t>(prng.below(3 * 24 * 3'600'000));
    events.push_back(event);
  }
  return events;
}

using ModelKey = std::tuple<std::uint32_t, std::string_view, std::string_view>;

struct NaiveUsage {
  UsageSums total;
  std::map<ModelKey, UsageSums> hourly;
  std::map<std::pair<std::uint32_t, std::string_view>, std::set<std::string_view>> accounts;
  std::size_t open = 0;

  // Written down once more, in other words than the store's.
  void count(const UsageEvent& event) {
    if (event.kind == UsageKind::kStart) {
      ++open;
      return;
    }
    UsageSums sums;
    const bool refused = event.kind == UsageKind::kRefused;
    const bool is_request = refused || (event.flags & 1) != 0;
    const bool bad = event.status > 399 || (event.status == 0 && (event.flags & 32) == 0);
    if (is_request) {
      sums.requests = 1;
      sums.errors = bad;
      sums.queue_us = event.queue_us;
    }
    if (!refused) {
      --open;
      sums.attempts = 1;
      sums.failed_attempts = bad;
      sums.prompt_tokens = event.prompt_tokens;
      sums.completion_tokens = event.completion_tokens;
      sums.total_tokens = event.total_tokens;
      sums.cached_read_tokens = event.cached_read_tokens;
      sums.latency_us = event.latency_us;
      sums.first_token_us = event.first_token_us;
      sums.first_tokens = event.first_token_us != 0;
      if ((event.flags & 128) != 0) {
        sums.cost_nano_dollars = static_cast<std::uint64_t>(event.cost_nano_dollars);
      } else {
        sums.unpriced = event.total_tokens != 0;
      }
    }
    const auto hour = static_cast<std::uint32_t>(event.unix_ms / 3'600'000);
    total.add(sums);
    hourly[{hour, event.account, event.model}].add(sums);
    auto& of_day = accounts[{hour / 24, event.pool}];
    if (!event.account.empty()) of_day.insert(event.account);
  }
};

// Hands out `events` in batches, some of them twice and some from before where the last one ended.
void apply_at_random(Prng& prng, UsageLedger& ledger, std::string_view journal,
                     const std::vector<UsageEvent>& events) {
  for (std::size_t at = 0; at < events.size();) {
    const std::size_t from =
        at - std::min<std::size_t>(at, prng.below(4) == 0 ? prng.below(60) : 0);
    const std::size_t to = std::min(events.size(), at + 1 + prng.below(40));
    const auto result = ledger.apply(journal, std::span(events).subspan(from, to - from));
    ASSERT_TRUE(result);
    EXPECT_EQ(result->applied, to - at);
    EXPECT_EQ(result->skipped, at - from);
    at = to;
    if (prng.below(8) != 0) continue;
    // The same once more, as after an answer that was lost.
    const auto again = ledger.apply(journal, std::span(events).subspan(from, to - from));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->applied, 0U);
  }
}

void expect_same(StoreEnvironment& environment, const NaiveUsage& naive) {
  EXPECT_EQ(*usage_total(environment), naive.total);
  const auto hourly = hourly_usage(environment, {});
  ASSERT_TRUE(hourly);
  EXPECT_EQ(hourly->size(), naive.hourly.size());
  for (const HourlyUsage& row : *hourly) {
    const auto found = naive.hourly.find({row.hour, row.account, row.model});
    ASSERT_NE(found, naive.hourly.end()) << row.hour << " " << row.account << " " << row.model;
    EXPECT_EQ(row.sums, found->second);
  }
  const auto daily = daily_usage(environment, 0, UINT32_MAX);
  ASSERT_TRUE(daily);
  EXPECT_EQ(daily->size(), naive.accounts.size());
  for (const DailyUsage& row : *daily) {
    const auto found = naive.accounts.find({row.day, row.pool});
    ASSERT_NE(found, naive.accounts.end());
    EXPECT_EQ(row.unique_accounts, found->second.size()) << row.day << " " << row.pool;
  }
  for (const auto& [side, size] : {std::pair{UsageSide::kAccount, kAccounts.size() + 1},
                                   std::pair{UsageSide::kModel, kModels.size()},
                                   std::pair{UsageSide::kClientKey, kClients.size()}}) {
    const auto usage = usage_by(environment, side);
    ASSERT_TRUE(usage);
    EXPECT_EQ(usage->size(), size);
    UsageSums all;
    for (const NamedUsage& one : *usage) all.add(one.sums);
    EXPECT_EQ(all, naive.total);
  }
  const auto transaction = environment.read();
  EXPECT_EQ(*transaction->count(Table::kOpenAttempts), naive.open);
}

TEST(UsageProperty, SumsAreThoseOfANaiveModel) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    TemporaryDirectory directory;
    StoreOptions options = options_for(directory.path());
    options.map_bytes_initial = 256 * kKiB;  // so that batches run again after it has grown
    const auto environment = open_or_fail(options);
    Writer writer(*environment);
    UsageLedger ledger(writer);
    NaiveUsage naive;
    for (const std::string_view journal : kJournals) {
      const auto events = random_journal(prng, 400);
      for (const UsageEvent& event : events) naive.count(event);
      apply_at_random(prng, ledger, journal, events);
    }
    expect_same(*environment, naive);
    const auto report = check_store(*environment);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->good()) << report->told.front().text;
  }
}

}  // namespace
}  // namespace sluice::test
