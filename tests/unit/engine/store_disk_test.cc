// The store's thread on a disk whose syncs hang or fail, and beside tables that are broken.

#include <cerrno>

#include "store/cooldowns.h"
#include "tests/unit/engine/store_thread_fixture.h"
#include "tests/unit/engine/sync_hook.h"

namespace sluice {
namespace {

using test::SyncHook;

constexpr std::string_view kNotSynced = "cannot be synced to the disk";
constexpr std::string_view kSyncedAgain = "is synced to the disk again";

class StoreDiskTest : public StoreThreadTest {
 protected:
  StoreDiskTest() { config_.bytes_max = 256 * kMiB; }
  ~StoreDiskTest() override {
    SyncHook::let_go();
    SyncHook::fail(0, 0);
    store_.reset();
  }

  static StoreResult<void> add_cooldown(Writer& writer, std::int64_t started_ms) {
    StoredCooldown row;
    row.account = "team-a";
    row.started_ms = started_ms;
    row.ended_ms = started_ms + 1000;
    return writer.transact(
        [&](WriteTransaction& transaction) { return add_ended_cooldown(transaction, row); });
  }
  [[nodiscard]] std::size_t cooldowns() {
    const auto rows = recent_cooldowns(store_->environment(), std::nullopt, 10);
    return rows ? rows->size() : 0;
  }
  // Replaces the position of a shard's journal in the database; the former.
  std::string set_position(std::string_view journal, std::string_view bytes) {
    std::string former;
    EXPECT_TRUE(store_->run_job([&](Writer& writer) {
      EXPECT_TRUE(writer.transact([&](WriteTransaction& transaction) -> StoreResult<void> {
        const auto found = transaction.get(Table::kJournals, journal);
        if (found && *found) former = **found;
        return transaction.put(Table::kJournals, journal, bytes);
      }));
    }));
    return former;
  }
};

TEST_F(StoreDiskTest, WhileASyncHangsNoAppendIsRefusedAndNothingIsLost) {
  start(1);
  attempt(0, "first");
  wait([&] { return booked() == 1; });
  SyncHook::hold();
  attempt(0, "second");
  SyncHook::wait_until_held();
  constexpr int kAttempts = 80'000;  // twenty segments
  constexpr int kStep = 2'000;       // half a segment
  for (int i = 0; i < kAttempts && !HasFailure(); ++i) {
    attempt(0, "id");  // begin() expects that there is room
    // In the time that a shard takes for half a segment the keeper has long come. One that is in
    // memory may be left before it is full.
    const std::uint64_t written = begun_ * 2 * kSlotBytes;
    if (i % kStep == 0) {
      wait([&] {
        const StoreFigures now = store_->figures();
        return now.journal_file_bytes + now.journal_memory_bytes >= written + 2 * kSegmentBytes;
      });
    }
  }
  EXPECT_GE(store_->figures().backlog(), 2u * kAttempts);
  EXPECT_EQ(store_->figures().refused(), 0u);
  SyncHook::let_go();
  wait([&] { return booked() == begun_; });
  EXPECT_EQ(store_->figures().backlog(), 0u);
  EXPECT_EQ(sums().unknown, 0u);
}

TEST_F(StoreDiskTest, WhoChangesTheStoreHearsOfASyncThatFailed) {
  start(1);
  const auto kept = store_->run_job([&](Writer& writer) {
    EXPECT_TRUE(add_cooldown(writer, clock_.unix_ms()));
    SyncHook::fail(1, EIO);
  });
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, StoreErrc::kIo);
  EXPECT_EQ(sink_.count(kNotSynced), 1u);
  EXPECT_EQ(store_->figures().troubles, trouble_bit(StoreTrouble::kSyncing));
  EXPECT_TRUE(store_->run_job([](Writer&) {}));  // changes nothing, so nothing can be lost
  clock_.advance(2s);
  wait([&] { return sink_.count(kSyncedAgain) == 1; });
  EXPECT_EQ(store_->figures().troubles, 0u);
  EXPECT_EQ(cooldowns(), 1u);
  EXPECT_TRUE(store_->run_job(
      [&](Writer& writer) { EXPECT_TRUE(add_cooldown(writer, clock_.unix_ms() + 1)); }));
}

TEST_F(StoreDiskTest, AJournalThatCannotBeBookedHoldsNoOtherUp) {
  start(3);
  attempt(0, "one");
  wait([&] { return booked() == 1; });
  const std::string position = set_position("shard-00", "broken");
  attempt(0, "two");
  wait([&] { return sink_.count(kTrouble) == 1; });
  for (int i = 0; i < 5; ++i) {
    attempt(1, "other");
    attempt(2, "another");
    wait([&] { return booked() == begun_ - 1; });
    clock_.advance(2s);
  }
  // A commit is seen in the database before the thread has counted it.
  wait([&] { return store_->figures().backlog() == 2; });
  EXPECT_EQ(sink_.count(kTrouble), 1u);
  clock_.advance(StoreTroubles::kRepeatEvery);
  wait([&] { return sink_.count("records_not_booked=2") == 1; });
  set_position("shard-00", position);
  clock_.advance(2s);
  wait([&] { return booked() == begun_; });
  wait([&] { return sink_.count(kBookedAgain) == 1; });
}

TEST_F(StoreDiskTest, OldCooldownsGo) {
  start(1);
  constexpr std::int64_t kDayMs = 24 * 3600 * 1000;
  ASSERT_TRUE(store_->run_job([&](Writer& writer) {
    EXPECT_TRUE(add_cooldown(writer, clock_.unix_ms() - 91 * kDayMs));
    EXPECT_TRUE(add_cooldown(writer, clock_.unix_ms() - 89 * kDayMs));
  }));
  clock_.advance(2min);
  wait([&] { return cooldowns() == 1; });
}

TEST_F(StoreDiskTest, FiguresAreThereWhileTheThreadHangs) {
  start(2);
  attempt(0, "one");
  wait([&] { return booked() == 1; });
  SyncHook::hold();
  attempt(1, "two");
  SyncHook::wait_until_held();
  clock_.advance(30s);
  const StoreFigures figures = store_->figures();
  ASSERT_EQ(figures.shards.size(), 2u);
  EXPECT_EQ(figures.shards[0].backlog, 0u);
  EXPECT_EQ(figures.shards[1].backlog, 2u);
  EXPECT_EQ(figures.records_booked, 2u);
  EXPECT_GE(figures.journal_file_bytes, 2 * 3 * kSegmentBytes);
  EXPECT_EQ(figures.journal_errno, 0);
  EXPECT_GE(figures.since_sync, 30s);
  EXPECT_EQ(figures.database_bytes_max, config_.bytes_max);
  EXPECT_GT(figures.database_bytes_used, 0u);
  EXPECT_EQ(figures.last_backup_ms, 0);
  EXPECT_FALSE(figures.backup_failed);
}

}  // namespace
}  // namespace sluice
