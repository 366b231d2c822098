#include "store/environment.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <thread>

#include "store/catalog.h"
#include "store/scan.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

unsigned mode_of(const std::string& path) {
  struct stat about = {};
  EXPECT_EQ(::stat(path.c_str(), &about), 0) << path;
  return about.st_mode & 0777;
}

StoredSetting setting(std::string key, std::size_t bytes) {
  StoredSetting row;
  row.key = std::move(key);
  row.value.assign(bytes, 'x');
  return row;
}

// Puts settings of 100 KB until one fails; the error, and how many went well.
std::pair<StoreError, std::size_t> fill(Writer& writer) {
  for (std::size_t i = 0; i < 10'000; ++i) {
    const auto put = put_setting(writer, setting("fill-" + std::to_string(i), 100'000));
    if (!put) return {put.error(), i};
  }
  return {};
}

TEST(FileSystem, WhereAMappedDatabaseBreaks) {
  struct Row {
    std::string_view name;
    std::uint64_t magic;
    FileSystemVerdict verdict;
  };
  constexpr Row kRows[] = {
      {"ext4", EXT4_SUPER_MAGIC, FileSystemVerdict::kLocal},
      {"xfs", XFS_SUPER_MAGIC, FileSystemVerdict::kLocal},
      {"btrfs", BTRFS_SUPER_MAGIC, FileSystemVerdict::kLocal},
      {"overlay", OVERLAYFS_SUPER_MAGIC, FileSystemVerdict::kLocal},
      {"tmpfs", TMPFS_MAGIC, FileSystemVerdict::kMemory},
      {"ramfs", RAMFS_MAGIC, FileSystemVerdict::kMemory},
      {"NFS", NFS_SUPER_MAGIC, FileSystemVerdict::kNetwork},
      {"CIFS", 0xff534d42, FileSystemVerdict::kNetwork},
      {"CIFS, its sign kept", 0xffffffffff534d42, FileSystemVerdict::kNetwork},
      {"SMB 2", 0xfe534d42, FileSystemVerdict::kNetwork},
      {"FUSE", 0x65735546, FileSystemVerdict::kNetwork},
      {"9p", V9FS_MAGIC, FileSystemVerdict::kNetwork},
      {"Ceph", 0x00c36400, FileSystemVerdict::kNetwork},
  };
  for (const Row& row : kRows) EXPECT_EQ(judge_file_system(row.magic), row.verdict) << row.name;
}

TEST(Environment, NobodyElseMayReadItsFiles) {
  TemporaryDirectory parent;
  const std::string directory = parent.path() + "/data";
  const auto environment = open_or_fail(options_for(directory));
  EXPECT_EQ(mode_of(directory), 0700U);
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    EXPECT_EQ(mode_of(file.path()), 0600U) << file.path();
  }
}

TEST(Environment, WhatWasCommittedIsThereAfterOpeningAgain) {
  TemporaryDirectory directory;
  {
    const auto environment = open_or_fail(options_for(directory.path()));
    Writer writer(*environment);
    ASSERT_TRUE(put_setting(writer, setting("kept", 3)));
    ASSERT_TRUE(environment->sync());
  }
  const auto environment = open_or_fail(options_for(directory.path()));
  const auto found = get_setting(*environment, "kept");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->value, "xxx");
}

TEST(Environment, ASecondGatewayIsRefused) {
  TemporaryDirectory directory;
  const auto first = open_or_fail(options_for(directory.path()));
  const auto second = open_store(options_for(directory.path()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, StoreErrc::kInUse);
}

TEST(Environment, ADirectoryThatCannotBeMadeIsTold) {
  TemporaryDirectory directory;
  const auto opened = open_store(options_for(directory.path() + "/missing/data"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, StoreErrc::kNoDirectory);
  const std::string text = explain(opened.error(), "there");
  EXPECT_TRUE(text.starts_with("there: ")) << text;
  EXPECT_NE(text.find("; to mend it: "), std::string::npos) << text;
}

TEST(Environment, AFileThatIsNoDatabaseIsRefusedAndKept) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/data.mdb";
  const std::string text(20'000, 'n');
  std::ofstream(path) << text;
  const auto opened = open_store(options_for(directory.path()));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, StoreErrc::kCorrupt);
  EXPECT_EQ(std::filesystem::file_size(path), text.size());
}

TEST(Environment, TheMapGrowsWhileItRuns) {
  TemporaryDirectory directory;
  StoreOptions options = options_for(directory.path());
  options.map_bytes_initial = 256 * kKiB;
  const auto environment = open_or_fail(options);
  Writer writer(*environment);
  const std::uint64_t before = environment->space()->map;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(put_setting(writer, setting(std::to_string(i), 20'000))) << i;
  }
  EXPECT_GE(environment->space()->map, 4 * before);
  EXPECT_EQ(list_settings(*environment)->size(), 100U);
}

TEST(Environment, AtTheMaximumNothingIsLostAndItGoesOnWhenEnlarged) {
  TemporaryDirectory directory;
  StoreOptions options = options_for(directory.path());
  options.map_bytes_initial = 1 * kMiB;
  options.map_bytes_max = 2 * kMiB;
  const auto environment = open_or_fail(options);
  Writer writer(*environment);
  EXPECT_FALSE(environment->space()->alert());
  const auto [error, kept] = fill(writer);
  EXPECT_EQ(error.code, StoreErrc::kMapFull);
  EXPECT_TRUE(environment->space()->alert());
  EXPECT_EQ(list_settings(*environment)->size(), kept);
  // Rows that are short still find room, and so do all after an enlargement.
  environment->set_map_bytes_max(4 * kMiB);
  EXPECT_TRUE(put_setting(writer, setting("on", 100'000)));
  EXPECT_EQ(list_settings(*environment)->size(), kept + 1);
}

TEST(Environment, AReaderThatStaysKeepsTheMapFromGrowing) {
  TemporaryDirectory directory;
  StoreOptions options = options_for(directory.path());
  options.map_bytes_initial = 1 * kMiB;
  const auto environment = open_or_fail(options);
  Writer writer(*environment);
  std::size_t kept = 0;
  {
    const auto reader = environment->read();
    ASSERT_TRUE(reader);
    const auto [error, puts] = fill(writer);
    EXPECT_EQ(error.code, StoreErrc::kReadersBusy);
    kept = puts;
    // What it sees is what was there when it began.
    EXPECT_EQ(*reader->count(Table::kConfig), 0U);
  }
  EXPECT_TRUE(put_setting(writer, setting("on", 100'000)));
  EXPECT_EQ(list_settings(*environment)->size(), kept + 1);
}

// As long as somebody reads a former state, no page of it is used again: what 500 commits, the work
// of minutes, then cost comes back when the reader has ended.
TEST(Environment, WhatAReaderHoldsIsUsedAgainWhenItHasEnded) {
  TemporaryDirectory directory;
  StoreOptions options = options_for(directory.path());
  options.map_bytes_initial = 64 * kMiB;
  const auto environment = open_or_fail(options);
  Writer writer(*environment);
  const auto grown_by_commits = [&]() -> std::uint64_t {
    const std::uint64_t before = environment->space()->file;
    for (int i = 0; i < 500; ++i)
      EXPECT_TRUE(put_setting(writer, setting(std::to_string(i % 10), 5'000))) << i;
    return environment->space()->file - before;
  };
  grown_by_commits();
  EXPECT_LE(grown_by_commits(), 256 * kKiB) << "alone, it goes on with the pages that it has";
  std::uint64_t held = 0;
  {
    const auto reader = environment->read();
    ASSERT_TRUE(reader);
    held = grown_by_commits();
    EXPECT_GE(held, 2 * kMiB);
    EXPECT_GE(environment->space()->file - environment->space()->used, held / 2);
  }
  EXPECT_LE(grown_by_commits(), 256 * kKiB);
}

TEST(Environment, ReadersGoOnWhileTheMapGrows) {
  TemporaryDirectory directory;
  StoreOptions options = options_for(directory.path());
  options.map_bytes_initial = 256 * kKiB;
  options.reader_wait = 10s;
  const auto environment = open_or_fail(options);
  Writer writer(*environment);
  std::atomic<bool> end = false;
  std::atomic<bool> good = true;
  std::thread reader([&] {
    while (!end) {
      const auto rows = list_settings(*environment);
      if (!rows) good = false;
      for (std::size_t i = 0; rows && i < rows->size(); ++i) {
        if ((*rows)[i].value.size() != 20'000) good = false;
      }
    }
  });
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(put_setting(writer, setting(std::to_string(i), 20'000)));
  }
  end = true;
  reader.join();
  EXPECT_TRUE(good);
}

TEST(Environment, ALongScanRenewsItsTransaction) {
  TemporaryDirectory directory;
  const auto environment = open_or_fail(options_for(directory.path()));
  Writer writer(*environment);
  constexpr std::size_t kRows = 2 * kScanPageRows + 1;
  ASSERT_TRUE(writer.transact([](WriteTransaction& transaction) -> StoreResult<void> {
    for (std::uint32_t i = 0; i < kRows; ++i) {
      KeyBytes key;
      SL_STORE_TRY(transaction.put(Table::kConfig, key.u32(i).view(), "value"));
    }
    return {};
  }));
  std::size_t seen = 0;
  ASSERT_TRUE(scan(*environment, Table::kConfig, {}, {},
                   [&](std::string_view key, std::string_view) -> StoreResult<bool> {
                     KeyReader reader(key);
                     EXPECT_EQ(reader.u32(), seen);
                     ++seen;
                     return true;
                   }));
  EXPECT_EQ(seen, kRows);
}

TEST(EnvironmentDeathTest, OnlyTheWritersThreadWrites) {
  TemporaryDirectory directory;
  const auto environment = open_or_fail(options_for(directory.path()));
  Writer writer(*environment);
  EXPECT_DEATH(
      { std::thread([&] { static_cast<void>(put_setting(writer, setting("a", 1))); }).join(); },
      "invariant");
  EXPECT_DEATH(Writer another(*environment), "invariant");
}

}  // namespace
}  // namespace sluice::test
