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
#include "engine/daily_backup.h"
#include "engine/journal_keeper.h"
#include "engine/store_figures.h"
#include "engine/store_troubles.h"
#include "engine/usage_booking.h"
#include "store/apply_usage.h"
#include "store/environment.h"
#include "store/journal/usage_journal.h"

namespace sluice {

// StoreThread - the thread that writes the store, and the only one (INVARIANTS L1): it books what
// the shards' journals hold, and looks after the database: it is synced each second, old requests
// go, a backup is made each day.
//
// When the store takes nothing (a full disk, a database at its limit, a sync that does not come to
// an end), the journals keep what comes until it does: segments are made ready for the shards by a
// JournalKeeper's threads, which do not wait for this one.
//
// Owns      the database, the journals and their keeper, the thread.
// Affinity  made and stopped by the starting thread; writer(i) is shard i's; run_job() any thread
//           that may wait; figures() any.
// Lifetime  longer than the shards' threads.
class StoreThread {
 public:
  // Opens or makes the database; exit codes of sysexits.h.
  [[nodiscard]] static std::expected<std::unique_ptr<StoreThread>, StartFailure> open(
      const StoreConfig& config, Clock& clock, const Log& log, const Log& backup_log,
      const Log& journal_log);
  // Books what journals have left, and makes those of `shards`. Before anything else.
  [[nodiscard]] std::expected<void, StartFailure> take_journals(std::uint32_t shards);
  ~StoreThread();
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  [[nodiscard]] JournalWriter& writer(std::size_t shard) noexcept {
    return journal_->writer(shard);
  }
  [[nodiscard]] StoreEnvironment& environment() noexcept { return *environment_; }

  void start();
  // Once no shard writes any more: books all that is there, as far as the disk takes it, and ends.
  // Returns how many slots of the journals were in memory alone and are lost now, 0 when called
  // again.
  std::uint64_t stop();

  // Runs `job` on the store's thread, between two batches, and waits for its end and until what it
  // has changed is on the disk. An error: the change is made, and may be lost with the next loss of
  // power. A job that has changed nothing has none.
  using Job = std::function<void(Writer& writer)>;
  [[nodiscard]] StoreResult<void> run_job(Job job);

  // As of now, whatever the thread waits for.
  [[nodiscard]] StoreFigures figures();

  // The accounts whose cooldowns are recorded from now on, and the client keys that are told soon
  // what they have spent before (engine/restore_budgets.h). Before start() for the first time, when
  // that is done at once, and accounts take up the cooldowns of an earlier process.
  [[nodiscard]] StoreResult<void> watch(std::shared_ptr<const Directory> directory);

  // From a reload.
  void keep_requests(Duration keep) noexcept {
    keep_requests_ms_.store(keep / 1ms, std::memory_order_relaxed);
  }

 private:
  StoreThread(const StoreConfig& config, Clock& clock, const Log& log, const Log& backup_log,
              const Log& journal_log);
  [[nodiscard]] std::expected<void, StartFailure> open_environment();
  [[nodiscard]] std::expected<void, StartFailure> open_journals(
      std::uint32_t shards, const std::vector<std::uint64_t>& applied);

  void run();
  std::uint64_t save_journals();
  StoreResult<void> sync_if_due(Instant now, bool at_once);
  void look_after(Writer& writer, Instant now);
  void record_cooldowns(Writer& writer, Instant now);
  void restore_new_budgets();
  void clean(Writer& writer);
  [[nodiscard]] StoreResult<bool> prune(Writer& writer);
  void look_at_space();
  [[nodiscard]] bool run_jobs(Writer& writer);
  void nap();

  const StoreConfig& config_;
  Clock& clock_;
  Log log_;
  Log journal_log_;
  StoreTroubles troubles_;
  std::unique_ptr<StoreEnvironment> environment_;
  DailyBackup backup_;
  SegmentFiles files_;
  std::unique_ptr<UsageJournal> journal_;
  std::unique_ptr<UsageBooking> booking_;
  std::unique_ptr<JournalKeeper> keeper_;

  // StoreEnvironment::commits() as of the last sync; what is there at the start is synced too,
  // before a journal forgets it.
  std::uint64_t synced_commits_ = UINT64_MAX;
  Instant sync_at_{};
  Instant clean_at_{};
  Instant look_at_{};
  std::atomic<std::int64_t> keep_requests_ms_;

  CooldownRecord cooldowns_;
  Instant cooldowns_at_{};
  std::shared_ptr<const Directory> directory_;  // under mutex_
  bool directory_is_new_ = false;               // under mutex_

  std::mutex mutex_;
  std::condition_variable wake_;
  struct WaitingJob {
    Job job;
    bool done = false;
    StoreResult<void> result = {};
  };
  std::deque<WaitingJob*> jobs_;
  bool stopping_ = false;
  std::mutex figures_mutex_;
  StoreFigures noted_;  // of figures(): those of the database; under figures_mutex_
  std::atomic<Instant> synced_at_;
  std::thread thread_;
};

}  // namespace sluice
