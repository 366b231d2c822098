// A process that is killed while it writes: every record whose append had returned is found.

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "tests/unit/store/journal/shard_journal_fixture.h"

namespace sluice {
namespace {

constexpr std::size_t kSegment = 64 * kKiB;
constexpr std::uint64_t kRecordsMax = 10'000;  // so that a child nobody kills does not fill a disk

// Progress - a count that outlives the process that counts.
class Progress {
 public:
  Progress()
      : map_(mmap(nullptr, sizeof(std::atomic<std::uint64_t>), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    SL_ASSERT(map_ != MAP_FAILED);
    count_ = new (map_) std::atomic<std::uint64_t>(0);
  }
  ~Progress() { munmap(map_, sizeof(std::atomic<std::uint64_t>)); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  std::atomic<std::uint64_t>& operator*() const { return *count_; }

 private:
  void* map_;
  std::atomic<std::uint64_t>* count_;
};

[[noreturn]] void write_until_killed(const std::string& folder, std::uint64_t seed,
                                     std::atomic<std::uint64_t>& written) {
  SegmentFiles files;
  JournalOfAShard shard(files, folder, 0, kSegment);
  if (!shard.failure.empty()) _exit(1);
  Prng random(seed);
  JournalWriter& writer = shard.journal->writer();
  while (writer.next_sequence() <= kRecordsMax) {
    if (writer.next_sequence() % 32 == 0) shard.journal->keep(shard.now);
    OwnedEvent event = random_event(random);
    event.event.prompt_tokens = writer.next_sequence();
    while (writer.refused(event.view()) == 0) shard.journal->keep(shard.now);
    written.store(writer.next_sequence() - 1);
  }
  for (;;) pause();
}

TEST(Killed, EveryRecordThatWasAppendedIsFound) {
  Prng random(11);
  for (int round = 0; round < 20; ++round) {
    const TestDirectory directory;
    const std::string folder = directory.path_of("shard-00");
    const Progress written;
    const std::uint64_t kill_at = 1 + random.below(1'000);
    const std::uint64_t seed = random.next();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(folder, seed, *written);
    while ((*written).load() < kill_at && waitpid(child, nullptr, WNOHANG) == 0) sched_yield();
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));

    SegmentFiles files;
    JournalOfAShard shard(files, folder, 0, kSegment);
    ASSERT_EQ(shard.failure, "");
    const CollectingSink sink = shard.read_all();
    const std::uint64_t acknowledged = (*written).load();
    ASSERT_GE(sink.events.size(), acknowledged);
    ASSERT_LE(sink.events.size(), acknowledged + 1);
    ASSERT_EQ(sink.sequences(), from_to(1, sink.events.size()));
    ASSERT_TRUE(sink.losses.empty());
    // The texts too: the same seed gives the same events.
    Prng again(seed);
    for (std::uint64_t i = 0; i < acknowledged; ++i) {
      OwnedEvent expected = random_event(again);
      expected.event.prompt_tokens = i + 1;
      expected.event.sequence = i + 1;
      expected.event.kind = UsageKind::kRefused;
      ASSERT_EQ(sink.events[i], expected) << i;
    }
  }
}

}  // namespace
}  // namespace sluice
