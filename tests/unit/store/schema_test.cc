#include "store/schema.h"

#include "store/catalog.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

StoreResult<void> add_setting(WriteTransaction& transaction) {
  return transaction.put(Table::kConfig, "migrated", "once");
}
StoreResult<void> fail_half_way(WriteTransaction& transaction) {
  SL_STORE_TRY(add_setting(transaction));
  return store_fail(StoreErrc::kDiskFull);
}

constexpr Migration kToTwo[] = {{.from = 1, .run = add_setting}};
constexpr Migration kToThree[] = {{.from = 1, .run = add_setting},
                                  {.from = 2, .run = fail_half_way}};

bool has_setting(StoreEnvironment& environment) {
  const auto transaction = environment.read();
  return transaction && *transaction->get(Table::kConfig, "migrated");
}

std::uint32_t version_of(StoreEnvironment& environment) {
  const auto transaction = environment.read();
  return schema_version(*transaction)->value_or(0);
}

TEST(Schema, ANewStoreHasTheVersionOfItsRelease) {
  TemporaryDirectory directory;
  EXPECT_EQ(version_of(*open_or_fail(options_for(directory.path()))), kSchemaVersion);
}

TEST(Schema, AnEarlierVersionIsCopiedThenMigratedOnce) {
  TemporaryDirectory directory;
  const StoreOptions options = options_for(directory.path());
  open_or_fail(options);
  {
    const auto migrated = open_store(options, {.version = 2, .migrations = kToTwo});
    ASSERT_TRUE(migrated);
    EXPECT_EQ(version_of(**migrated), 2U);
    EXPECT_TRUE(has_setting(**migrated));
  }
  StoreOptions copy = options;
  copy.mode = OpenMode::kCopy;
  copy.file = "backup-before-v2";
  EXPECT_FALSE(has_setting(*open_or_fail(copy)));
  // The second time there is nothing to do, and no copy.
  ASSERT_TRUE(open_store(options, {.version = 2, .migrations = kToTwo}));
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/backup-before-v2.1"));
}

TEST(Schema, AMigrationThatFailsGoesOnFromTheLastWholeStep) {
  TemporaryDirectory directory;
  const StoreOptions options = options_for(directory.path());
  open_or_fail(options);
  const auto failed = open_store(options, {.version = 3, .migrations = kToThree});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, StoreErrc::kDiskFull);
  const auto again = open_store(options, {.version = 2, .migrations = kToTwo});
  ASSERT_TRUE(again);
  EXPECT_EQ(version_of(**again), 2U);
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/backup-before-v3"));
}

TEST(Schema, ALaterVersionIsRefusedAndNotTouched) {
  TemporaryDirectory directory;
  const StoreOptions options = options_for(directory.path());
  open_or_fail(options);
  ASSERT_TRUE(open_store(options, {.version = 2, .migrations = kToTwo}));
  const auto refused = open_store(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, StoreErrc::kNewerSchema);
  EXPECT_EQ(refused.error().detail, 2);
  const std::string text = explain(refused.error(), "data");
  EXPECT_NE(text.find("later release"), std::string::npos) << text;
  EXPECT_NE(text.find("version 2"), std::string::npos) << text;
  const auto still = open_store(options, {.version = 2, .migrations = kToTwo});
  ASSERT_TRUE(still);
  EXPECT_EQ(version_of(**still), 2U);
}

TEST(Schema, ReadOnlyNothingIsMadeAndNothingMigrated) {
  TemporaryDirectory directory;
  StoreOptions options = options_for(directory.path());
  options.mode = OpenMode::kReadOnly;
  EXPECT_FALSE(open_store(options));
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/data.mdb"));
  open_or_fail(options_for(directory.path()));
  EXPECT_TRUE(open_store(options));
  const auto older = open_store(options, {.version = 2, .migrations = kToTwo});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, StoreErrc::kOlderSchema);
}

}  // namespace
}  // namespace sluice::test
