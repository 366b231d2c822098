// A shard that writes and a store that reads, applies and keeps, in two threads: what
// ThreadSanitizer is to look at.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/store/journal/shard_journal_fixture.h"

namespace sluice {
namespace {

// CheckingSink - counts, and sees that nothing is missing or changed.
struct CheckingSink final : UsageSink {
  void take(const UsageEvent& event) override {
    ASSERT_EQ(event.sequence, ++last);
    ASSERT_EQ(event.first_token_us, event.sequence);
    const bool ends = event.kind == UsageKind::kEnd;
    const std::uint64_t named = ends ? event.started_by : event.sequence;
    ASSERT_EQ(event.model, "model-" + std::to_string(named % 50));
  }
  void lost(const JournalLoss& loss) override { FAIL() << loss.text(); }

  std::uint64_t last = 0;
};

void write_records(JournalWriter& writer, std::uint64_t count) {
  OwnedEvent event = ordinary_event();
  while (writer.next_sequence() <= count) {
    event.event.first_token_us = writer.next_sequence();
    event.model = "model-" + std::to_string(writer.next_sequence() % 50);
    if (writer.next_sequence() % 3 != 0) {
      if (writer.refused(event.view()) == 0) std::this_thread::yield();
      continue;
    }
    const JournalStart started = writer.start(event.view());
    if (!started.any()) continue;
    event.event.first_token_us = writer.next_sequence();
    writer.end(event.view(), started);
  }
}

class LiveReader : public testing::Test {
 protected:
  // Reads `count` records while another thread writes them; `look` is called between batches.
  template <class Look>
  void run(std::uint64_t count, Look look) {
    constexpr std::size_t kSegment = 32 * kKiB;  // 15 of them for the longest run
    JournalOfAShard shard(files_, directory_.path_of("shard-00"), 0, kSegment, 4 * kSegment);
    ASSERT_EQ(shard.failure, "");
    std::thread writer([&] { write_records(shard.journal->writer(), count); });
    CheckingSink sink;
    while (sink.last < count && !HasFailure()) {
      shard.journal->read(100, sink);
      look(shard, sink);
      shard.journal->applied(sink.last);
      shard.journal->keep(shard.now);
    }
    writer.join();
  }

  TestDirectory directory_;
  FaultyFiles files_;
};

TEST_F(LiveReader, EveryRecordOnceAndInOrder) {
  run(4'000, [](JournalOfAShard&, CheckingSink&) {});
}

TEST_F(LiveReader, WhileTheDiskComesAndGoes) {
  int looks = 0;
  run(4'000, [&](JournalOfAShard& shard, CheckingSink&) {
    files_.fault = ++looks / 20 % 2 == 0 ? 0 : ENOSPC;
    shard.now += SegmentSupply::kDiskRetry / 5;
  });
}

TEST_F(LiveReader, WhileTransactionsFail) {
  Prng random(1);
  std::uint64_t applied = 0;
  run(3'000, [&](JournalOfAShard& shard, CheckingSink& sink) {
    if (random.below(5) != 0) {
      applied = sink.last;
      return;
    }
    shard.journal->read_again();
    sink.last = applied;
  });
}

}  // namespace
}  // namespace sluice
