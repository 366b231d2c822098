#include "store/apply_import.h"

#include "store/catalog.h"
#include "store/check.h"
#include "store/cooldowns.h"
#include "store/queries.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

class ApplyImport : public StoreTest {
 protected:
  void expect_sound() {
    const auto report = check_store(*environment_);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->good()) << (report->told.empty() ? "" : report->told.front().text);
  }
};

UsageHour hour_of(std::string account, std::string model, std::uint64_t requests) {
  UsageHour hour{.hour = kDawnHour,
                 .account = std::move(account),
                 .model = std::move(model),
                 .pool = "primary",
                 .sums = {}};
  hour.sums.requests = hour.sums.attempts = requests;
  hour.sums.total_tokens = 100 * requests;
  hour.sums.cost_nano_dollars = 1000 * requests;
  return hour;
}

StoredAccount account_named(std::string id, std::string name) {
  StoredAccount account;
  account.id = std::move(id);
  account.name = std::move(name);
  return account;
}

StoredSetting setting(std::string value) {
  StoredSetting setting;
  setting.key = "rate_rpm";
  setting.value = std::move(value);
  return setting;
}

StoreImport whole_import() {
  StoreImport import;
  import.origin = "sidecar-v2.0123";
  import.accounts = {account_named("bkd_00000000000a", "team-a"),
                     account_named("bkd_00000000000b", "team-b")};
  import.hours = {hour_of("team-a", "gpt-x", 3), hour_of("team-b", "gpt-y", 4),
                  hour_of("team-a", "gpt-x", 2)};
  StoredCooldown cooldown;
  cooldown.account = "team-a";
  cooldown.consecutive_count = 2;
  cooldown.cooldown_seconds = 60;
  cooldown.started_ms = kDawnMs;
  cooldown.ended_ms = kDawnMs + 60'000;
  import.cooldowns = {cooldown};
  import.settings = {setting("40")};
  return import;
}

TEST_F(ApplyImport, HoursDaysAndTotalsAreOneSum) {
  ASSERT_TRUE(apply_import(*writer_, whole_import(), kDawnMs));
  expect_sound();
  EXPECT_EQ(usage_total(*environment_)->requests, 9u);
  EXPECT_EQ(usage_total(*environment_)->cost_nano_dollars, 9000u);
  const auto hours = hourly_usage(*environment_, {});
  ASSERT_EQ(hours->size(), 2u);
  EXPECT_EQ(hours->front().sums.requests, 5u);
  const auto days = daily_usage(*environment_, 20'000, 20'000);
  ASSERT_EQ(days->size(), 1u);
  EXPECT_EQ(days->front().unique_accounts, 2u);
  EXPECT_EQ(list_accounts(*environment_)->size(), 2u);
  EXPECT_EQ(get_setting(*environment_, "rate_rpm")->value().value, "40");
  const auto cooldowns = recent_cooldowns(*environment_, "team-a", 10);
  ASSERT_EQ(cooldowns->size(), 1u);
  EXPECT_EQ(cooldowns->front().ended_ms, kDawnMs + 60'000);
}

TEST_F(ApplyImport, TheSameOriginIsTakenOnce) {
  EXPECT_EQ(*imported_at(*environment_, "sidecar-v2.0123"), 0);
  ASSERT_TRUE(apply_import(*writer_, whole_import(), kDawnMs));
  EXPECT_EQ(*imported_at(*environment_, "sidecar-v2.0123"), kDawnMs);
  StoreImport again = whole_import();
  again.accounts.clear();
  const auto refused = apply_import(*writer_, again, kDawnMs + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, StoreErrc::kExists);
  EXPECT_EQ(refused.error().table, Table::kMeta);
  EXPECT_EQ(usage_total(*environment_)->requests, 9u);
}

TEST_F(ApplyImport, ALaterStateOfTheSameDatabaseIsNotTakenAlsoWhenItsAccountsAreGoneHere) {
  StoreImport first = whole_import();
  first.parts = {"sidecar-v2.bkd_1", std::string(1000, 'x')};
  EXPECT_FALSE(*any_imported(*environment_, first.parts));
  ASSERT_TRUE(apply_import(*writer_, first, kDawnMs));
  StoreImport later;
  later.origin = "sidecar-v2.4567";
  later.parts = {"sidecar-v2.bkd_2", std::string(1000, 'x')};
  later.hours = first.hours;
  EXPECT_TRUE(*any_imported(*environment_, later.parts));
  const auto refused = apply_import(*writer_, later, kDawnMs + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, StoreErrc::kExists);
  EXPECT_EQ(usage_total(*environment_)->requests, 9u);
  later.parts.pop_back();
  EXPECT_TRUE(apply_import(*writer_, later, kDawnMs + 1));
  expect_sound();
}

struct RefusedRow {
  const char* what;
  void (*damage)(StoreImport& import);
  StoreErrc code;
  Table table;
};

constexpr RefusedRow kRefusedRows[] = {
    {"an id that is taken", [](StoreImport& import) { import.accounts[1].id = "bkd_ffffffffffff"; },
     StoreErrc::kExists, Table::kAccounts},
    {"a name that is taken", [](StoreImport& import) { import.accounts[1].name = "here-before"; },
     StoreErrc::kExists, Table::kAccounts},
    {"a name that comes twice", [](StoreImport& import) { import.accounts[1].name = "team-a"; },
     StoreErrc::kExists, Table::kAccounts},
    {"an id that is none", [](StoreImport& import) { import.accounts[1].id = "7"; },
     StoreErrc::kInvalid, Table::kAccounts},
    {"a cooldown of nobody", [](StoreImport& import) { import.cooldowns[0].account.clear(); },
     StoreErrc::kInvalid, Table::kCooldowns},
    {"a setting without a key", [](StoreImport& import) { import.settings[0].key.clear(); },
     StoreErrc::kInvalid, Table::kConfig},
    {"no origin", [](StoreImport& import) { import.origin.clear(); }, StoreErrc::kInvalid,
     Table::kMeta},
};

TEST_F(ApplyImport, OneFaultAndNothingIsWritten) {
  ASSERT_TRUE(put_account(*writer_, account_named("bkd_ffffffffffff", "here-before")));
  for (const RefusedRow& row : kRefusedRows) {
    StoreImport import = whole_import();
    row.damage(import);
    const auto refused = apply_import(*writer_, import, kDawnMs);
    ASSERT_FALSE(refused) << row.what;
    EXPECT_EQ(refused.error().code, row.code) << row.what;
    EXPECT_EQ(refused.error().table, row.table) << row.what;
    EXPECT_EQ(*usage_total(*environment_), UsageSums{}) << row.what;
    EXPECT_EQ(list_accounts(*environment_)->size(), 1u) << row.what;
    EXPECT_TRUE(list_settings(*environment_)->empty()) << row.what;
  }
  ASSERT_TRUE(apply_import(*writer_, whole_import(), kDawnMs)) << "nothing is remembered of those";
}

TEST_F(ApplyImport, SettingsThatAreHereStay) {
  ASSERT_TRUE(put_setting(*writer_, setting("100")));
  ASSERT_TRUE(apply_import(*writer_, whole_import(), kDawnMs));
  EXPECT_EQ(get_setting(*environment_, "rate_rpm")->value().value, "100");
}

// A running gateway's ledger knows the names of before: numbers that it gives afterwards must not
// be those that the import gave.
TEST_F(ApplyImport, ALedgerThatRunsTakesTheNewNamesOver) {
  UsageLedger ledger(*writer_);
  const UsageEvent first[] = {end_event(1, 0)};
  ASSERT_TRUE(ledger.apply("shard-00", first));
  StoreImport import = whole_import();
  import.hours = {hour_of("team-z", "gpt-z", 1)};
  ASSERT_TRUE(apply_import(*writer_, import, kDawnMs));
  UsageEvent event = end_event(2, 0);
  event.account = "team-new";
  event.model = "gpt-new";
  const UsageEvent second[] = {event};
  ASSERT_TRUE(ledger.apply("shard-00", second));
  expect_sound();
  const auto accounts = usage_by(*environment_, UsageSide::kAccount);
  ASSERT_EQ(accounts->size(), 3u);
  for (const NamedUsage& usage : *accounts) EXPECT_EQ(usage.sums.requests, 1u) << usage.name;
}

}  // namespace
}  // namespace sluice::test
