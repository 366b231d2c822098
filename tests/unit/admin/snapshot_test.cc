// What a snapshot says of accounts: those that can be used, that cannot, and a thousand of them.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>

#include "admin/live/live_text.h"
#include "admin/routes/times.h"
#include "tests/unit/admin/metrics_fixture.h"

namespace sluice {
namespace {

using test::kStart;
constexpr std::int64_t kUnixMs = 1'768'478'400'000;

// The figures of a directory's accounts at `now`.
LiveFigures figures_of(std::shared_ptr<const Directory> directory, Instant now) {
  LiveFigures figures;
  figures.now = now;
  figures.unix_ms = kUnixMs;
  figures.queue = std::make_shared<QueueSummary>();
  figures.today_date = "2026-01-15";
  for (const auto& account : directory->accounts) {
    figures.accounts.push_back(view_account(*account, now, kUnixMs));
    figures.pools[account->pool == Pool::kFallback].add(figures.accounts.back());
  }
  for (const UnopenedAccount& account : directory->unopened) {
    figures.unopened.push_back(view_unopened(account, now, kUnixMs));
    figures.pools[account.pool == Pool::kFallback].add(figures.unopened.back());
  }
  figures.directory = std::move(directory);
  return figures;
}

nlohmann::json snapshot_of(const LiveFigures& figures) {
  const TaggedAccounts known(*figures.directory, Config{}, nullptr);
  std::vector<std::string> parts;
  for (const auto& account : figures.directory->accounts)
    parts.push_back(account_part(*account, known));
  for (const UnopenedAccount& account : figures.directory->unopened)
    parts.push_back(account_part(account, known));
  std::vector<std::uint32_t> order(parts.size());
  std::iota(order.begin(), order.end(), 0u);
  std::string text;
  append_snapshot(text, figures, parts, order, HealthBoard());
  return nlohmann::json::parse(text, nullptr, false);
}

// Of five accounts with 40 requests each one is free: what the others have left cannot be had.
TEST(Snapshot, CapacityIsWhatCanBeUsedNow) {
  const auto directory = std::make_shared<Directory>(test::make_directory(
      {{.name = "free"}, {.name = "cools"}, {.name = "refused"}, {.name = "fails"}}));
  directory->unopened = {{.name = "unopened", .why = "damaged", .rpm_limit = 40},
                         {.name = "unopened-off", .why = "damaged", .enabled = false}};
  const auto state = [&directory](std::size_t i) -> AccountState& {
    return *directory->accounts[i]->state;
  };
  state(1).cooldown().rate_limited(kStart, 30s, CooldownPolicy());
  state(2).reject(directory->accounts[2]->generation);
  for (int i = 0; i < 5; ++i)
    state(3).breaker().failed(state(3).breaker().enter(kStart), kStart, BreakerPolicy());
  LiveFigures figures = figures_of(directory, kStart);
  const auto expect = [&figures](BreakerState breaker) {
    EXPECT_EQ(figures.accounts[3].breaker, breaker);
    EXPECT_TRUE(figures.accounts[3].failing());
    std::string text;
    append_token_bucket(text, figures);
    const auto bucket = nlohmann::json::parse(text);
    const std::uint32_t one = figures.accounts[0].capacity;
    EXPECT_EQ(bucket["tokens"], one);
    EXPECT_EQ(bucket["capacity"], 4 * one + 40);
    const PoolCounts& pool = figures.pools[0];
    EXPECT_EQ(pool.total, 6u);
    EXPECT_EQ(pool.enabled, 5u);
    EXPECT_EQ(pool.healthy, 1u);
    EXPECT_EQ(pool.cooling, 1u);
    EXPECT_EQ(pool.error, 3u);
  };
  expect(BreakerState::kOpen);
  figures = figures_of(directory, kStart + 15s);  // nobody came to probe it
  expect(BreakerState::kHalfOpen);
}

// Two may hold at once; each is told with its own time, and neither when it is over.
TEST(Snapshot, AnAccountOnHoldSaysUntilWhen) {
  const auto directory = std::make_shared<Directory>(
      test::make_directory({{.name = "a-held"}, {.name = "b-both"}, {.name = "c-cools"}}));
  const auto state = [&directory](std::size_t i) -> AccountState& {
    return *directory->accounts[i]->state;
  };
  state(0).learn({}, kStart + 40s);
  state(1).learn({}, kStart + 40s);
  state(1).cooldown().rate_limited(kStart, 30s, CooldownPolicy());
  state(2).cooldown().rate_limited(kStart, 30s, CooldownPolicy());
  const auto backends = snapshot_of(figures_of(directory, kStart))["backends"];
  for (const auto& account : backends) EXPECT_EQ(account["status"], "cooling");
  EXPECT_EQ(backends[0]["hold_until"], rfc3339_text(kUnixMs + 40'000));
  EXPECT_EQ(backends[0]["cooldown_until"], nullptr);
  EXPECT_EQ(backends[1]["hold_until"], rfc3339_text(kUnixMs + 40'000));
  EXPECT_NE(backends[1]["cooldown_until"], nullptr);
  EXPECT_FALSE(backends[2].contains("hold_until"));
  const auto later = snapshot_of(figures_of(directory, kStart + 41s))["backends"];
  EXPECT_EQ(later[0]["status"], "healthy");
  EXPECT_FALSE(later[0].contains("hold_until"));
}

TEST(Snapshot, TheLastErrorTellsAnErrorFromAnAnswerThatBrokeOff) {
  const auto directory = std::make_shared<Directory>(test::make_directory({{.name = "team-a"}}));
  constexpr auto kServerError = static_cast<std::uint8_t>(TryOutcome::kServerError);
  const auto kind_of = [&directory](int status) -> std::string {
    directory->accounts[0]->state->last_fault().note(kStart, static_cast<std::uint16_t>(status),
                                                     kServerError);
    const auto snapshot = snapshot_of(figures_of(directory, kStart));
    return snapshot["backends"].at(0)["last_error"]["kind"];
  };
  for (const int status : {408, 500, 529}) EXPECT_EQ(kind_of(status), "server_error");
  for (const int status : {0, 200, 400}) EXPECT_EQ(kind_of(status), "broken_off");
}

TEST(Snapshot, SaysWhetherAnythingIsStored) {
  LiveFigures figures =
      figures_of(std::make_shared<Directory>(test::make_directory({{.name = "team-a"}})), kStart);
  EXPECT_EQ(snapshot_of(figures)["stored"], false);
  figures.stored = true;
  EXPECT_EQ(snapshot_of(figures)["stored"], true);
}

TEST(Snapshot, KeysThatDoNotOpenAreInErrorSinceTheyWereFound) {
  const auto directory = std::make_shared<Directory>(test::make_directory({{.name = "team-a"}}));
  directory->unopened = {{.name = "team-b",
                          .why = "it is \"damaged\"",
                          .pool = Pool::kFallback,
                          .rpm_limit = 7,
                          .models = 2,
                          .found_at = kStart}};
  const auto snapshot = snapshot_of(figures_of(directory, kStart + 2h));
  ASSERT_TRUE(snapshot.is_object());
  const auto& shown = snapshot["backends"].at(1);
  EXPECT_EQ(shown["name"], "team-b");
  EXPECT_EQ(shown["status"], "error");
  EXPECT_EQ(shown["pool"], "fallback");
  EXPECT_EQ(shown["rpm_limit"], 7);
  EXPECT_EQ(shown["model_count"], 2);
  EXPECT_EQ(shown["rate_limiter"]["tokens"], 0);
  EXPECT_EQ(shown["last_error"]["at"], rfc3339_text(kUnixMs - 7'200'000));
  EXPECT_EQ(shown["last_error"]["kind"], "unopened");
  EXPECT_EQ(shown["last_error"]["summary"], "it is \"damaged\"");
  EXPECT_EQ(snapshot["pool"]["fallback"]["error"], 1);
}

TEST(Snapshot, OfAThousandAccountsIsWhole) {
  std::vector<test::AccountRow> rows;
  for (int i = 0; i < 1000; ++i) rows.push_back({.name = "account-" + std::to_string(i)});
  LiveFigures figures;
  const auto directory = std::make_shared<Directory>(test::make_directory(rows));
  figures.directory = directory;
  figures.now = kStart;
  figures.unix_ms = kUnixMs;
  figures.queue = std::make_shared<QueueSummary>();
  figures.today_date = "2026-01-15";
  const TaggedAccounts known(*directory, Config{}, nullptr);
  std::vector<std::string> parts;
  for (const auto& account : directory->accounts) parts.push_back(account_part(*account, known));
  std::vector<std::uint32_t> order(1000);
  std::iota(order.begin(), order.end(), 0u);
  const HealthBoard health;
  const auto began = std::chrono::steady_clock::now();
  for (const auto& account : directory->accounts)
    figures.accounts.push_back(view_account(*account, kStart, kUnixMs));
  std::string text;
  append_snapshot(text, figures, parts, order, health);
  const auto took = std::chrono::steady_clock::now() - began;
  RecordProperty("microseconds", static_cast<int>(took / 1us));
  const auto snapshot = nlohmann::json::parse(text, nullptr, false);
  ASSERT_TRUE(snapshot.is_object()) << text.substr(0, 2000);
  EXPECT_EQ(snapshot["backends"].size(), 1000u);
  EXPECT_LT(text.size(), 400'000u);
  const auto& one = snapshot["backends"][7];
  EXPECT_EQ(one["name"], "account-7");
  EXPECT_EQ(one["status"], "healthy");
  EXPECT_EQ(one["health"], "unknown");
  EXPECT_EQ(one["rate_limiter"]["utilization"], 0);
  EXPECT_EQ(snapshot["latency"]["ttft_ms"]["p50"], nullptr);
}

}  // namespace
}  // namespace sluice
