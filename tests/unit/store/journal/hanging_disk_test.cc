// A disk that does not answer: the keeper waits for it, the reserve gives the shard memory, and
// the store reads on. No record is refused or lost, and files keep the order of their records.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/unit/store/journal/shard_journal_fixture.h"

namespace sluice {
namespace {

// HangingFiles - a disk that keeps whoever makes a file waiting until it is let go.
class HangingFiles final : public SegmentFiles {
 public:
  std::expected<std::byte*, int> create(const std::string& path, std::size_t bytes) override {
    auto created = SegmentFiles::create(path, bytes);
    wait_while_hung();
    return created;
  }
  int rename(const std::string& from, const std::string& to) override {
    wait_while_hung();
    return SegmentFiles::rename(from, to);
  }

  void hang() {
    const std::lock_guard lock(mutex_);
    hangs_ = true;
  }
  void let_go() {
    {
      const std::lock_guard lock(mutex_);
      hangs_ = false;
    }
    changed_.notify_all();
  }
  void wait_until_somebody_waits() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  void wait_while_hung() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !hangs_; });
    --waiting_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool hangs_ = false;
  int waiting_ = 0;
};

class HangingDisk : public testing::Test {
 protected:
  static constexpr std::size_t kSegmentsOfMemory = 8;
  static constexpr std::size_t kRecords = 300;  // five segments

  // Appends with the reserve at work, and not the keeper.
  static bool append_beside_reserve(JournalOfAShard& shard) {
    shard.journal->reserve();
    return shard.journal->writer().refused(ordinary_event().view()) != 0;
  }
  // The keeper, on a thread of its own, waits for the disk from now on.
  std::thread hung_keeper(JournalOfAShard& shard) {
    files_.hang();
    shard.append(1);  // nothing to do yet
    for (int i = 0; i < 64; ++i) EXPECT_NE(shard.journal->writer().refused(event_.view()), 0u);
    std::thread keeper([&shard] { shard.journal->keep(shard.now); });
    files_.wait_until_somebody_waits();
    return keeper;
  }
  [[nodiscard]] std::string folder() const { return directory_.path_of("shard-00"); }

  TestDirectory directory_;
  HangingFiles files_;
  OwnedEvent event_ = ordinary_event();
};

TEST_F(HangingDisk, TheShardGoesOnInMemoryAndNothingIsLost) {
  JournalOfAShard shard(files_, folder());
  ASSERT_EQ(shard.failure, "");
  std::thread keeper = hung_keeper(shard);
  for (std::size_t i = 0; i < kRecords; ++i) ASSERT_TRUE(append_beside_reserve(shard)) << i;
  EXPECT_GT(shard.journal->state().memory_bytes, 0);
  const std::uint64_t hung_until = shard.journal->state().last_written;
  EXPECT_EQ(shard.read_all().sequences(), from_to(1, hung_until));  // the store reads meanwhile
  shard.journal->applied(hung_until / 2);
  files_.let_go();
  keeper.join();

  shard.append(100);  // led back to files; what was in memory is written out
  shard.journal->keep(shard.now);
  copy_folder(folder(), directory_.path_of("after"));
  JournalOfAShard after(files_, directory_.path_of("after"), hung_until / 2);
  const CollectingSink sink = after.read_all();
  EXPECT_EQ(sink.sequences(), from_to(hung_until / 2 + 1, hung_until + 100));
  EXPECT_TRUE(sink.losses.empty());
}

TEST_F(HangingDisk, WithoutTheReserveTheShardIsRefused) {
  JournalOfAShard shard(files_, folder());
  std::thread keeper = hung_keeper(shard);
  std::size_t accepted = 0;
  while (shard.journal->writer().refused(event_.view()) != 0) ASSERT_LT(++accepted, kRecords);
  EXPECT_EQ(shard.journal->state().refused, 1);
  files_.let_go();
  keeper.join();
}

TEST_F(HangingDisk, RefusesWhenTheMemoryIsUsedUpAndGoesOnAfterwards) {
  JournalOfAShard shard(files_, folder());
  std::thread keeper = hung_keeper(shard);
  while (append_beside_reserve(shard)) ASSERT_LT(shard.journal->state().last_written, 2'000);
  EXPECT_FALSE(shard.journal->reserve());
  EXPECT_EQ(shard.journal->state().memory_bytes, kSegmentsOfMemory * kSmallSegment);
  files_.let_go();
  keeper.join();
  EXPECT_TRUE(shard.append_one());
  const std::uint64_t last = shard.journal->state().last_written;
  EXPECT_EQ(shard.read_all().sequences(), from_to(1, last));
}

TEST_F(HangingDisk, MemoryIsNotTakenWhileTheKeeperComes) {
  JournalOfAShard shard(files_, folder());
  for (std::size_t i = 0; i < kRecords; ++i) {
    shard.journal->keep(shard.now);
    ASSERT_TRUE(append_beside_reserve(shard));
  }
  EXPECT_EQ(shard.journal->state().memory_bytes, 0);
}

// All four threads at once, on a disk that hangs again and again: what ThreadSanitizer is to see.
TEST_F(HangingDisk, FourThreadsOnOneJournal) {
  constexpr std::uint64_t kCount = 4'000;
  constexpr std::size_t kSegment = 32 * kKiB;
  JournalOfAShard shard(files_, folder(), 0, kSegment, 64 * kSegment);
  ASSERT_EQ(shard.failure, "");
  std::atomic<bool> done{false};
  std::thread writer([&] {
    OwnedEvent event = ordinary_event();
    JournalWriter& to = shard.journal->writer();
    while (to.next_sequence() <= kCount) {
      if (to.refused(event.view()) == 0) std::this_thread::yield();
    }
  });
  std::thread keeper([&] {
    while (!done) {
      shard.journal->keep(shard.now);
      std::this_thread::yield();
    }
  });
  std::thread reserve([&] {
    while (!done) {
      shard.journal->reserve();
      std::this_thread::yield();
    }
  });
  CollectingSink sink;
  for (int look = 0; sink.events.size() < kCount; ++look) {
    if (look % 40 == 0) files_.hang();
    if (look % 40 == 20) files_.let_go();
    shard.journal->read(100, sink);
    if (!sink.events.empty()) shard.journal->applied(sink.events.back().event.sequence);
    static_cast<void>(shard.journal->state());
    std::this_thread::yield();
  }
  done = true;
  files_.let_go();
  for (std::thread* const thread : {&writer, &keeper, &reserve}) thread->join();
  EXPECT_EQ(sink.sequences(), from_to(1, kCount));
  EXPECT_TRUE(sink.losses.empty());
}

}  // namespace
}  // namespace sluice
