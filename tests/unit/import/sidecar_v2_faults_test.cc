// What of the predecessor's database is not taken over, and how that is told.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/import/sidecar_database.h"

namespace sluice {
namespace {

constexpr SidecarV2Options kSkip{.skip_unreadable = true};

struct BadRow {
  const char* rule;
  std::string sql;
  std::string_view told;  // of the fault
};

const BadRow kBadRows[] = {
    {"an rpm_limit that is no number (fault 33)",
     "UPDATE backends SET rpm_limit = 'abc' WHERE id = 'bkd_2'",
     "backends row 2 \"bkd_2\" rpm_limit: \"abc\" is not a whole number"},
    {"a negative limit", "UPDATE backends SET rpm_limit = -1 WHERE id = 'bkd_2'",
     "rpm_limit: \"-1\" is not a whole number"},
    {"a fraction of a limit", "UPDATE backends SET rpm_limit = 1.5 WHERE id = 'bkd_2'",
     "rpm_limit: \"1.5\" is not a whole number"},
    {"a number beyond 63 bits",
     "UPDATE backends SET rpm_limit = '9223372036854775808' WHERE id = 'bkd_2'",
     "is not a whole number"},
    {"no base URL", "UPDATE backends SET api_base_url = NULL WHERE id = 'bkd_2'",
     "api_base_url: has no value"},
    {"an unknown pool", "UPDATE backends SET pool = 'spare' WHERE id = 'bkd_2'",
     "pool: \"spare\" is neither primary nor fallback"},
    {"enabled is no truth", "UPDATE backends SET enabled = 'maybe' WHERE id = 'bkd_2'",
     "enabled: \"maybe\" is neither true nor false"},
    {"a name that is no UTF-8", "UPDATE backends SET name = CAST(x'ff' AS TEXT) WHERE id = 'bkd_2'",
     "name: is no UTF-8"},
    {"a time that is none", "UPDATE backends SET created_at = 'soon' WHERE id = 'bkd_2'",
     "created_at: \"soon\" is not a time"},
    {"mappings that are no JSON", "UPDATE backends SET model_mappings = '{' WHERE id = 'bkd_2'",
     "model_mappings: is no JSON"},
    {"a negative cost",
     "UPDATE backends SET model_mappings = '{\"m\":{\"cost\":{\"input\":-1}}}' WHERE id = 'bkd_2'",
     "m.cost.input: -1 is negative"},
    {"an emptied key (fault 19)", "UPDATE backends SET api_key = '' WHERE id = 'bkd_2'",
     "api_key: the key of the account \"name of bkd_2\" is empty"},
    {"no key", "UPDATE backends SET api_key = NULL WHERE id = 'bkd_2'", "api_key: has no value"},
    {"a key in clear", "UPDATE backends SET api_key = 'nvapi-test-1' WHERE id = 'bkd_2'",
     "\"name of bkd_2\" is not of the form nonce:ciphertext"},
    {"a key of another time",
     "UPDATE backends SET api_key = '" + sidecar_sealed("sk-test-2", '2') + "' WHERE id = 'bkd_2'",
     "\"name of bkd_2\" does not open with this key"},
    {"an hour with minutes",
     "INSERT INTO usage (backend_id, model, hour_bucket) VALUES ('b', 'm', "
     "'2026-01-15T12:30:00Z')",
     "usage row 1 \"b\" hour_bucket: \"2026-01-15T12:30:00Z\" is not an hour"},
    {"an hour with a small t",
     "INSERT INTO usage (backend_id, model, hour_bucket) VALUES ('b', 'm', "
     "'2026-01-15t12:00:00Z')",
     "is not an hour"},
    {"an hour of another zone",
     "INSERT INTO usage (backend_id, model, hour_bucket) VALUES ('b', 'm', "
     "'2026-01-15T12:00:00+01:00')",
     "is not an hour"},
    {"an hour of a day that is none",
     "INSERT INTO usage (backend_id, model, hour_bucket) VALUES ('b', 'm', "
     "'2026-02-30T12:00:00Z')",
     "is not an hour"},
    {"a cost that is no number",
     "INSERT INTO usage (backend_id, model, hour_bucket, cost) VALUES ('b', 'm', "
     "'2026-01-15T12:00:00Z', 9e999)",
     "cost: \"Inf\" is not a number"},
    {"a negative cost of an hour",
     "INSERT INTO usage (backend_id, model, hour_bucket, cost) VALUES ('b', 'm', "
     "'2026-01-15T12:00:00Z', -0.1)",
     "cost: \"-0.1\" is negative"},
    {"a day that is none", "INSERT INTO daily_stats (date, pool) VALUES ('2026-13-01', 'primary')",
     "daily_stats row 1 \"2026-13-01\" date: \"2026-13-01\" is not a day"},
    {"a cooldown without its begin", "INSERT INTO cooldown_events (backend_id) VALUES ('bkd_1')",
     "cooldown_events row 1 \"bkd_1\" started_at: has no value"},
};

TEST(SidecarV2Faults, OneBadRowIsEnoughAndIsLeftOutWhenAsked) {
  for (const BadRow& row : kBadRows) {
    SidecarDatabase database;
    for (const char* const id : {"bkd_1", "bkd_2", "bkd_3"}) database.add_account(id);
    database.run(row.sql);
    const auto refused = database.read();
    ASSERT_FALSE(refused) << row.rule;
    EXPECT_NE(refused.error().message.find("nothing was imported"), std::string::npos);
    ASSERT_EQ(refused.error().faults.size(), 1u) << row.rule << refused.error().text();
    EXPECT_NE(refused.error().faults[0].text().find(row.told), std::string::npos)
        << row.rule << ": " << refused.error().faults[0].text();
    const auto skipped = database.read(kSkip);
    ASSERT_TRUE(skipped) << row.rule;
    EXPECT_EQ(skipped->skipped.size(), 1u) << row.rule;
    const bool of_account = skipped->skipped[0].table == "backends";
    EXPECT_EQ(skipped->accounts.size(), of_account ? 2u : 3u) << row.rule;
    EXPECT_TRUE(skipped->usage.empty() && skipped->days.empty() && skipped->cooldowns.empty());
  }
}

TEST(SidecarV2Faults, AllAreToldAtOnceAndNoKeyIsAmongThem) {
  SidecarDatabase database;
  database.add_account("bkd_1", ", rpm_limit, pool", ", 'abc', 'spare'");
  database.add_account("bkd_2");
  database.run("UPDATE backends SET api_key = 'sk-test-in-clear' WHERE id = 'bkd_2'");
  const auto refused = database.read();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().faults.size(), 3u) << refused.error().text();
  EXPECT_EQ(refused.error().text().find("sk-test"), std::string::npos);
}

TEST(SidecarV2Faults, TheWrongKeyIsSaidToBeOne) {
  SidecarDatabase database;
  database.add_account("bkd_1");
  database.add_account("bkd_2");
  const auto refused = database.read({}, '2');
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("none of the 2 API keys opens: SIDECAR_ENCRYPTION_KEY"),
            std::string::npos)
      << refused.error().message;
  EXPECT_EQ(refused.error().faults.size(), 2u);
}

struct BadTableRow {
  const char* rule;
  std::string_view schema;
  std::string_view told;
};

constexpr BadTableRow kBadTables[] = {
    {"no accounts", "CREATE TABLE other (a)", "backends: there is no such table"},
    {"accounts are a view", "CREATE VIEW backends AS SELECT 1 AS id",
     "backends: there is no such table"},
    {"a column that must be there", "CREATE TABLE backends (id, name, api_base_url)",
     "backends api_key: the table has no such column"},
    {"a column of another table",
     "CREATE TABLE backends (id, name, api_base_url, api_key); CREATE TABLE usage (model)",
     "usage backend_id: the table has no such column"},
};

TEST(SidecarV2Faults, ATableThatCannotBeReadIsNotSkipped) {
  for (const BadTableRow& row : kBadTables) {
    const SidecarDatabase database(row.schema);
    const auto refused = database.read(kSkip);
    ASSERT_FALSE(refused) << row.rule;
    EXPECT_NE(refused.error().text().find(row.told), std::string::npos)
        << row.rule << ": " << refused.error().text();
  }
}

TEST(SidecarV2Faults, ManyBadRowsAreNotAllTold) {
  SidecarDatabase database;
  database.run(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
      "INSERT INTO usage (backend_id, model, hour_bucket) SELECT 'b', 'm', 'never' FROM n");
  const auto skipped = database.read(kSkip);
  ASSERT_TRUE(skipped);
  EXPECT_EQ(skipped->skipped.size(), kRowFaultsMax);
  EXPECT_TRUE(skipped->usage.empty());
}

void expect_not_opened(const std::string& path, std::string_view told) {
  const auto refused = read_sidecar_v2(path, key_of('1'), {});
  ASSERT_FALSE(refused) << told;
  EXPECT_EQ(refused.error().message.find(path + ": "), 0u) << refused.error().message;
  EXPECT_NE(refused.error().message.find(told), std::string::npos) << refused.error().message;
}

TEST(SidecarV2Faults, WhatIsNoDatabaseIsRefused) {
  expect_not_opened(testing::TempDir() + "sluice-no-such-database", "No such file");
  expect_not_opened(testing::TempDir(), "no regular file");
  const SidecarDatabase database;
  std::ofstream(database.path()) << std::string(8192, 'x');
  expect_not_opened(database.path(), "file is not a database");
}

// An index overwritten, which is not read here: what else is damaged nobody knows.
TEST(SidecarV2Faults, ADamagedDatabaseIsNotHalfRead) {
  SidecarDatabase database;
  database.run("CREATE INDEX probe ON backends (name)");
  database.add_account("bkd_1");
  const int page = database.number(
      "SELECT (rootpage - 1) * page_size FROM sqlite_master, pragma_page_size WHERE name = "
      "'probe'");
  std::fstream file(database.path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(page);
  file << std::string(1024, '\xff');
  file.close();
  expect_not_opened(database.path(), "is damaged");
}

TEST(SidecarV2Faults, ChangesThatAreNotInTheFileYetAreNotLost) {
  for (const char* const suffix : {"-wal", "-journal"}) {
    SidecarDatabase database;
    database.add_account("bkd_1");
    std::ofstream(database.path() + suffix) << "";
    EXPECT_TRUE(database.read()) << "an empty one is no fault";
    std::ofstream(database.path() + suffix) << "something";
    expect_not_opened(database.path(), "wal_checkpoint(TRUNCATE)");
  }
}

}  // namespace
}  // namespace sluice
