// A disk that takes nothing: records go to memory, from there to files when it takes them again,
// and new attempts are refused before one would be lost.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "tests/unit/store/journal/shard_journal_fixture.h"

namespace sluice {
namespace {

class AnyDisk : public testing::Test {
 protected:
  [[nodiscard]] std::string folder() const { return directory_.path_of("shard-00"); }

  TestDirectory directory_;
  FaultyFiles files_;
};

class DiskFull : public AnyDisk, public testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(Faults, DiskFull, testing::Values(ENOSPC, EDQUOT, EIO, EFBIG),
                         [](const auto& row) { return std::string(strerrorname_np(row.param)); });

TEST_P(DiskFull, RecordsGoToMemoryAndAreReadFromThere) {
  JournalOfAShard shard(files_, folder());
  files_.fault = GetParam();
  shard.append(300);
  EXPECT_EQ(shard.journal->state().disk_errno, GetParam());
  EXPECT_GT(shard.journal->state().memory_bytes, 0);
  EXPECT_EQ(shard.read_all().sequences(), from_to(1, 300));
  shard.journal->applied(300);
  shard.append(300);  // the memory of what is applied is used again
  EXPECT_EQ(shard.read_all().sequences(), from_to(301, 600));
}

TEST_P(DiskFull, StartsInMemory) {
  files_.fault = GetParam();
  JournalOfAShard shard(files_, folder());
  ASSERT_EQ(shard.failure, "");
  shard.append(10);
  EXPECT_EQ(shard.read_all().sequences(), from_to(1, 10));
  EXPECT_TRUE(files_in(folder()).empty());
}

TEST_P(DiskFull, RefusesWhenTheMemoryIsUsedUpAndLosesNothing) {
  JournalOfAShard shard(files_, folder());
  files_.fault = GetParam();
  std::uint64_t accepted = 0;
  while (shard.append_one()) ASSERT_LT(++accepted, 2'000);
  EXPECT_FALSE(shard.journal->writer().ready());
  EXPECT_EQ(shard.journal->state().memory_bytes, 8 * kSmallSegment);
  EXPECT_EQ(shard.read_all().sequences(), from_to(1, accepted));
  shard.journal->applied(accepted);
  EXPECT_TRUE(shard.append_one());  // the store goes on, and so may requests
}

TEST_P(DiskFull, WhatIsInMemoryGetsFilesInOrderWhenThereIsSpace) {
  JournalOfAShard shard(files_, folder());
  files_.fault = GetParam();
  shard.append(400);
  ASSERT_TRUE(files_.written_out.empty());
  files_.fault = 0;
  shard.append(1);
  EXPECT_TRUE(files_.written_out.empty());  // the disk is left alone for a while
  shard.now += SegmentSupply::kDiskRetry;
  shard.append(20);  // the shard leaves the segments in memory one by one
  shard.journal->keep(shard.now);
  EXPECT_EQ(shard.journal->state().disk_errno, 0);
  ASSERT_GE(files_.written_out.size(), 4);
  EXPECT_TRUE(std::ranges::is_sorted(files_.written_out));

  // From now on a death of the process loses nothing.
  copy_folder(folder(), directory_.path_of("after"));
  JournalOfAShard after(files_, directory_.path_of("after"));
  const CollectingSink sink = after.read_all();
  EXPECT_EQ(sink.sequences(), from_to(1, 421));
  EXPECT_TRUE(sink.losses.empty());

  EXPECT_EQ(shard.read_all().sequences(), from_to(1, 421));
  shard.journal->applied(421);
  shard.journal->keep(shard.now);
  EXPECT_EQ(shard.journal->state().memory_bytes, 0);
}

TEST_P(DiskFull, WhatWasInMemoryWhenTheProcessDiedIsReported) {
  JournalOfAShard shard(files_, folder());
  files_.fault = GetParam();
  shard.append(300);
  files_.fault = 0;
  shard.now += SegmentSupply::kDiskRetry;
  shard.append(20);
  shard.journal->keep(shard.now);
  copy_folder(folder(), directory_.path_of("after"));
  ASSERT_FALSE(files_.written_out.empty());
  std::filesystem::remove(directory_.path_of("after/" + files_.written_out.front()));
  JournalOfAShard after(files_, directory_.path_of("after"));
  const CollectingSink sink = after.read_all();
  ASSERT_EQ(sink.losses.size(), 1);
  EXPECT_NE(sink.losses[0].text().find("they were in memory only, or their file was removed"),
            std::string::npos);
  EXPECT_EQ(sink.sequences().back(), 320);
}

TEST_P(DiskFull, AnEndWritesOutWhatIsInMemoryIfItCan) {
  {
    JournalOfAShard shard(files_, folder());
    files_.fault = GetParam();
    shard.append(300);
    files_.fault = 0;
  }
  JournalOfAShard after(files_, folder());
  EXPECT_EQ(after.read_all().sequences(), from_to(1, 300));
}

TEST_F(AnyDisk, AFaultOfTheSetUpIsNoReasonToStart) {
  files_.fault = EROFS;
  JournalOfAShard shard(files_, folder());
  EXPECT_EQ(shard.failure, folder() + ": no file can be made there: Read-only file system");
}

// The kernel's own answer, in a process of its own: SIGXFSZ would end it.
TEST_F(AnyDisk, ALimitOnTheSizeOfFilesIsAFullDisk) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit limit{.rlim_cur = kSmallSegment - 1, .rlim_max = kSmallSegment - 1};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(2);
    SegmentFiles files;
    JournalOfAShard shard(files, folder());
    if (!shard.failure.empty()) _exit(3);
    shard.append(100);
    if (shard.journal->state().disk_errno != EFBIG) _exit(4);
    _exit(shard.read_all().events.size() == 100 ? 0 : 5);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sluice
