// What is read from the predecessor's database.
#include "store/import/sidecar_v2.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/unit/import/sidecar_database.h"

namespace sluice {
namespace {

constexpr std::int64_t kNoon = 1'768'478'400;  // 2026-01-15T12:00:00Z

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(SidecarV2, AnAccountIsReadWhole) {
  SidecarDatabase database;
  database.add_account(
      "bkd_1",
      ", label, api, timeout_seconds, rpm_limit, pool, enabled, source, metadata, created_at, "
      "updated_at, model_mappings",
      ", 'Team A', 'openai-completions', 90, 60, 'fallback', 0, 'webui', '{\"a\":1}', "
      "'2026-01-15T12:00:00Z', '2026-01-15 12:00:00.5', "
      "'{\"m\":{\"native_id\":\"v/m\",\"cost\":{\"input\":2.5e-06,\"output\":0.00001}}}'");
  const auto data = database.read();
  ASSERT_TRUE(data) << data.error().text();
  ASSERT_EQ(data->accounts.size(), 1u);
  const ImportedAccount& account = data->accounts[0];
  EXPECT_EQ(account.id, "bkd_1");
  EXPECT_EQ(account.name, "name of bkd_1");
  EXPECT_EQ(account.label, "Team A");
  EXPECT_EQ(account.base_url, "https://api.example.com/v1");
  EXPECT_EQ(account.api_key.reveal(), "sk-test-bkd_1");
  EXPECT_EQ(account.timeout_seconds, 90u);
  EXPECT_EQ(account.rpm_limit, 60u);
  EXPECT_TRUE(account.is_fallback);
  EXPECT_FALSE(account.enabled);
  EXPECT_EQ(account.source, "webui");
  EXPECT_EQ(account.metadata_json, "{\"a\":1}");
  EXPECT_EQ(account.created_at_unix_ms, kNoon * 1000);
  EXPECT_EQ(account.updated_at_unix_ms, kNoon * 1000 + 500);
  ASSERT_EQ(account.models.size(), 1u);
  EXPECT_EQ(account.models[0].canonical, "m");
  EXPECT_EQ(account.models[0].native_id, "v/m");
  EXPECT_EQ(account.models[0].cost.input, 2'500'000'000u);
  EXPECT_EQ(account.models[0].cost.output, 10'000'000'000u);
}

TEST(SidecarV2, WhatAnAccountDoesNotSayHasTheDefaultsOfCompat) {
  SidecarDatabase database;
  database.add_account("bkd_1");
  const auto data = database.read();
  ASSERT_TRUE(data) << data.error().text();
  const ImportedAccount& account = data->accounts.at(0);
  EXPECT_EQ(account.api, "openai-completions");
  EXPECT_EQ(account.timeout_seconds, 120u);
  EXPECT_EQ(account.rpm_limit, 40u);
  EXPECT_FALSE(account.is_fallback);
  EXPECT_TRUE(account.enabled);
  EXPECT_TRUE(account.models.empty());
  EXPECT_FALSE(account.created_at_unix_ms);
}

TEST(SidecarV2, HistoryIsRead) {
  SidecarDatabase database;
  database.run(R"sql(
    INSERT INTO usage VALUES (1, 'bkd_1', 'm', 10, 5, 15, 0.30000000000000004, 3, 1, 812.5, 99.125,
                              '2026-01-15T12:00:00Z', '2026-01-15T12:30:00Z');
    INSERT INTO daily_stats VALUES (1, '2026-01-15', 'primary', 30, 2, 400, 1.5, 4, NULL);
    INSERT INTO cooldown_events VALUES (1, 'bkd_1', 2, 60.5, '429', '2026-01-15T12:00:00+00:00',
                                        NULL);
    INSERT INTO backend_health VALUES ('bkd_1', 'degraded', 20.25, 503, 0.5, 3, 1768478400.25);
    INSERT INTO system_config VALUES ('rate_rpm', '40', 'the limit', '2026-01-15 12:00:00');
  )sql");
  const auto data = database.read();
  ASSERT_TRUE(data) << data.error().text();
  ASSERT_EQ(data->usage.size(), 1u);
  const ImportedUsageHour& hour = data->usage[0];
  EXPECT_EQ(hour.account_id + "/" + hour.model, "bkd_1/m");
  EXPECT_EQ(hour.hour_unix_seconds, kNoon);
  EXPECT_EQ(hour.prompt_tokens + 100 * hour.completion_tokens + 10'000 * hour.total_tokens,
            10u + 500 + 150'000);
  EXPECT_EQ(hour.cost_nano_dollars, 300'000'000) << "what 0.1 + 0.2 was meant to be";
  EXPECT_EQ(hour.requests * 10 + hour.errors, 31u);
  EXPECT_EQ(hour.latency_mean_us, 812'500);
  EXPECT_EQ(hour.first_token_mean_us, 99'125);
  ASSERT_EQ(data->days.size(), 1u);
  EXPECT_EQ(data->days[0].day_unix_seconds, kNoon - 12 * 3600);
  EXPECT_EQ(data->days[0].cost_nano_dollars, 1'500'000'000);
  EXPECT_EQ(data->days[0].requests, 30u);
  EXPECT_EQ(data->days[0].errors, 2u);
  EXPECT_EQ(data->days[0].tokens, 400u);
  EXPECT_EQ(data->days[0].accounts, 4u);
  ASSERT_EQ(data->cooldowns.size(), 1u);
  EXPECT_EQ(data->cooldowns[0].consecutive, 2u);
  EXPECT_EQ(data->cooldowns[0].cooldown_ms, 60'500);
  EXPECT_EQ(data->cooldowns[0].response_summary, "429");
  EXPECT_EQ(data->cooldowns[0].started_at_unix_ms, kNoon * 1000);
  EXPECT_FALSE(data->cooldowns[0].ended_at_unix_ms);
  ASSERT_EQ(data->health.size(), 1u);
  EXPECT_EQ(data->health[0].state, "degraded");
  EXPECT_EQ(data->health[0].last_latency_us, 20'250);
  EXPECT_EQ(data->health[0].last_status, 503u);
  EXPECT_EQ(data->health[0].consecutive_failures, 3u);
  EXPECT_EQ(data->health[0].checked_at_unix_ms, kNoon * 1000 + 250);
  ASSERT_EQ(data->settings.size(), 1u);
  EXPECT_EQ(data->settings[0].key + "=" + data->settings[0].value, "rate_rpm=40");
  EXPECT_EQ(data->settings[0].description, "the limit");
  EXPECT_EQ(data->settings[0].updated_at_unix_ms, kNoon * 1000);
}

TEST(SidecarV2, TablesThatAreNotThereAreNamedAndNoFault) {
  SidecarDatabase database(
      "CREATE TABLE BACKENDS (ID, Name, API_Base_URL, api_key);"
      "CREATE VIEW usage AS SELECT 1 AS backend_id, 2 AS model, 3 AS hour_bucket;");
  database.add_account("bkd_1");
  const auto data = database.read();
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_EQ(data->accounts.size(), 1u) << "names of SQLite have no case";
  EXPECT_EQ(data->missing_tables,
            (std::vector<std::string>{"usage", "daily_stats", "cooldown_events", "backend_health",
                                      "system_config"}));
}

// Neither a byte of the file nor anything beside it changes, also where the file cannot be written.
TEST(SidecarV2, NothingIsWritten) {
  SidecarDatabase database;
  database.run("PRAGMA journal_mode = WAL");
  database.add_account("bkd_1");
  ASSERT_EQ(chmod(database.path().c_str(), 0400), 0);
  const std::string before = content_of(database.path());
  ASSERT_TRUE(database.read());
  EXPECT_EQ(content_of(database.path()), before);
  for (const char* const suffix : {"-wal", "-shm", "-journal"})
    EXPECT_FALSE(std::filesystem::exists(database.path() + suffix)) << suffix;
}

}  // namespace
}  // namespace sluice
