#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "tests/unit/malloc_count.h"
#include "tests/unit/store/journal/shard_journal_fixture.h"

namespace sluice {
namespace {

TEST(JournalWriterAllocations, AnAppendMakesNone) {
  const TestDirectory directory;
  SegmentFiles files;
  JournalOfAShard shard(files, directory.path_of("shard-00"));
  shard.append(200);
  shard.journal->keep(shard.now);
  JournalWriter& writer = shard.journal->writer();
  OwnedEvent event = ordinary_event();
  event.model = std::string(300, 'm');
  event.request_id = std::string(100, 'r');
  const UsageEvent view = event.view();
  std::thread([&] {
    count_allocations_of_this_thread();
    const auto counted = std::make_unique<int>(0);
    ASSERT_GT(allocations_counted(), 0);
    const std::uint64_t before = allocations_counted();
    for (int i = 0; i < 20; ++i)  // into the next segment
      if (const JournalStart started = writer.start(view); started.any()) writer.end(view, started);
    EXPECT_EQ(allocations_counted() - before, 0);
  }).join();
  const std::unique_ptr<CollectingSink> sink = std::make_unique<CollectingSink>(shard.read_all());
  EXPECT_EQ(sink->events.size(), 240);
}

}  // namespace
}  // namespace sluice
