#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/start_failure.h"
#include "engine/config/config.h"
#include "engine/cooldown_record.h"
#include "engine/event_batch.h"
#include "store/apply_usage.h"
#include "store/environment.h"
#include "store/journal/usage_journal.h"

namespace sluice {

// StoreThread - the thread that writes the store, and the only one (INVARIANTS L1): it books what
// the shards' journals hold, keeps segments ready for them, and looks after the database: it is
// synced each second, old requests go, a backup is made each day.
//
// When the store takes nothing (a full disk, a database at its limit), the journals keep what comes
// until it does; the log says so, once at the begin and once at the end.
//
// Owns      the database, the journals, the thread.
// Affinity  made and stopped by the starting thread; writer(i) is shard i's; run_job() any thread
//           that may wait.
// Lifetime  longer than the shards' threads.
class StoreThread {
 public:
  // Opens or makes what is on the disk; exit codes of sysexits.h.
  [[nodiscard]] static std::expected<std::unique_ptr<StoreThread>, StartFailure> open(
      const StoreConfig& config, std::uint32_t shards, Clock& clock, const Log& log,
      const Log& backup_log);
  ~StoreThread();
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  [[nodiscard]] JournalWriter& writer(std::size_t shard) noexcept {
    return journal_->writer(shard);
  }
  [[nodiscard]] StoreEnvironment& environment() noexcept { return *environment_; }

  void start();
  // Once no shard writes any more: books all that is there, as far as the disk takes it, and ends.
  void stop();

  // Runs `job` on the store's thread, between two batches, and waits for its end.
  using Job = std::function<void(Writer& writer)>;
  void run_job(Job job);

  // The accounts whose cooldowns are recorded from now on; before start() for the first time, when
  // they also take up those that were running as an earlier process ended.
  [[nodiscard]] StoreResult<void> watch(std::shared_ptr<const Directory> directory);

  // From a reload.
  void keep_requests(Duration keep) noexcept {
    keep_requests_ms_.store(keep / 1ms, std::memory_order_relaxed);
  }

 private:
  // What is known of a journal beside what it knows itself.
  struct Booked {
    std::uint64_t up_to = 0;  // in the database, perhaps not on the disk yet
    // The last one that an earlier process can have written; all, of shards that are no more.
    std::uint64_t found_up_to = UINT64_MAX;
    bool starts_closed = false;  // what that process had begun and not ended is closed
  };

  StoreThread(const StoreConfig& config, Clock& clock, const Log& log, const Log& backup_log);
  [[nodiscard]] std::expected<void, StartFailure> open_all(std::uint32_t shards);
  [[nodiscard]] std::expected<void, StartFailure> open_journals(
      std::uint32_t shards, const std::vector<std::uint64_t>& applied);

  void book_found();
  void run();
  [[nodiscard]] bool book_journals(UsageLedger& ledger, EventBatch& batch);
  [[nodiscard]] bool book(UsageLedger& ledger, UsageJournal::Shard& shard, EventBatch& batch);
  void close_former(UsageLedger& ledger, std::uint16_t shard);
  void close_gone(UsageLedger& ledger);
  void sync_if_due(Instant now, bool at_once);
  void look_after(Writer& writer, Instant now);
  void record_cooldowns(Writer& writer, Instant now);
  void prune(Writer& writer);
  void begin_backup(std::int64_t now_ms);
  [[nodiscard]] bool run_jobs(Writer& writer);
  // A fault of the database a moment ago: it is left alone.
  [[nodiscard]] bool waits_to_retry() { return clock_.now() < retry_at_; }
  void sleep(bool busy);
  // What the database does not let us do. The log hears when the first of these begins, and when
  // the last has ended.
  enum Trouble : unsigned { kBooking = 1, kSyncing = 2, kCleaning = 4, kCooldowns = 8 };
  void trouble(Trouble what, const StoreError& error);
  void no_trouble(Trouble what);
  void report_journals();
  [[nodiscard]] Booked& booked(const UsageJournal::Shard& shard);

  const StoreConfig& config_;
  Clock& clock_;
  Log log_;
  Log backup_log_;
  std::unique_ptr<StoreEnvironment> environment_;
  SegmentFiles files_;
  std::unique_ptr<UsageJournal> journal_;
  std::vector<Booked> booked_;  // by the shard's index

  Instant retry_at_{};     // after a failure of the database
  unsigned troubles_ = 0;  // of Trouble
  bool journal_in_trouble_ = false;
  bool synced_ = true;
  Instant sync_at_{};
  Instant look_at_{};
  std::int64_t backup_day_ = 0;  // the last one that has its backup, in days since 1970
  std::thread backup_;           // reads all of the store, so it has a thread of its own
  std::atomic<bool> backup_runs_{false};
  std::atomic<std::int64_t> keep_requests_ms_;

  CooldownRecord cooldowns_;
  Instant cooldowns_at_{};
  std::shared_ptr<const Directory> directory_;  // under mutex_

  std::mutex mutex_;
  std::condition_variable wake_;
  struct WaitingJob {
    Job job;
    bool done = false;
  };
  std::deque<WaitingJob*> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice
