#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "store/journal/usage_journal.h"

namespace sluice {

// JournalKeeper - the two threads behind the shards' journals. "sluice-journal" has segments made,
// warmed, written out and removed, and may wait for the disk; "sluice-reserve" waits for nothing
// and gives the shards memory when the other one does not come. Neither ever waits for the store's
// thread, so that a sync that takes half a minute changes nothing for the shards.
//
// The log says when the disk takes nothing or does not answer, and when it does again.
//
// Owns      the threads.
// Affinity  made, started and stopped by the starting thread.
// Lifetime  within the journal's; stopped after the last that writes or reads there.
class JournalKeeper {
 public:
  JournalKeeper(UsageJournal& journal, Clock& clock, const Log& log, std::string directory)
      : journal_(journal), clock_(clock), log_(log), directory_(std::move(directory)) {}
  ~JournalKeeper() { stop(); }
  JournalKeeper(const JournalKeeper&) = delete;
  JournalKeeper& operator=(const JournalKeeper&) = delete;

  void start();
  void stop();

 private:
  void keep();
  void stand_by();
  void report();
  void report_shortage(int os_errno);
  void report_silence(bool silent);
  // False when it is time to end.
  [[nodiscard]] bool sleep(std::chrono::milliseconds nap);

  UsageJournal& journal_;
  Clock& clock_;
  Log log_;  // of the reserve's thread
  const std::string directory_;
  std::atomic<Instant> keeping_since_{kNever};  // kNever: the keeper waits for no disk
  bool short_of_disk_ = false;                  // as was told
  bool silent_ = false;                         // as was told

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread keeper_;
  std::thread reserve_;
};

}  // namespace sluice
