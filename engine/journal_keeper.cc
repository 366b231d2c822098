#include "engine/journal_keeper.h"

#include <pthread.h>

#include <algorithm>

namespace sluice {
namespace {

// A shard at its limit fills a segment in 75 ms, and the keeper has three ahead of it.
constexpr auto kKeepEvery = std::chrono::milliseconds(10);
// ... and the reserve begins when less than a segment is ahead.
constexpr auto kReserveEvery = std::chrono::milliseconds(20);
constexpr Duration kSilentAfter = 1s;

}  // namespace

void JournalKeeper::start() {
  keeper_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "sluice-journal");
    keep();
  });
  reserve_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "sluice-reserve");
    stand_by();
  });
}

void JournalKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (keeper_.joinable()) keeper_.join();
  if (reserve_.joinable()) reserve_.join();
}

bool JournalKeeper::sleep(std::chrono::milliseconds nap) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, nap, [this] { return stopping_; });
}

void JournalKeeper::keep() {
  do {
    const Instant now = clock_.now();
    keeping_since_.store(now, std::memory_order_relaxed);
    journal_.keep(now);
    keeping_since_.store(kNever, std::memory_order_relaxed);
  } while (sleep(kKeepEvery));
}

void JournalKeeper::stand_by() {
  do {
    static_cast<void>(journal_.reserve());  // what finds no room is counted, and seen in the log
    report();
  } while (sleep(kReserveEvery));
}

void JournalKeeper::report() {
  int worst = 0;
  for (const UsageJournal::Shard& shard : journal_.shards())
    worst = std::max(worst, shard.journal->state().disk_errno);
  if ((worst != 0) != short_of_disk_) report_shortage(worst);
  const Instant since = keeping_since_.load(std::memory_order_relaxed);
  const bool silent = since != kNever && clock_.now() - since >= kSilentAfter;
  if (silent != silent_) report_silence(silent);
}

void JournalKeeper::report_shortage(int os_errno) {
  short_of_disk_ = os_errno != 0;
  if (os_errno == 0) {
    LogLine(log_, LogLevel::kInfo, "the usage journals are on the disk again");
    return;
  }
  LogLine(log_, LogLevel::kError,
          "the disk takes no more of the usage journals: they go on in memory for now, and when "
          "that is full requests are refused (503 usage_journal_full); make room")
      .field("directory", directory_)
      .field("errno", os_errno);
}

void JournalKeeper::report_silence(bool silent) {
  silent_ = silent;
  if (!silent) {
    LogLine(log_, LogLevel::kInfo, "the disk answers the usage journals again");
    return;
  }
  LogLine(log_, LogLevel::kWarning,
          "the disk does not answer: the usage journals go on in memory when the files that are "
          "ready are full, and when that is full requests are refused (503 usage_journal_full)")
      .field("directory", directory_);
}

}  // namespace sluice
