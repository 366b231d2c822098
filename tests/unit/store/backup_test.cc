#include "store/backup.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <thread>
#include <vector>

#include "store/backup_digest.h"
#include "store/catalog.h"
#include "store/codec.h"
#include "store/queries.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

constexpr std::int64_t kDayMs = 24 * kHourMs;

class Backup : public StoreTest {
 protected:
  void SetUp() override {
    UsageLedger ledger(*writer_);
    const std::vector<UsageEvent> events = {start_event(1), end_event(2, 1), refused_event(3),
                                            start_event(4)};
    ASSERT_TRUE(ledger.apply("shard-0", events));
    StoredAccount account;
    account.id = "bkd_0123456789ab";
    account.name = "team-a";
    ASSERT_TRUE(put_account(*writer_, account));
  }
  std::string back_up_at(std::int64_t now_ms) {
    const auto result = back_up(*environment_, backups_, now_ms, 7);
    EXPECT_TRUE(result);
    return result ? result->path : "";
  }
  void damage(Table table, std::string_view key, std::string_view value) {
    ASSERT_TRUE(writer_->transact(
        [&](WriteTransaction& transaction) { return transaction.put(table, key, value); }));
  }

  std::string backups_ = directory_.path() + "/backups";
};

TEST_F(Backup, ACopyHasItsTimeItsModeAndPassesItsCheck) {
  const std::string path = back_up_at(kDawnMs + 5000);
  EXPECT_TRUE(path.ends_with("/sluice-20241004T000005Z.mdb")) << path;
  struct stat about = {};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  const auto report = verify_backup(path);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->good());
  EXPECT_GT(report->rows, 15U);
  EXPECT_EQ(list_backups(backups_)->size(), 1U);
}

TEST_F(Backup, TheNewestCopyIsNoneOfTheFuture) {
  EXPECT_EQ(newest_backup_ms(backups_, kDawnMs).error().code, StoreErrc::kNoDirectory);
  back_up_at(kDawnMs);
  back_up_at(kDawnMs + 5000);
  EXPECT_EQ(newest_backup_ms(backups_, kDawnMs + 9000), kDawnMs + 5000);
  EXPECT_EQ(newest_backup_ms(backups_, kDawnMs + 4999), kDawnMs) << "a clock that was wrong";
  EXPECT_EQ(newest_backup_ms(backups_, kDawnMs - 1), 0);
}

TEST_F(Backup, WhatARunLeftThatWasCutOffGoes) {
  std::filesystem::create_directories(backups_);
  const std::string left = backups_ + "/sluice-20240101T000000Z.mdb.part";
  const std::string strange = backups_ + "/notes.part";
  std::ofstream(left) << "half";
  std::ofstream(strange) << "somebody else's";
  const std::string alone = backups_ + "/sluice-20240102T000000Z.mdb.sha256";
  std::ofstream(alone) << "of a copy that got no name";
  const std::string path = back_up_at(kDawnMs);
  back_up_at(kDawnMs + 1000);
  EXPECT_FALSE(std::filesystem::exists(alone));
  EXPECT_TRUE(std::filesystem::exists(digest_path(path)));
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(strange));
}

TEST_F(Backup, ARestoredCopyIsAStoreToGoOnWith) {
  const std::string path = back_up_at(kDawnMs);
  TemporaryDirectory other;
  std::filesystem::copy_file(path, other.path() + "/data.mdb");
  const auto restored = open_or_fail(options_for(other.path()));
  Writer writer(*restored);
  UsageLedger ledger(writer);
  EXPECT_EQ(*ledger.position("shard-0"), 4U);
  const std::vector<UsageEvent> events = {end_event(5, 4)};
  ASSERT_TRUE(ledger.apply("shard-0", events));
  EXPECT_EQ(usage_total(*restored)->requests, 3U);
}

TEST_F(Backup, CopiesAreKeptForTheirDays) {
  for (std::int64_t day = 0; day < 12; ++day) back_up_at(kDawnMs + day * kDayMs);
  const auto paths = list_backups(backups_);
  ASSERT_TRUE(paths);
  ASSERT_EQ(paths->size(), 8U);  // of the last seven days, and the one of this moment
  EXPECT_TRUE(paths->front().ends_with("sluice-20241008T000000Z.mdb")) << paths->front();
}

TEST_F(Backup, OtherFilesThereAreNoneOfOurs) {
  back_up_at(kDawnMs);
  const std::string other = backups_ + "/sluice-19991231T000000Z.mdb.txt";
  std::ofstream(other) << "mine";
  back_up_at(kDawnMs + 30 * kDayMs);
  EXPECT_TRUE(std::filesystem::exists(other));
  EXPECT_EQ(list_backups(backups_)->size(), 2U);
}

TEST_F(Backup, AClockThatWasSetForwardTakesNoneOfTheNewestAway) {
  for (std::int64_t day = 0; day < 9; ++day) back_up_at(kDawnMs + day * kDayMs);
  EXPECT_EQ(list_backups(backups_)->size(), 8U);
  const auto made = back_up(*environment_, backups_, kDawnMs + 3000 * kDayMs, 7);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->removed.size(), 2U) << "seven are left, with the one of the wrong day";
  EXPECT_EQ(list_backups(backups_)->size(), 7U);
  for (const std::string& gone : made->removed)
    EXPECT_FALSE(std::filesystem::exists(digest_path(gone))) << gone;
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(backups_), {}), 2 * 7);
}

TEST_F(Backup, ACopyThatKeepsNoCountTakesNoneAway) {
  for (std::int64_t day = 0; day < 3; ++day) back_up_at(kDawnMs + day * kDayMs);
  const auto made = back_up(*environment_, backups_, kDawnMs + 3000 * kDayMs, 0);
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->removed.empty());
  EXPECT_EQ(list_backups(backups_)->size(), 4U);
}

TEST_F(Backup, ADigestTellsOfEachByteThatChanged) {
  const std::string path = back_up_at(kDawnMs);
  EXPECT_EQ(check_digest(path), DigestVerdict::kMatches);
  std::string line;
  std::getline(std::ifstream(digest_path(path)), line);
  EXPECT_EQ(line.substr(64), "  sluice-20241004T000000Z.mdb");
  struct stat about = {};
  ASSERT_EQ(::stat(digest_path(path).c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  const auto size = std::filesystem::file_size(path);
  for (const std::uintmax_t at : {std::uintmax_t{0}, size / 2, size - 1}) {
    SCOPED_TRACE(at);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto flip = [&] {
      file.seekg(static_cast<std::streamoff>(at));
      const int byte = file.get();
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(byte ^ 1)).flush();
    };
    flip();
    EXPECT_EQ(check_digest(path), DigestVerdict::kDiffers);
    flip();
    EXPECT_EQ(check_digest(path), DigestVerdict::kMatches);
  }
  std::ofstream(digest_path(path)) << "short";
  EXPECT_EQ(check_digest(path), DigestVerdict::kDiffers);
  std::filesystem::remove(digest_path(path));
  EXPECT_EQ(check_digest(path), DigestVerdict::kAbsent);
}

TEST_F(Backup, WhatIsNoBackupIsCalledWhatItIs) {
  std::filesystem::create_directories(backups_);
  const std::string empty = backups_ + "/empty.mdb";
  std::ofstream(empty).flush();
  EXPECT_EQ(verify_backup(empty).error().code, StoreErrc::kEmpty);
  EXPECT_EQ(verify_backup(backups_).error().code, StoreErrc::kNoFile);
}

TEST_F(Backup, ASecondCopyOfOneSecondIsRefused) {
  back_up_at(kDawnMs);
  EXPECT_EQ(back_up(*environment_, backups_, kDawnMs + 999, 7).error().code, StoreErrc::kExists);
}

TEST_F(Backup, RunsAtTheSameTimeFollowEachOther) {
  std::vector<std::thread> runs;
  std::array<bool, 6> made = {};
  for (std::size_t i = 0; i < made.size(); ++i) {
    runs.emplace_back([&, i] {
      const auto now_ms = kDawnMs + static_cast<std::int64_t>(i) * 1000;
      made[i] = back_up(*environment_, backups_, now_ms, 7).has_value();
    });
  }
  for (std::thread& run : runs) run.join();
  EXPECT_EQ(std::ranges::count(made, true), 6);
  EXPECT_EQ(list_backups(backups_)->size(), 6U);
}

TEST_F(Backup, AStoreThatFailsItsCheckGivesNoCopyAndTakesNoneAway) {
  back_up_at(kDawnMs);
  damage(Table::kUsageTotals, TotalKey{}.bytes().view(), "\x01");
  const auto refused = back_up(*environment_, backups_, kDawnMs + 30 * kDayMs, 7);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, StoreErrc::kCorrupt);
  EXPECT_EQ(list_backups(backups_)->size(), 1U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(backups_), {}), 2) << "its digest";
}

TEST_F(Backup, ATruncatedCopyIsRefusedWhereverItIsCut) {
  const std::string path = back_up_at(kDawnMs);
  const auto size = std::filesystem::file_size(path);
  for (std::uintmax_t cut = 0; cut < size; cut += 4096) {
    std::filesystem::resize_file(path, size - 4096 - cut);
    const auto report = verify_backup(path);
    EXPECT_FALSE(report) << size - 4096 - cut;
  }
  EXPECT_FALSE(verify_backup(path + ".missing"));
}

TEST_F(Backup, ACheckTellsEachFaultByTableAndKey) {
  struct Row {
    Table table;
    std::string key;
    std::string value;
    std::string_view text;
  };
  std::string good;
  encode_row(UsageSums{}, good);
  std::string newer = good;
  newer[0] = 9;
  const Row rows[] = {
      {Table::kConfig, "a", "", "does not decode"},
      {Table::kClientKeys, "a", "\x04", "version 4 is not known here"},
      {Table::kAccountNames, "nobody", "bkd_000000000000", "has no account"},
      {Table::kUsageTotals, std::string(TotalKey{}.bytes().view()), good,
       "is not the sum of its hours"},
      {Table::kUsageHourly, "short", good, "is no key of this table"},
      {Table::kUsageHourly, std::string(HourlyKey{.account = 99}.bytes().view()), good,
       "name 99 has no text"},
      {Table::kNames, "\x01team-a", std::string("\0\0\0\x07", 4), "its number has another text"},
      {Table::kOpenAttempts, "k", "\x01", "does not decode"},
      {Table::kCooldownsByAccount, "k", "", "has other rows than the table that it is of"},
      {Table::kRequestMinutes, "k", "", "is no key of this table"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const std::string path = back_up_at(kDawnMs);
    damage(row.table, row.key, row.value);
    const auto report = check_store(*environment_);
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->good());
    EXPECT_TRUE(std::ranges::any_of(report->told, [&](const CheckFault& fault) {
      return fault.table == row.table && fault.text == row.text;
    }));
    // From the copy again, for the next row.
    writer_.reset();
    environment_.reset();
    std::filesystem::rename(path, directory_.path() + "/data.mdb");
    environment_ = open_or_fail(options_for(directory_.path()));
    writer_ = std::make_unique<Writer>(*environment_);
  }
}

}  // namespace
}  // namespace sluice::test
