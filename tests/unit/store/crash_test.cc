// What is left of a store when its process, its disk or its power fails.

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/prng.h"
#include "store/check.h"
#include "store/codec.h"
#include "store/queries.h"
#include "tests/unit/store/recorded_disk.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

constexpr std::string_view kJournal = "shard-0";

std::vector<UsageEvent> batch_from(std::uint64_t first, std::uint64_t size) {
  std::vector<UsageEvent> events;
  for (std::uint64_t i = 0; i < size; ++i) events.push_back(refused_event(first + i));
  return events;
}

// Every table agrees with every other, and there are as many requests as the position says. The
// position.
std::uint64_t expect_whole(StoreEnvironment& environment) {
  const auto report = check_store(environment);
  if (!report) {
    ADD_FAILURE() << explain(report.error(), "copy");
    return 0;
  }
  for (const auto& fault : report->told) {
    ADD_FAILURE() << table_name(fault.table) << " " << fault.key << ": " << fault.text;
  }
  const auto total = usage_total(environment);
  const auto transaction = environment.read();
  const auto bytes = transaction->get(Table::kJournals, kJournal);
  const std::uint64_t position = *bytes ? decode_row<JournalPosition>(**bytes)->sequence : 0;
  EXPECT_EQ(total->requests, position);
  return position;
}

TEST(Crash, KilledAmongCommitsNothingThatWasToldIsLost) {
  TemporaryDirectory directory;
  int progress[2];
  ASSERT_EQ(::pipe(progress), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto environment = open_or_fail(options_for(directory.path()));
    Writer writer(*environment);
    UsageLedger ledger(writer);
    for (std::uint64_t next = 1;; next += 20) {
      const auto applied = ledger.apply(kJournal, batch_from(next, 20));
      if (!applied || ::write(progress[1], &applied->position, 8) != 8) ::_exit(1);
    }
  }
  ::close(progress[1]);
  std::uint64_t told = 0;
  for (int i = 0; i < 40; ++i) ASSERT_EQ(::read(progress[0], &told, 8), 8);
  ::kill(child, SIGKILL);
  // What it told between our last look and its death counts too.
  for (std::uint64_t more = 0; ::read(progress[0], &more, 8) == 8;) told = more;
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ::close(progress[0]);
  EXPECT_TRUE(WIFSIGNALED(status));
  const auto environment = open_or_fail(options_for(directory.path()));
  EXPECT_GE(expect_whole(*environment), told);
}

// The file after a loss of power behind `count` steps: what was synced is there, of every page
// written since either the old or the new one. So it is, for ever, with a page whose sync has
// failed, unless it was written again. And the position that was promised by then.
struct AfterPowerLoss {
  std::string image;
  std::uint64_t promised = 0;
};

AfterPowerLoss power_lost(const RecordedDisk& disk, std::size_t count, Prng& prng) {
  constexpr std::size_t kPage = 4096;
  AfterPowerLoss after;
  after.image = disk.begin();
  std::vector<bool> synced(count);
  bool by_next_sync = false;
  for (std::size_t i = count; i-- > 0;) {
    const auto kind = disk.steps()[i].kind;
    if (kind == RecordedDisk::Step::Kind::kSync) by_next_sync = true;
    if (kind == RecordedDisk::Step::Kind::kSyncFailed) by_next_sync = false;
    synced[i] = by_next_sync;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto& step = disk.steps()[i];
    if (step.kind == RecordedDisk::Step::Kind::kMark) after.promised = step.at;
    if (step.kind != RecordedDisk::Step::Kind::kWrite) continue;
    for (std::size_t from = 0; from < step.bytes.size(); from += kPage) {
      if (!synced[i] && prng.below(2) == 0) continue;
      const std::string_view page = std::string_view(step.bytes).substr(from, kPage);
      const std::size_t at = step.at + from;
      if (after.image.size() < at + page.size()) after.image.resize(at + page.size());
      after.image.replace(at, page.size(), page);
    }
  }
  return after;
}

void expect_whole_wherever_power_is_lost(const RecordedDisk& disk, Prng& prng) {
  TemporaryDirectory lost;
  for (std::size_t count = 0; count <= disk.steps().size(); ++count) {
    SCOPED_TRACE(count);
    const AfterPowerLoss after = power_lost(disk, count, prng);
    std::ofstream(lost.path() + "/data.mdb", std::ios::binary) << after.image;
    StoreOptions options = options_for(lost.path());
    options.mode = OpenMode::kReadOnly;
    const auto opened = open_store(options);
    ASSERT_TRUE(opened) << explain(opened.error(), "copy");
    EXPECT_GE(expect_whole(**opened), after.promised);
  }
}

TEST(Crash, ALossOfPowerUndoesNothingThatWasSynced) {
  TemporaryDirectory directory;
  const auto environment = open_or_fail(options_for(directory.path()));
  Writer writer(*environment);
  UsageLedger ledger(writer);
  ASSERT_TRUE(environment->sync());
  RecordedDisk disk(environment->path());
  for (std::uint64_t batch = 0; batch < 24; ++batch) {
    const auto applied = ledger.apply(kJournal, batch_from(batch * 10 + 1, 10));
    ASSERT_TRUE(applied);
    if (batch % 4 != 3) continue;
    ASSERT_TRUE(environment->sync());
    disk.mark(applied->position);
  }
  ASSERT_GT(disk.steps().size(), 100U);
  Prng prng(1);
  expect_whole_wherever_power_is_lost(disk, prng);
}

// The disk says once that it could not write, and nothing of it later on. Whichever sync it is,
// what is promised behind it is there after a loss of power.
TEST(Crash, ASyncThatFailedIsNotBelievedLaterOn) {
  for (std::size_t syncs = 0; syncs < 6; ++syncs) {
    for (const std::size_t failures : {1U, 3U}) {
      SCOPED_TRACE(std::to_string(failures) + " after " + std::to_string(syncs));
      TemporaryDirectory directory;
      const auto environment = open_or_fail(options_for(directory.path()));
      Writer writer(*environment);
      UsageLedger ledger(writer);
      ASSERT_TRUE(ledger.apply(kJournal, batch_from(1, 10)));
      ASSERT_TRUE(environment->sync());
      RecordedDisk disk(environment->path());
      disk.mark(10);
      disk.fail_syncs(syncs, failures, EIO);
      std::uint64_t position = 10;
      std::size_t failed = 0;
      for (int round = 0; round < 12; ++round) {
        if (const auto applied = ledger.apply(kJournal, batch_from(position + 1, 10))) {
          position = applied->position;
        } else {
          EXPECT_EQ(applied.error().code, StoreErrc::kIo);
          ++failed;
        }
        if (round % 3 != 2) continue;
        if (environment->sync()) disk.mark(position);
        else ++failed;
      }
      EXPECT_EQ(failed, failures);
      EXPECT_EQ(disk.steps().back().kind, RecordedDisk::Step::Kind::kMark);
      EXPECT_EQ(disk.steps().back().at, position);
      Prng prng(1);
      expect_whole_wherever_power_is_lost(disk, prng);
    }
  }
}

struct DiskFaultRow {
  std::string_view name;
  int os_errno;
  StoreErrc code;
};
constexpr DiskFaultRow kDiskFaultRows[] = {
    {"no space", ENOSPC, StoreErrc::kDiskFull},
    {"no quota", EDQUOT, StoreErrc::kDiskFull},
    {"broken disk", EIO, StoreErrc::kIo},
};

// Wherever in a commit the disk fails, the batch has happened whole or not at all; mended, it goes
// on, after opening it anew if LMDB asks for that.
TEST(Crash, WhereverTheDiskFailsABatchIsWholeOrNotThere) {
  for (const DiskFaultRow& row : kDiskFaultRows) {
    for (std::size_t writes = 0; writes < 6; ++writes) {
      SCOPED_TRACE(std::string(row.name) + " after " + std::to_string(writes));
      TemporaryDirectory directory;
      auto environment = open_or_fail(options_for(directory.path()));
      auto writer = std::make_unique<Writer>(*environment);
      ASSERT_TRUE(UsageLedger(*writer).apply(kJournal, batch_from(1, 10)));
      {
        RecordedDisk disk(environment->path());
        disk.fail_after(writes, row.os_errno);
        UsageLedger ledger(*writer);
        for (std::uint64_t i = 0; i < 4; ++i) {
          const auto failed = ledger.apply(kJournal, batch_from(1, 11 + i));
          if (failed) continue;
          EXPECT_TRUE(failed.error().code == row.code || failed.error().code == StoreErrc::kBroken)
              << explain(failed.error(), "store");
        }
      }
      if (!UsageLedger(*writer).apply(kJournal, batch_from(1, 20))) {
        writer.reset();
        environment.reset();
        environment = open_or_fail(options_for(directory.path()));
        expect_whole(*environment);
        writer = std::make_unique<Writer>(*environment);
        ASSERT_TRUE(UsageLedger(*writer).apply(kJournal, batch_from(1, 20)));
      }
      EXPECT_EQ(expect_whole(*environment), 20U);
    }
  }
}

// Runs `body` in a process of its own; it answers whether all went well.
template <class Body>
bool in_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Crash, TheProcessLimitOfAFilesSizeIsAFullDiskAndGoesOnWhenRaised) {
  TemporaryDirectory directory;
  EXPECT_TRUE(in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const auto environment = open_or_fail(options_for(directory.path()));
    Writer writer(*environment);
    UsageLedger ledger(writer);
    struct rlimit limit = {};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit before = limit;
    limit.rlim_cur = 512 * kKiB;
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    std::uint64_t position = 0;
    StoreResult<AppliedUsage> result;
    while ((result = ledger.apply(kJournal, batch_from(position + 1, 200)))) {
      position = result->position;
    }
    if (result.error().code != StoreErrc::kDiskFull || position == 0) return false;
    ::setrlimit(RLIMIT_FSIZE, &before);
    if (!ledger.apply(kJournal, batch_from(position + 1, 200))) return false;
    return expect_whole(*environment) == position + 200;
  }));
}

TEST(Crash, ADirectoryThatMayNotBeWrittenIsTold) {
  constexpr uid_t kNobody = 65534;
  TemporaryDirectory parent;
  const std::string directory = parent.path() + "/data";
  std::filesystem::create_directory(directory);
  std::filesystem::permissions(directory, std::filesystem::perms(0500));
  std::filesystem::permissions(parent.path(), std::filesystem::perms(0755));
  EXPECT_TRUE(in_child([&] {
    // The superuser may write everywhere.
    if (::getuid() == 0 &&
        (::chown(directory.c_str(), kNobody, kNobody) != 0 || ::setuid(kNobody) != 0)) {
      return false;
    }
    const auto opened = open_store(options_for(directory));
    return !opened && opened.error().code == StoreErrc::kNotPermitted;
  }));
}

}  // namespace
}  // namespace sluice::test
