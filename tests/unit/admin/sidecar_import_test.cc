// What becomes of the predecessor's database on its way into the store.
#include <sysexits.h>

#include "admin/sidecar_history.h"
#include "admin/stored_entries.h"
#include "store/catalog.h"
#include "store/check.h"
#include "store/cooldowns.h"
#include "store/queries.h"
#include "tests/unit/admin/admin_fixture.h"

namespace sluice::test {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kNoon = 1'768'478'400;  // 2026-01-15T12:00:00Z
constexpr std::int64_t kDay = kNoon - 12 * 3600;

ImportedAccount account(std::string id, std::string name) {
  ImportedAccount account;
  account.id = std::move(id);
  account.name = std::move(name);
  account.base_url = "https://api.example.com/v1";
  account.api_key = Secret("sk-test-" + account.id);
  account.api = "openai-completions";
  return account;
}

ImportedUsageHour hour(std::string account_id, std::uint64_t requests) {
  return {.account_id = std::move(account_id),
          .model = "gpt-x",
          .hour_unix_seconds = kNoon,
          .prompt_tokens = 10 * requests,
          .completion_tokens = 5 * requests,
          .total_tokens = 15 * requests,
          .cost_nano_dollars = 100 * static_cast<std::int64_t>(requests),
          .requests = requests,
          .errors = 1,
          .latency_mean_us = 2000,
          .first_token_mean_us = 300};
}

ImportedDay day(bool is_fallback, std::uint64_t requests) {
  return {.day_unix_seconds = kDay,
          .is_fallback = is_fallback,
          .requests = requests,
          .errors = 1,
          .tokens = 15 * requests,
          .cost_nano_dollars = 100 * static_cast<std::int64_t>(requests),
          .accounts = 1};
}

SidecarV2 database() {
  SidecarV2 data;
  data.accounts.push_back(account("bkd_0123456789ab", "team-a"));
  data.accounts.push_back(account("7", "Team B (new)"));
  data.accounts.back().is_fallback = true;
  StoredMapping model{.canonical = "m", .native_id = "v/m", .reasoning = true, .compat = "{}"};
  model.cost.input = 3000;
  model.cost.output = 4000;
  data.accounts.back().models = {model};
  data.usage = {hour("bkd_0123456789ab", 4), hour("7", 2), hour("bkd_gone", 1)};
  data.settings = {{.key = "rate_rpm", .value = "40", .description = "", .updated_at_unix_ms = {}}};
  return data;
}

SidecarDocument document(SidecarV2 data) {
  auto decoded = decode_sidecar(encode_sidecar(std::move(data), "digest"));
  EXPECT_TRUE(decoded);
  return std::move(*decoded);
}

TEST(SidecarDocument, ArrivesAsItLeft) {
  const SidecarDocument got = document(database());
  ASSERT_EQ(got.accounts.size(), 2u);
  EXPECT_EQ(got.accounts[0].api_key.reveal(), "sk-test-bkd_0123456789ab");
  EXPECT_EQ(got.accounts[1].api_key.reveal(), "sk-test-7");
  EXPECT_EQ(got.accounts[1].models, database().accounts[1].models);
  EXPECT_EQ(got.usage.size(), 3u);
  EXPECT_EQ(got.settings[0].value, "40");
  EXPECT_EQ(got.digest, "digest");
}

TEST(SidecarDocument, WhatIsCutOrLongerIsNone) {
  const Secret whole = encode_sidecar(database(), "digest");
  const std::string bytes(whole.reveal());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_sidecar(Secret(bytes.substr(0, size)))) << size;
  EXPECT_FALSE(decode_sidecar(Secret(bytes + "x")));
}

struct DayRow {
  const char* what;
  std::uint64_t primary, fallback;  // requests that the days tell
  std::uint64_t rest;               // what comes to the hours' 6
};

constexpr DayRow kDayRows[] = {
    {"days as their hours", 4, 2, 0},
    {"days that lost something", 3, 1, 0},
    {"hours that went with their account", 9, 2, 5},
    {"the same in both pools", 5, 4, 3},
    {"an account that changed its pool", 6, 0, 0},
    {"a changed pool, and hours that went", 8, 0, 2},
};

TEST(SidecarHistoryDays, WhatADayHasBeyondItsHoursIsNotLost) {
  const SidecarAccounts accounts = {{"bkd_0123456789ab", {"team-a", false}}, {"7", {"b", true}}};
  for (const DayRow& row : kDayRows) {
    SidecarV2 data = database();
    data.usage.pop_back();
    data.days = {day(false, row.primary), day(true, row.fallback)};
    StoreImport import;
    const SidecarHistory history = take_history(document(std::move(data)), accounts, import);
    std::uint64_t requests = 0, rest = 0;
    for (const UsageHour& hour : import.hours) {
      requests += hour.sums.requests;
      if (hour.account == kNoAccount) rest += hour.sums.requests;
    }
    EXPECT_EQ(requests, 6 + row.rest) << row.what;
    EXPECT_EQ(rest, row.rest) << row.what;
    EXPECT_EQ(history.filled_days, row.rest > 0 ? 1u : 0u) << row.what;
    EXPECT_EQ(history.requests, 6u) << row.what;
  }
}

// COMPAT, fault 14.
TEST(SidecarHistoryCooldowns, OneCooldownIsOneEvent) {
  SidecarV2 data;
  const auto event = [](std::string id, std::int64_t from, std::int64_t seconds) {
    return ImportedCooldown{.account_id = std::move(id),
                            .consecutive = 1,
                            .cooldown_ms = seconds * 1000,
                            .response_summary = "429",
                            .started_at_unix_ms = from,
                            .ended_at_unix_ms = {}};
  };
  data.cooldowns = {event("a", 2000, 30), event("a", 1000, 30), event("b", 1500, 30),
                    event("a", 40'000, 60)};
  StoreImport import;
  const SidecarHistory history = take_history(document(std::move(data)), {}, import);
  ASSERT_EQ(import.cooldowns.size(), 3u);
  EXPECT_EQ(import.cooldowns[0].started_ms, 1000);
  EXPECT_EQ(import.cooldowns[0].ended_ms, 32'000);
  EXPECT_EQ(import.cooldowns[1].ended_ms, 100'000);
  EXPECT_EQ(history.joined_cooldowns, 1u);
}

class SidecarImport : public AdminDeskTest {
 protected:
  AdminAnswer import(SidecarV2 data, Json args = Json::object(), std::string digest = "d1") {
    return ask("import.sidecar", std::move(args),
               encode_sidecar(std::move(data), std::move(digest)));
  }
  void expect_nothing_imported(const char* what) {
    EXPECT_TRUE(list_accounts(*environment_)->empty()) << what;
    EXPECT_TRUE(list_settings(*environment_)->empty()) << what;
    EXPECT_EQ(usage_total(*environment_)->requests, 0u) << what;
  }
};

TEST_F(SidecarImport, EverythingIsTaken) {
  const AdminAnswer answer = import(database());
  ASSERT_EQ(answer.exit_code, EX_OK) << answer.text;
  EXPECT_TRUE(answer.changed);
  EXPECT_NE(answer.text.find("\"Team B (new)\" is \"Team-B--new-\" here"), answer.text.npos)
      << answer.text;
  EXPECT_TRUE(check_store(*environment_)->good());
  const auto kept = get_account(*environment_, "bkd_0123456789ab");
  ASSERT_TRUE(kept->has_value());
  EXPECT_EQ((*kept)->name, "team-a");
  EXPECT_EQ((*kept)->source, AccountSource::kImport);
  const auto renamed = find_account(*environment_, "Team-B--new-");
  ASSERT_TRUE(renamed->has_value());
  EXPECT_EQ((*renamed)->label, "Team B (new)");
  EXPECT_EQ((*renamed)->models, database().accounts[1].models) << "nothing of it is lost";
  EXPECT_EQ(open_api_key(**renamed, keys_->vault)->reveal(), "sk-test-7");
  EXPECT_EQ(usage_total(*environment_)->requests, 7u);
  EXPECT_EQ(usage_total(*environment_)->latency_us, 7u * 2000u);
  std::map<std::string, std::uint64_t> by_account;
  const auto usages = usage_by(*environment_, UsageSide::kAccount);
  for (const NamedUsage& usage : *usages) by_account[usage.name] = usage.sums.requests;
  EXPECT_EQ(by_account["team-a"], 4u);
  EXPECT_EQ(by_account["Team-B--new-"], 2u);
  EXPECT_EQ(by_account["bkd_gone"], 1u);
}

TEST_F(SidecarImport, ADryRunWritesNothing) {
  const AdminAnswer answer = import(database(), {{"dry_run", true}});
  EXPECT_EQ(answer.exit_code, EX_OK) << answer.text;
  EXPECT_NE(answer.text.find("would be imported"), answer.text.npos);
  EXPECT_FALSE(answer.changed);
  expect_nothing_imported("a dry run");
}

TEST_F(SidecarImport, ASecondTimeIsRefused) {
  ASSERT_EQ(import(database()).exit_code, EX_OK);
  const AdminAnswer again = import(database(), {{"skip_unreadable", true}});
  EXPECT_EQ(again.exit_code, EX_DATAERR);
  EXPECT_NE(again.text.find("was imported on 2026-01-15"), again.text.npos) << again.text;
  SidecarV2 later = database();
  later.usage.push_back(hour("7", 1));
  const AdminAnswer changed = import(std::move(later), {{"skip_unreadable", true}}, "d2");
  EXPECT_EQ(changed.exit_code, EX_DATAERR) << changed.text;
  EXPECT_EQ(usage_total(*environment_)->requests, 7u);
}

struct BadAccountRow {
  const char* what;
  void (*damage)(ImportedAccount& account);
  const char* says;
};

constexpr BadAccountRow kBadAccountRows[] = {
    {"a URL that is none", [](ImportedAccount& a) { a.base_url = "localhost"; }, "api_base_url"},
    {"no limit", [](ImportedAccount& a) { a.rpm_limit = 0; }, "rpm_limit"},
    {"a limit beyond all", [](ImportedAccount& a) { a.rpm_limit = 1ull << 40; }, "rpm_limit"},
    {"no name", [](ImportedAccount& a) { a.name.clear(); }, "name"},
    {"another dialect", [](ImportedAccount& a) { a.api = "gopher"; }, "api"},
    {"a key that no field carries", [](ImportedAccount& a) { a.api_key = Secret("sk\n"); },
     "api_key"},
    {"a name of the file", [](ImportedAccount& a) { a.name = "configured"; }, "already"},
    {"the name of another", [](ImportedAccount& a) { a.name = "Team-B--new-"; }, "already"},
};

TEST_F(SidecarImport, OneBadAccountAndNothingIsImported) {
  for (const BadAccountRow& row : kBadAccountRows) {
    SidecarV2 data = database();
    row.damage(data.accounts[0]);
    const AdminAnswer answer = import(std::move(data));
    EXPECT_EQ(answer.exit_code, EX_DATAERR) << row.what;
    EXPECT_NE(answer.text.find(row.says), answer.text.npos) << row.what << ": " << answer.text;
    EXPECT_EQ(answer.text.find("sk\n"), answer.text.npos) << row.what;
    expect_nothing_imported(row.what);
  }
}

TEST_F(SidecarImport, WhatIsLeftOutKeepsItsUsage) {
  SidecarV2 data = database();
  data.accounts[0].rpm_limit = 0;
  const AdminAnswer answer = import(std::move(data), {{"skip_unreadable", true}});
  EXPECT_EQ(answer.exit_code, EX_OK) << answer.text;
  EXPECT_NE(answer.text.find("left out:\n  account \"team-a\": rpm_limit"), answer.text.npos)
      << answer.text;
  EXPECT_EQ(list_accounts(*environment_)->size(), 1u);
  EXPECT_EQ(usage_total(*environment_)->requests, 7u);
  EXPECT_TRUE(check_store(*environment_)->good());
}

}  // namespace
}  // namespace sluice::test
