#include "store/journal/usage_journal.h"

#include <gtest/gtest.h>

#include "tests/unit/store/journal/shard_journal_fixture.h"

namespace sluice {
namespace {

class UsageJournalTest : public testing::Test {
 protected:
  std::expected<std::unique_ptr<UsageJournal>, JournalFailure> open(
      std::uint16_t shards, std::vector<std::uint64_t> applied = {},
      const std::string& name = "journal") {
    return UsageJournal::open(
        files_,
        {.folder = directory_.path_of(name), .shards = shards, .segment_bytes = kSmallSegment},
        applied, Instant(1s));
  }
  static void append(UsageJournal& journal, std::size_t shard, int count) {
    for (int i = 0; i < count; ++i) {
      journal.keep(Instant(1s));
      ASSERT_NE(journal.writer(shard).refused(ordinary_event().view()), 0);
    }
  }

  TestDirectory directory_;
  SegmentFiles files_;
};

TEST_F(UsageJournalTest, EachShardHasAFolder) {
  const auto journal = open(12);
  ASSERT_TRUE(journal);
  const auto names = files_in(directory_.path_of("journal"));
  ASSERT_EQ(names.size(), 13);
  EXPECT_EQ(names[0], "lock");
  EXPECT_EQ(names[1], "shard-00");
  EXPECT_EQ(names[12], "shard-11");
}

TEST_F(UsageJournalTest, TwoDoNotUseOneFolder) {
  auto first = open(1);
  ASSERT_TRUE(first);
  const auto second = open(1);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text, directory_.path_of("journal") +
                                     ": another sluice keeps its usage records there. Stop "
                                     "it, or give this one a folder of its own");
  first->reset();
  EXPECT_TRUE(open(1));
}

TEST_F(UsageJournalTest, JournalsOfShardsThatAreNoMoreAreReadAndRemoved) {
  {
    const auto journal = open(3);
    ASSERT_TRUE(journal);
    append(**journal, 0, 5);
    append(**journal, 2, 150);
  }
  const auto journal = open(1, {0, 0, 40});
  ASSERT_TRUE(journal);
  ASSERT_EQ((*journal)->shards().size(), 3);
  (*journal)->keep(Instant(1s));
  EXPECT_TRUE((*journal)->shards()[1].journal->is_done());  // it had written nothing
  const auto& former = (*journal)->shards()[2];
  EXPECT_EQ(former.index, 2);
  CollectingSink sink;
  former.journal->read(1'000, sink);
  EXPECT_EQ(sink.sequences(), from_to(41, 150));
  former.journal->applied(149);
  (*journal)->keep(Instant(1s));
  EXPECT_FALSE(former.journal->is_done());
  former.journal->applied(150);
  (*journal)->keep(Instant(1s));
  EXPECT_TRUE(former.journal->is_done());
  EXPECT_EQ(former.journal->read(1'000, sink), 0);
  EXPECT_EQ(files_in(directory_.path_of("journal")),
            (std::vector<std::string>{"lock", "shard-00"}));
}

TEST_F(UsageJournalTest, MoreShardsThanBefore) {
  {
    const auto journal = open(1);
    ASSERT_TRUE(journal);
    append(**journal, 0, 5);
  }
  const auto journal = open(2, {5, 70});
  ASSERT_TRUE(journal);
  EXPECT_EQ((*journal)->writer(0).next_sequence(), 6);
  EXPECT_EQ((*journal)->writer(1).next_sequence(), 71);
}

TEST_F(UsageJournalTest, AFolderThatCannotBeUsedSaysWhy) {
  directory_.write("file", "");
  const auto journal = open(1, {}, "file/journal");
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().text, directory_.path_of("file/journal") +
                                      ": the folder for usage records cannot be made: Not a "
                                      "directory");
}

}  // namespace
}  // namespace sluice
