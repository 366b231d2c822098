#include "engine/store_thread.h"

#include <pthread.h>
#include <sysexits.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "engine/restore_budgets.h"
#include "engine/restore_spent.h"
#include "store/prune.h"
#include "store/schema.h"

namespace sluice {
namespace {

// Between batches that are not full: a commit costs as much as a hundred records, so a few large
// ones are cheaper than many small ones.
constexpr Duration kNap = 50ms;
constexpr Duration kSyncEvery = 1s;   // what a loss of power may cost in work, not in records
constexpr Duration kRetryAfter = 1s;  // what the database did not take
constexpr Duration kCooldownsEvery = 250ms;  // how late a cooldown may be booked
constexpr Duration kLookEvery = 1min;        // stale readers, old requests, space, the day's backup
constexpr std::size_t kPruneRows = 1000;
// A quarter: how an account has done lately. A row is 100 bytes, and an account that cools for a
// minute at a time all that while has 13 MB of them.
constexpr Duration kKeepCooldowns = 90 * 24h;

int exit_code_of(const StoreError& error) {
  switch (error.code) {
    case StoreErrc::kNoDirectory:
    case StoreErrc::kDiskFull: return EX_CANTCREAT;
    case StoreErrc::kNotPermitted: return EX_NOPERM;
    case StoreErrc::kInUse: return EX_TEMPFAIL;
    case StoreErrc::kIo: return EX_IOERR;
    case StoreErrc::kNetworkFileSystem: return EX_CONFIG;
    default: return EX_DATAERR;
  }
}

StartFailure start_failure(const StoreError& error, const std::string& directory) {
  return {exit_code_of(error), explain(error, directory) + "\n"};
}

}  // namespace

StoreThread::StoreThread(const StoreConfig& config, Clock& clock, const Log& log,
                         const Log& backup_log, const Log& journal_log)
    : config_(config),
      clock_(clock),
      log_(log),
      journal_log_(journal_log),
      troubles_(clock, log, config.directory),
      backup_(config, backup_log),
      keep_requests_ms_(config.keep_requests / 1ms),
      synced_at_(clock.now()) {}

StoreThread::~StoreThread() { static_cast<void>(stop()); }

std::expected<std::unique_ptr<StoreThread>, StartFailure> StoreThread::open(
    const StoreConfig& config, Clock& clock, const Log& log, const Log& backup_log,
    const Log& journal_log) {
  std::unique_ptr<StoreThread> store(new StoreThread(config, clock, log, backup_log, journal_log));
  if (auto opened = store->open_environment(); !opened) return std::unexpected(opened.error());
  return store;
}

std::expected<void, StartFailure> StoreThread::open_environment() {
  auto environment = open_store({.directory = config_.directory,
                                 .map_bytes_max = config_.bytes_max,
                                 .any_file_system = config_.any_file_system});
  if (!environment) return std::unexpected(start_failure(environment.error(), config_.directory));
  environment_ = std::move(*environment);
  if (environment_->file_system() == FileSystemVerdict::kMemory) {
    LogLine(log_, LogLevel::kWarning,
            "the data directory is in memory (tmpfs): usage and keys are gone after a reboot")
        .field("directory", config_.directory);
  }
  if (others_may_write(config_.directory)) {
    LogLine(log_, LogLevel::kWarning,
            "the data directory can be written by others than its owner: they can exchange the "
            "database and the master key; chmod go-w")
        .field("directory", config_.directory);
  }
  return {};
}

std::expected<void, StartFailure> StoreThread::take_journals(std::uint32_t shards) {
  std::vector<std::uint64_t> applied;
  {
    Writer writer(*environment_);
    UsageLedger ledger(writer);
    for (std::uint32_t shard = 0; shard < kShardsEver; ++shard) {
      const auto position = ledger.position(journal_name(static_cast<std::uint16_t>(shard)));
      if (!position) return std::unexpected(start_failure(position.error(), config_.directory));
      applied.push_back(*position);
    }
  }
  if (auto opened = open_journals(shards, applied); !opened) return opened;
  Writer writer(*environment_);
  UsageLedger ledger(writer);
  booking_->book_found(ledger);
  return {};
}

std::expected<void, StartFailure> StoreThread::open_journals(
    std::uint32_t shards, const std::vector<std::uint64_t>& applied) {
  auto journal = UsageJournal::open(
      files_,
      {.folder = config_.directory + "/journal", .shards = static_cast<std::uint16_t>(shards)},
      applied, clock_.now());
  if (!journal) return std::unexpected(StartFailure{EX_IOERR, journal.error().text + "\n"});
  journal_ = std::move(*journal);
  booking_ = std::make_unique<UsageBooking>(*journal_, applied, troubles_, clock_, log_);
  keeper_ = std::make_unique<JournalKeeper>(*journal_, clock_, journal_log_, config_.directory);
  return {};
}

void StoreThread::start() {
  look_at_space();
  keeper_->start();
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "sluice-store");
    run();
  });
}

std::uint64_t StoreThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return 0;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (keeper_ != nullptr) keeper_->stop();
  backup_.stop();
  return save_journals();
}

// What is in memory because the disk was full gets its files now, or is told to be lost.
std::uint64_t StoreThread::save_journals() {
  constexpr auto kPatience = 5s;
  constexpr auto kAgain = 250ms;
  if (journal_ == nullptr) return 0;
  const Instant until = clock_.now() + kPatience;
  std::uint64_t lost;
  while ((lost = journal_->save(clock_.now())) > 0 && clock_.now() < until)
    std::this_thread::sleep_for(kAgain);
  if (lost == 0) return 0;
  LogLine(log_, LogLevel::kError,
          "the disk takes no file of usage records that are in memory: they are lost with this "
          "process, at most so many; what their requests used is not known at the next start")
      .field("records", static_cast<std::int64_t>(lost))
      .field("directory", config_.directory);
  return lost;
}

StoreResult<void> StoreThread::run_job(Job job) {
  WaitingJob waiting{.job = std::move(job)};
  std::unique_lock lock(mutex_);
  jobs_.push_back(&waiting);
  wake_.notify_all();
  wake_.wait(lock, [&waiting] { return waiting.done; });
  return waiting.result;
}

void StoreThread::run() {
  Writer writer(*environment_);
  UsageLedger ledger(writer);
  while (true) {
    bool stopping;
    {
      const std::lock_guard lock(mutex_);
      stopping = stopping_;
    }
    restore_new_budgets();  // before what they spend is booked
    const UsageBooking::Round round = booking_->book(ledger);
    const bool booked = round != UsageBooking::Round::kNothing;
    const Instant now = clock_.now();
    static_cast<void>(sync_if_due(now, stopping && !booked));  // troubles_ tell of it
    record_cooldowns(writer, now);
    look_after(writer, now);
    if (troubles_.due(now)) troubles_.repeat(now, booking_->backlog());
    const bool worked = run_jobs(writer);
    if (stopping && !worked && !booked) break;
    if (!worked && round != UsageBooking::Round::kFull) nap();
  }
}

// A journal may forget what is on the disk, not what a loss of power could undo.
StoreResult<void> StoreThread::sync_if_due(Instant now, bool at_once) {
  const std::uint64_t commits = environment_->commits();
  if (commits == synced_commits_ || (now < sync_at_ && !at_once)) return {};
  sync_at_ = now + kSyncEvery;
  if (const auto synced = environment_->sync(); !synced) {
    troubles_.begin(StoreTrouble::kSyncing, synced.error());
    return synced;
  }
  troubles_.end(StoreTrouble::kSyncing);
  synced_commits_ = commits;
  synced_at_.store(now, std::memory_order_relaxed);
  booking_->synced();
  return {};
}

void StoreThread::look_after(Writer& writer, Instant now) {
  if (now >= clean_at_) {
    clean_at_ = now + kLookEvery;
    clean(writer);
  }
  if (now < look_at_) return;
  look_at_ = now + kLookEvery;
  look_at_space();
  backup_.look(*environment_, clock_.unix_ms());
}

void StoreThread::look_at_space() {
  const auto space = environment_->space();
  if (!space) return;
  {
    const std::lock_guard lock(figures_mutex_);
    noted_.database_bytes_used = space->used;
    noted_.database_bytes_max = space->map_max;
  }
  troubles_.note_space(*space);
}

StoreResult<void> StoreThread::watch(std::shared_ptr<const Directory> directory) {
  if (!thread_.joinable()) {
    Writer writer(*environment_);
    const auto cooling = cooldowns_.restore(writer, *directory, clock_.now(), clock_.unix_ms());
    if (!cooling) return store_fail(cooling.error());
    const auto spent = restore_budgets(*environment_, *directory, clock_.unix_ms());
    if (!spent) return store_fail(spent.error());
  }
  {
    const std::lock_guard lock(mutex_);
    directory_is_new_ = thread_.joinable();
    directory_ = std::move(directory);
  }
  wake_.notify_all();
  return {};
}

// A budget that nobody had before, or another period. Who reads its rows in vain tries again with
// the next directory: until then what this process has seen counts.
void StoreThread::restore_new_budgets() {
  std::shared_ptr<const Directory> directory;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(directory_is_new_, false)) return;
    directory = directory_;
  }
  const auto spent = restore_budgets(*environment_, *directory, clock_.unix_ms());
  if (spent) return;
  LogLine(log_, LogLevel::kError, "what client keys have spent before could not be read")
      .field("error", explain(spent.error(), config_.directory));
}

void StoreThread::record_cooldowns(Writer& writer, Instant now) {
  if (now < cooldowns_at_) return;
  cooldowns_at_ = now + kCooldownsEvery;
  std::shared_ptr<const Directory> directory;
  {
    const std::lock_guard lock(mutex_);
    directory = directory_;
  }
  if (directory == nullptr) return;
  const auto looked = cooldowns_.look(writer, *directory, now, clock_.unix_ms());
  if (looked) return troubles_.end(StoreTrouble::kCooldowns);
  cooldowns_at_ = now + kRetryAfter;
  troubles_.begin(StoreTrouble::kCooldowns, looked.error());
}

void StoreThread::clean(Writer& writer) {
  const auto more = prune(writer);
  if (!more) return troubles_.begin(StoreTrouble::kCleaning, more.error());
  troubles_.end(StoreTrouble::kCleaning);
  if (*more) clean_at_ = clock_.now();  // the next step, after what has come meanwhile
}

// True when there is more to do.
StoreResult<bool> StoreThread::prune(Writer& writer) {
  if (const auto cleared = environment_->clear_stale_readers(); !cleared)
    return store_fail(cleared.error());
  const std::int64_t now_ms = clock_.unix_ms();
  std::int64_t keep_ms = keep_requests_ms_.load(std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    if (directory_ != nullptr) keep_ms = std::max(keep_ms, spent_reach(*directory_) / 1ms);
  }
  const auto requests = prune_requests(writer, now_ms - keep_ms, kPruneRows);
  if (!requests) return store_fail(requests.error());
  const auto cooldowns = prune_cooldowns(writer, now_ms - kKeepCooldowns / 1ms, kPruneRows);
  if (!cooldowns) return store_fail(cooldowns.error());
  return requests->more || cooldowns->more;
}

bool StoreThread::run_jobs(Writer& writer) {
  WaitingJob* waiting;
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) return false;
    waiting = jobs_.front();
    jobs_.pop_front();
  }
  const std::uint64_t commits = environment_->commits();
  waiting->job(writer);
  // Who asked for a change is told when it is on the disk, or that it may not be.
  if (environment_->commits() != commits) waiting->result = sync_if_due(clock_.now(), true);
  {
    const std::lock_guard lock(mutex_);
    waiting->done = true;
  }
  wake_.notify_all();
  return true;
}

void StoreThread::nap() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kNap, [this] { return stopping_ || directory_is_new_ || !jobs_.empty(); });
}

StoreFigures StoreThread::figures() {
  StoreFigures figures;
  {
    const std::lock_guard lock(figures_mutex_);
    figures = noted_;
  }
  booking_->add_figures(figures);
  figures.since_sync = clock_.now() - synced_at_.load(std::memory_order_relaxed);
  figures.troubles = troubles_.bits();
  figures.last_backup_ms = backup_.last_ms();
  figures.backup_failed = backup_.failed();
  return figures;
}

}  // namespace sluice
