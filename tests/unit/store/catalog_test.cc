#include "store/catalog.h"

#include "store/check.h"
#include "store/cooldowns.h"
#include "store/prune.h"
#include "store/queries.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

StoredAccount account(std::string id, std::string name) {
  StoredAccount row;
  row.id = std::move(id);
  row.name = std::move(name);
  row.models.resize(1);
  row.models[0].canonical = "gpt-x";
  return row;
}

class Catalog : public StoreTest {
 protected:
  void TearDown() override {
    const auto report = check_store(*environment_);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->good()) << report->told.front().text;
  }
};

TEST_F(Catalog, AccountsAreFoundByIdAndByName) {
  const StoredAccount row = account("bkd_0123456789ab", "team-a");
  ASSERT_TRUE(put_account(*writer_, row));
  EXPECT_EQ(**get_account(*environment_, row.id), row);
  EXPECT_EQ(**find_account(*environment_, "team-a"), row);
  EXPECT_FALSE(*get_account(*environment_, "bkd_000000000000"));
  EXPECT_FALSE(*find_account(*environment_, ""));
}

TEST_F(Catalog, ARenamedAccountGivesItsNameFree) {
  ASSERT_TRUE(put_account(*writer_, account("bkd_000000000001", "old")));
  ASSERT_TRUE(put_account(*writer_, account("bkd_000000000001", "new")));
  EXPECT_FALSE(*find_account(*environment_, "old"));
  EXPECT_TRUE(*find_account(*environment_, "new"));
  ASSERT_TRUE(put_account(*writer_, account("bkd_000000000002", "old")));
  EXPECT_EQ(put_account(*writer_, account("bkd_000000000002", "new")).error().code,
            StoreErrc::kExists);
  EXPECT_EQ(list_accounts(*environment_)->size(), 2U);
}

TEST_F(Catalog, IdsHaveTheirForm) {
  EXPECT_TRUE(is_account_id("bkd_0123456789ab"));
  for (const std::string_view id : {"", "bkd_", "bkd_0123456789a", "bkd_0123456789abc",
                                    "bkd_0123456789aB", "xyz_0123456789ab"}) {
    EXPECT_FALSE(is_account_id(id)) << id;
    EXPECT_EQ(put_account(*writer_, account(std::string(id), "a")).error().code,
              StoreErrc::kInvalid);
  }
}

TEST_F(Catalog, AnImportIsAllOrNothing) {
  const auto failed =
      put_accounts(*writer_, {account("bkd_000000000001", "a"), account("bkd_000000000002", "a")});
  EXPECT_EQ(failed.error().code, StoreErrc::kExists);
  EXPECT_TRUE(list_accounts(*environment_)->empty());
  ASSERT_TRUE(
      put_accounts(*writer_, {account("bkd_000000000001", "a"), account("bkd_000000000002", "b")}));
  EXPECT_EQ(list_accounts(*environment_)->size(), 2U);
}

TEST_F(Catalog, ADeletedAccountKeepsItsUsageAndCooldowns) {
  ASSERT_TRUE(put_account(*writer_, account("bkd_000000000001", "team-a")));
  StoredHealth health;
  health.account = "team-a";
  ASSERT_TRUE(put_health(*writer_, health));
  StoredCooldown cooldown;
  cooldown.account = "team-a";
  ASSERT_TRUE(begin_cooldown(*writer_, cooldown));
  UsageLedger ledger(*writer_);
  const std::vector<UsageEvent> events = {end_event(1, 0)};
  ASSERT_TRUE(ledger.apply("shard-0", events));
  EXPECT_TRUE(*delete_account(*writer_, "bkd_000000000001"));
  EXPECT_FALSE(*delete_account(*writer_, "bkd_000000000001"));
  EXPECT_TRUE(list_health(*environment_)->empty());
  EXPECT_EQ(hourly_usage(*environment_, {})->front().account, "team-a");
  EXPECT_EQ(recent_cooldowns(*environment_, "team-a", 9)->size(), 1U);
}

TEST_F(Catalog, ClientKeysAndSettings) {
  StoredClientKey key;
  key.name = "alice";
  key.sha256.fill(1);
  ASSERT_TRUE(put_client_key(*writer_, key));
  EXPECT_EQ(**get_client_key(*environment_, "alice"), key);
  EXPECT_EQ(list_client_keys(*environment_)->front(), key);
  EXPECT_TRUE(*delete_client_key(*writer_, "alice"));
  EXPECT_FALSE(*delete_client_key(*writer_, "alice"));
  StoredSetting setting{.key = "queue.max", .value = "500", .description = "", .updated_ms = 1};
  ASSERT_TRUE(put_setting(*writer_, setting));
  EXPECT_EQ(list_settings(*environment_)->front(), setting);
  EXPECT_TRUE(*delete_setting(*writer_, "queue.max"));
  EXPECT_FALSE(*get_setting(*environment_, "queue.max"));
  setting.key = "";
  EXPECT_EQ(put_setting(*writer_, setting).error().code, StoreErrc::kInvalid);
}

StoredCooldown cooldown(std::string account, std::uint32_t count, std::int64_t started_ms) {
  StoredCooldown row;
  row.account = std::move(account);
  row.consecutive_count = count;
  row.cooldown_seconds = 30;
  row.started_ms = started_ms;
  return row;
}

TEST_F(Catalog, SixteenRefusalsAtOnceAreOneCooldownAndItEnds) {
  for (std::uint32_t count = 1; count <= 16; ++count) {
    ASSERT_TRUE(begin_cooldown(*writer_, cooldown("team-a", count, 1000 + count)));
  }
  EXPECT_TRUE(*end_cooldown(*writer_, "team-a", 5000));
  EXPECT_FALSE(*end_cooldown(*writer_, "team-a", 6000));
  const auto rows = recent_cooldowns(*environment_, "team-a", 50);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().consecutive_count, 16U);
  EXPECT_EQ(rows->front().started_ms, 1001);
  EXPECT_EQ(rows->front().ended_ms, 5000);
}

TEST_F(Catalog, CooldownsOfOneAccountOrOfAllLatestFirst) {
  for (std::int64_t i = 0; i < 10; ++i) {
    const std::string name = i % 2 == 0 ? "team-a" : "team-ab";
    ASSERT_TRUE(begin_cooldown(*writer_, cooldown(name, 1, 1000 * i)));
    ASSERT_TRUE(end_cooldown(*writer_, name, 1000 * i + 1));
  }
  const auto all = recent_cooldowns(*environment_, std::nullopt, 3);
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[0].started_ms, 9000);
  EXPECT_EQ((*all)[2].started_ms, 7000);
  const auto one = recent_cooldowns(*environment_, "team-a", 50);
  ASSERT_EQ(one->size(), 5U);
  EXPECT_EQ(one->front().started_ms, 8000);
  EXPECT_EQ(one->back().started_ms, 0);
  EXPECT_TRUE(recent_cooldowns(*environment_, "team", 50)->empty());
  EXPECT_TRUE(recent_cooldowns(*environment_, "", 50)->empty());
}

TEST_F(Catalog, EndedCooldownsArePrunedOldestFirst) {
  for (std::int64_t i = 0; i < 6; ++i) {
    ASSERT_TRUE(begin_cooldown(*writer_, cooldown("team-a", 1, 1000 * i)));
    ASSERT_TRUE(end_cooldown(*writer_, "team-a", 1000 * i + 1));
  }
  ASSERT_TRUE(begin_cooldown(*writer_, cooldown("team-b", 1, 0)));
  const auto first = prune_cooldowns(*writer_, 4000, 3);
  EXPECT_EQ(first->rows, 3U);
  EXPECT_TRUE(first->more);
  EXPECT_FALSE(prune_cooldowns(*writer_, 4000, 3)->more);
  const auto left = recent_cooldowns(*environment_, std::nullopt, 50);
  ASSERT_EQ(left->size(), 3U);
  EXPECT_EQ(left->back().account, "team-b");
  EXPECT_EQ((*left)[1].started_ms, 4000);
}

}  // namespace
}  // namespace sluice::test
