#include "store/journal/shard_journal.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

#include "tests/unit/store/journal/shard_journal_fixture.h"

namespace sluice {
namespace {

class ShardJournalTest : public testing::Test {
 protected:
  [[nodiscard]] std::string folder(const std::string& name = "shard-00") const {
    return directory_.path_of(name);
  }
  // The journal of a process that died after `count` records, in a folder of its own.
  std::string left_behind(std::size_t count, std::uint64_t applied = 0) {
    JournalOfAShard before(files_, folder("before"), applied);
    before.append(count);
    copy_folder(folder("before"), folder());
    return folder();
  }
  // Changes one byte of a file.
  static void damage(const std::string& path, std::size_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ 0x10));
    ASSERT_TRUE(file.good());
  }

  TestDirectory directory_;
  FaultyFiles files_;
};

TEST_F(ShardJournalTest, ReadsWhatTheShardWrites) {
  JournalOfAShard shard(files_, folder());
  ASSERT_EQ(shard.failure, "");
  EXPECT_TRUE(shard.read_all().events.empty());
  shard.append(3);
  EXPECT_EQ(shard.read_all().sequences(), from_to(1, 3));
  shard.append(500);  // several segments
  const CollectingSink sink = shard.read_all();
  EXPECT_EQ(sink.sequences(), from_to(4, 503));
  EXPECT_TRUE(sink.losses.empty());
  EXPECT_EQ(sink.events[499].model, ordinary_event().model);
}

TEST_F(ShardJournalTest, ReadsABatchOfTheSizeAskedFor) {
  JournalOfAShard shard(files_, folder());
  shard.append(200);
  CollectingSink sink;
  EXPECT_EQ(shard.journal->read(150, sink), 150);
  EXPECT_EQ(shard.journal->read(150, sink), 50);
  EXPECT_EQ(shard.journal->read(150, sink), 0);
  EXPECT_EQ(sink.sequences(), from_to(1, 200));
}

TEST_F(ShardJournalTest, ReadsAgainWhatIsNotApplied) {
  JournalOfAShard shard(files_, folder());
  shard.append(300);
  shard.read_all();
  shard.journal->applied(120);
  shard.journal->keep(shard.now);
  shard.journal->read_again();
  EXPECT_EQ(shard.read_all().sequences(), from_to(121, 300));
}

TEST_F(ShardJournalTest, FilesAreUsedAgainWhenTheirRecordsAreApplied) {
  JournalOfAShard shard(files_, folder());
  for (int round = 0; round < 100; ++round) {
    shard.append(100, 100ms);
    const CollectingSink sink = shard.read_all();
    ASSERT_EQ(sink.events.size(), 100);
    ASSERT_TRUE(sink.losses.empty());
    shard.journal->applied(sink.sequences().back());
    shard.journal->keep(shard.now);
    ASSERT_LE(files_in(folder()).size(), 4 + SegmentSupply::kSparesMin);
  }
}

TEST_F(ShardJournalTest, FilesStayUntilTheirRecordsAreApplied) {
  JournalOfAShard shard(files_, folder());
  shard.append(600, 100ms);
  shard.read_all();
  shard.journal->keep(shard.now);
  const std::size_t before = files_in(folder()).size();
  EXPECT_GE(before, 600 / 64);
  shard.journal->applied(600);
  shard.journal->keep(shard.now);
  EXPECT_LE(files_in(folder()).size(), 4 + SegmentSupply::kSparesMin);
}

// What is ready grows with what the shard writes, and what waits for use again goes when it is
// quiet.
TEST_F(ShardJournalTest, ABusyShardHasMoreSegmentsReady) {
  JournalOfAShard shard(files_, folder());
  const std::size_t quiet = shard.journal->state().segments;
  EXPECT_EQ(quiet, 4);
  shard.append(2000, 1ms);
  const std::size_t busy = shard.journal->state().segments;
  const std::size_t written = 2000 / (kSmallSegment / kSlotBytes);
  EXPECT_GE(busy, written + 10);  // 1,000 records a second, each a slot at least
  shard.read_all();
  shard.journal->applied(2000);
  for (int i = 0; i < 100; ++i) {
    shard.now += 100ms;
    shard.journal->keep(shard.now);
  }
  const std::size_t ready = shard.journal->state().segments;
  EXPECT_LE(files_in(folder()).size(), ready + SegmentSupply::kSparesMin);
  shard.append(2000, 100ms);
  shard.read_all();
  shard.journal->applied(4000);
  shard.journal->keep(shard.now);
  EXPECT_EQ(shard.journal->state().segments, quiet);
}

TEST_F(ShardJournalTest, ARestartReadsWhatIsNotApplied) {
  JournalOfAShard shard(files_, left_behind(300), 100);
  ASSERT_EQ(shard.failure, "");
  shard.append(10);
  const CollectingSink sink = shard.read_all();
  EXPECT_EQ(sink.sequences(), from_to(101, 310));
  EXPECT_TRUE(sink.losses.empty());
}

TEST_F(ShardJournalTest, FilesOfAnEarlierProcessGoWhenTheyAreApplied) {
  JournalOfAShard shard(files_, left_behind(300));
  const std::size_t before = files_in(folder()).size();
  shard.read_all();
  shard.journal->applied(300);
  shard.journal->keep(shard.now);
  EXPECT_LE(files_in(folder()).size(), 4);
  EXPECT_GT(before, 6);
}

TEST_F(ShardJournalTest, FilesThatAnEarlierProcessDidNotUseGoAtOnce) {
  std::string from = folder("0");
  for (int round = 1; round <= 5; ++round) {
    const JournalOfAShard shard(files_, from);  // dies before anybody reads
    ASSERT_EQ(shard.failure, "");
    EXPECT_EQ(files_in(from).size(), 4);
    const std::string next = folder(std::to_string(round));
    copy_folder(from, next);
    from = next;
  }
}

TEST_F(ShardJournalTest, ManyRestartsKeepTheOrder) {
  std::string from = folder("0");
  std::uint64_t records = 0;
  for (int round = 1; round <= 10; ++round) {
    JournalOfAShard shard(files_, from);
    ASSERT_EQ(shard.failure, "");
    shard.append(static_cast<std::size_t>(37 * round));
    records += static_cast<std::uint64_t>(37 * round);
    const CollectingSink sink = shard.read_all();
    ASSERT_EQ(sink.sequences(), from_to(1, records));
    ASSERT_TRUE(sink.losses.empty());
    const std::string next = folder(std::to_string(round));
    copy_folder(from, next);
    from = next;
  }
}

TEST_F(ShardJournalTest, AFolderWhoseFilesAreGoneGoesOnBehindWhatIsApplied) {
  JournalOfAShard shard(files_, folder(), 700);
  shard.append(1);
  EXPECT_EQ(shard.read_all().sequences(), from_to(701, 701));
}

TEST_F(ShardJournalTest, AnEndInOrderLeavesNoFiles) {
  {
    JournalOfAShard shard(files_, folder());
    shard.append(100);
    shard.read_all();
    shard.journal->applied(100);
  }
  EXPECT_TRUE(files_in(folder()).empty());
}

TEST_F(ShardJournalTest, AnEndLeavesWhatIsNotApplied) {
  {
    JournalOfAShard shard(files_, folder());
    shard.append(100);
    shard.read_all();
    shard.journal->applied(99);
  }
  JournalOfAShard shard(files_, folder(), 99);
  EXPECT_EQ(shard.read_all().sequences(), from_to(100, 100));
}

TEST_F(ShardJournalTest, DamageInTheMiddleIsReportedWithItsPlace) {
  left_behind(100);
  const std::string path = segment_path(folder(), 1);
  damage(path, 20 * kSlotBytes + 50);  // the header, five names, and the records 1 to 13 before it
  JournalOfAShard shard(files_, folder());
  const CollectingSink sink = shard.read_all();
  ASSERT_EQ(sink.losses.size(), 1);
  EXPECT_EQ(sink.losses[0].file, path);
  EXPECT_EQ(sink.losses[0].offset, 20 * kSlotBytes);
  EXPECT_EQ(sink.losses[0].bytes, kSlotBytes);
  EXPECT_EQ(sink.losses[0].first_sequence, 15);
  EXPECT_EQ(sink.losses[0].last_sequence, 15);
  EXPECT_EQ(sink.losses[0].text(),
            path +
                ": 128 bytes at offset 2560 are damaged; usage records 15 to 15 are lost; the "
                "others are read. The file is kept as " +
                path + ".damaged; look at the disk before it gets worse");
  std::vector<std::uint64_t> expected = from_to(1, 100);
  expected.erase(expected.begin() + 14);
  EXPECT_EQ(sink.sequences(), expected);
}

TEST_F(ShardJournalTest, AMissingFileIsReportedByItsRecords) {
  left_behind(200);
  std::filesystem::remove(segment_path(folder(), 2));
  JournalOfAShard shard(files_, folder());
  const CollectingSink sink = shard.read_all();
  ASSERT_EQ(sink.losses.size(), 1);
  EXPECT_EQ(sink.losses[0].bytes, 0);
  const std::uint64_t first = sink.losses[0].first_sequence;
  const std::uint64_t last = sink.losses[0].last_sequence;
  EXPECT_EQ(sink.events.size() + (last + 1 - first), 200);
  EXPECT_EQ(sink.sequences().back(), 200);
}

TEST_F(ShardJournalTest, DamageAtTheEndOfAFileShowsAsMissingRecords) {
  left_behind(100);
  for (std::size_t slot = 40; slot < 64; ++slot)
    damage(segment_path(folder(), 1), slot * kSlotBytes + 9);
  JournalOfAShard shard(files_, folder());
  const CollectingSink sink = shard.read_all();
  ASSERT_EQ(sink.losses.size(), 1);
  EXPECT_EQ(sink.losses[0].first_sequence, 35);
  EXPECT_EQ(sink.losses[0].file, segment_path(folder(), 1));
  EXPECT_EQ(sink.losses[0].offset, 40 * kSlotBytes);
  EXPECT_EQ(sink.sequences().back(), 100);
}

TEST_F(ShardJournalTest, AWhollyDamagedLastFileIsToldOfAndKept) {
  left_behind(60);
  const std::string path = segment_path(folder(), 2);
  const std::string garbage(kSmallSegment, '\x5a');
  std::ofstream(path, std::ios::binary) << garbage;
  {
    JournalOfAShard shard(files_, folder());
    const CollectingSink sink = shard.read_all();
    ASSERT_EQ(sink.losses.size(), 2) << "the header, and all behind it";
    EXPECT_EQ(sink.losses[0].file, path);
    EXPECT_EQ(sink.losses[1].offset, kSlotBytes);
    EXPECT_EQ(sink.losses[1].perhaps, kSmallSegment / kSlotBytes - 1);
    EXPECT_NE(sink.losses[1].text().find("up to 63 usage records may be lost"), std::string::npos);
    shard.journal->applied(sink.sequences().back());
    shard.journal->keep(shard.now);
  }
  EXPECT_EQ(files_in(folder()),
            std::vector<std::string>{path.substr(folder().size() + 1) + kDamagedSuffix});
  // Its number is not given again.
  JournalOfAShard next(files_, folder());
  EXPECT_EQ(files_in(folder()).back(), "00000000000000000006.journal");
  EXPECT_TRUE(next.read_all().losses.empty());
}

TEST_F(ShardJournalTest, AFileThatNobodyUsedIsKeptIfItHasWhatNobodyWrote) {
  left_behind(10);
  const std::string path = segment_path(folder(), 3);
  for (const std::size_t slot : {5U, 6U, 7U}) damage(path, slot * kSlotBytes);
  JournalOfAShard shard(files_, folder());
  const CollectingSink sink = shard.read_all();
  EXPECT_EQ(sink.sequences(), from_to(1, 10));
  ASSERT_EQ(sink.losses.size(), 1);
  EXPECT_EQ(sink.losses[0].file, path);
  EXPECT_EQ(sink.losses[0].perhaps, 3);
}

TEST_F(ShardJournalTest, AFileOfAFewBytesIsToldOfUnlessTheyAreZeros) {
  left_behind(10);
  const std::string blank = segment_path(folder(), 8);
  const std::string stump = segment_path(folder(), 9);
  std::ofstream(blank, std::ios::binary) << std::string(100, '\0');
  std::ofstream(stump, std::ios::binary) << "the first bytes of something";
  JournalOfAShard shard(files_, folder());
  EXPECT_FALSE(std::filesystem::exists(blank));
  const CollectingSink sink = shard.read_all();
  ASSERT_EQ(sink.losses.size(), 1);
  EXPECT_EQ(sink.losses[0].file, stump);
  EXPECT_EQ(sink.losses[0].bytes, 28);
  shard.journal->applied(10);
  shard.journal->keep(shard.now);
  EXPECT_TRUE(std::filesystem::exists(stump + kDamagedSuffix));
}

TEST_F(ShardJournalTest, ADamagedHeaderIsReportedAndItsRecordsAreRead) {
  left_behind(100);
  damage(segment_path(folder(), 2), 30);
  JournalOfAShard shard(files_, folder());
  const CollectingSink sink = shard.read_all();
  ASSERT_EQ(sink.losses.size(), 1);
  EXPECT_EQ(sink.losses[0].offset, 0);
  EXPECT_EQ(sink.sequences(), from_to(1, 100));
}

TEST_F(ShardJournalTest, NeverGoesBehindWhatAnEarlierProcessWrote) {
  left_behind(40);
  JournalOfAShard shard(files_, folder());
  EXPECT_EQ(shard.journal->writer().next_sequence(), 41);
  EXPECT_EQ(files_in(folder()).back(), "00000000000000000008.journal");  // after 1 to 4
}

TEST_F(ShardJournalTest, AFileOfAnotherVersionIsNotTouched) {
  left_behind(10);
  const std::string path = segment_path(folder(), 1);
  damage(path, 5);
  JournalOfAShard shard(files_, folder());
  EXPECT_EQ(shard.failure, path +
                               ": holds usage records of another version of sluice, which this "
                               "one cannot read. Start that version once, so that it applies "
                               "them, or move the file away");
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(ShardJournalTest, OtherFilesInTheFolderAreLeftAlone) {
  left_behind(10);
  std::ofstream(folder() + "/notes.txt") << "mine";
  std::ofstream(segment_path(folder(), 9) + kUnfinishedSuffix) << "half";
  {
    JournalOfAShard shard(files_, folder());
    EXPECT_EQ(shard.read_all().sequences(), from_to(1, 10));
    shard.journal->applied(10);
  }
  EXPECT_EQ(files_in(folder()), std::vector<std::string>{"notes.txt"});
}

TEST_F(ShardJournalTest, AFolderThatCannotBeMadeSaysWhere) {
  JournalOfAShard shard(files_, folder("no/such"));
  EXPECT_EQ(shard.failure, folder("no/such") + ": cannot be made: No such file or directory");
}

TEST_F(ShardJournalTest, APageThatCannotBeWrittenIsLeftBehind) {
  JournalOfAShard shard(files_, folder());
  shard.append(1);
  files_.fault_of_pages = EIO;
  shard.now += 1s;
  shard.journal->keep(shard.now);
  files_.fault_of_pages = 0;
  shard.append(1);
  EXPECT_EQ(shard.read_all().sequences(), from_to(1, 2));
  EXPECT_GE(shard.journal->writer().next_sequence(), 3);
  const std::size_t before = shard.journal->state().segments;
  shard.journal->applied(2);
  shard.journal->keep(shard.now);
  EXPECT_EQ(shard.journal->state().segments, before - 1) << "the shard writes to another one";
}

}  // namespace
}  // namespace sluice
