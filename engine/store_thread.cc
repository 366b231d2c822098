#include "engine/store_thread.h"

#include <pthread.h>
#include <sysexits.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/assert.h"
#include "store/backup.h"
#include "store/prune.h"
#include "store/schema.h"

namespace sluice {
namespace {

constexpr Duration kNap = 10ms;       // without records; a segment is full after 300 ms at least
constexpr Duration kSyncEvery = 1s;   // what a loss of power may cost in work, not in records
constexpr Duration kRetryAfter = 1s;  // a database that took nothing
constexpr Duration kCooldownsEvery = 250ms;  // how late a cooldown may be booked
constexpr Duration kLookEvery = 1min;        // stale readers, old requests, space, the day's backup
constexpr std::size_t kPruneRows = 1000;
constexpr std::size_t kCloseAttempts = 1000;

std::string journal_name(std::uint16_t shard) {
  const std::string digits = std::to_string(shard);
  return (digits.size() < 2 ? "shard-0" : "shard-") + digits;
}

constexpr std::size_t kShardsEver = 256;  // what `shards` may be at most

// The day of a copy's name, "sluice-20260131T081500Z.mdb", since 1970; 0 for another name.
std::int64_t day_of_backup(std::string_view path) {
  path.remove_prefix(path.rfind('/') + 1);
  constexpr std::string_view kPrefix = "sluice-";
  if (!path.starts_with(kPrefix) || path.size() < kPrefix.size() + 8) return 0;
  const std::string_view digits = path.substr(kPrefix.size(), 8);
  int number = 0;
  const auto parsed = std::from_chars(digits.begin(), digits.end(), number);
  if (parsed.ec != std::errc() || parsed.ptr != digits.end()) return 0;
  const std::chrono::year_month_day date(std::chrono::year(number / 10'000),
                                         std::chrono::month(unsigned(number / 100 % 100)),
                                         std::chrono::day(unsigned(number % 100)));
  return date.ok() ? std::chrono::sys_days(date).time_since_epoch().count() : 0;
}

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
                         const Log& backup_log)
    : config_(config),
      clock_(clock),
      log_(log),
      backup_log_(backup_log),
      keep_requests_ms_(config.keep_requests / 1ms) {}

StoreThread::~StoreThread() { stop(); }

std::expected<std::unique_ptr<StoreThread>, StartFailure> StoreThread::open(
    const StoreConfig& config, std::uint32_t shards, Clock& clock, const Log& log,
    const Log& backup_log) {
  std::unique_ptr<StoreThread> store(new StoreThread(config, clock, log, backup_log));
  if (auto opened = store->open_all(shards); !opened) return std::unexpected(opened.error());
  return store;
}

std::expected<void, StartFailure> StoreThread::open_all(std::uint32_t shards) {
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
  book_found();
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
  booked_.resize(kShardsEver);
  for (std::size_t i = 0; i < applied.size(); ++i) booked_[i].up_to = applied[i];
  for (UsageJournal::Shard& shard : journal_->shards()) {
    // A folder's name may say more than there ever were.
    booked_.resize(std::max<std::size_t>(booked_.size(), shard.index + 1u));
    if (shard.journal->is_written())
      booked(shard).found_up_to = shard.journal->writer().next_sequence() - 1;
  }
  return {};
}

// Books what an earlier process has left, so that the budgets of this one begin with all of it;
// what takes longer than a start may is booked while requests are served.
void StoreThread::book_found() {
  constexpr Duration kPatience = 2s;
  const Instant until = clock_.now() + kPatience;
  Writer writer(*environment_);
  UsageLedger ledger(writer);
  EventBatch batch(log_);
  while (book_journals(ledger, batch) && clock_.now() < until) {
  }
}

void StoreThread::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "sluice-store");
    run();
  });
}

void StoreThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (backup_.joinable()) backup_.join();
}

void StoreThread::run_job(Job job) {
  WaitingJob waiting{.job = std::move(job)};
  std::unique_lock lock(mutex_);
  jobs_.push_back(&waiting);
  wake_.notify_all();
  wake_.wait(lock, [&waiting] { return waiting.done; });
}

void StoreThread::run() {
  Writer writer(*environment_);
  UsageLedger ledger(writer);
  EventBatch batch(log_);
  while (true) {
    bool stopping;
    {
      const std::lock_guard lock(mutex_);
      stopping = stopping_;
    }
    const bool booked = book_journals(ledger, batch);
    const Instant now = clock_.now();
    journal_->keep(now);
    report_journals();
    sync_if_due(now, stopping && !booked);
    record_cooldowns(writer, now);
    look_after(writer, now);
    const bool worked = run_jobs(writer) || booked;
    if (stopping && !worked) break;
    sleep(worked);
  }
}

StoreThread::Booked& StoreThread::booked(const UsageJournal::Shard& shard) {
  return booked_[shard.index];
}

// True when there was something to book.
bool StoreThread::book_journals(UsageLedger& ledger, EventBatch& batch) {
  bool any = false;
  for (UsageJournal::Shard& shard : journal_->shards()) {
    if (waits_to_retry()) return any;
    any = book(ledger, shard, batch) || any;
  }
  close_gone(ledger);
  return any;
}

bool StoreThread::book(UsageLedger& ledger, UsageJournal::Shard& shard, EventBatch& batch) {
  batch.clear();
  const std::size_t read = shard.journal->read(EventBatch::kEvents, batch);
  if (read == 0) {
    if (!booked(shard).starts_closed) close_former(ledger, shard.index);
    return false;
  }
  const auto applied = ledger.apply(journal_name(shard.index), batch.events());
  if (!applied) {
    shard.journal->read_again();
    trouble(kBooking, applied.error());
    return false;
  }
  // The first of them may have been booked before the fault: they were read again.
  if (applied->applied > 0) no_trouble(kBooking);
  booked(shard).up_to = applied->position;
  synced_ = false;
  return true;
}

// What an earlier process had begun and not ended when it died: nobody will ever know more.
void StoreThread::close_former(UsageLedger& ledger, std::uint16_t shard) {
  Booked& known = booked_[shard];
  const auto closed =
      ledger.close_open_attempts(journal_name(shard), known.found_up_to, kCloseAttempts);
  if (!closed) return trouble(kBooking, closed.error());
  if (closed->closed > 0) no_trouble(kBooking);
  known.starts_closed = !closed->more;
  synced_ = false;
  if (closed->closed == 0) return;
  LogLine(log_, LogLevel::kWarning,
          "requests whose end is not known: the process before this one died while they ran")
      .field("requests", static_cast<std::int64_t>(closed->closed));
}

// The same for shards that are no more: their journals go when the last record is booked, perhaps
// by a process that died before it came here.
void StoreThread::close_gone(UsageLedger& ledger) {
  for (std::uint16_t shard = 0; shard < booked_.size(); ++shard) {
    if (waits_to_retry()) return;
    if (booked_[shard].up_to == 0 || booked_[shard].starts_closed) continue;
    const bool is_there = std::ranges::any_of(
        journal_->shards(), [shard](const auto& other) { return other.index == shard; });
    if (!is_there) close_former(ledger, shard);
  }
}

// A journal may forget what is on the disk, not what a loss of power could undo.
void StoreThread::sync_if_due(Instant now, bool at_once) {
  if (synced_ || (now < sync_at_ && !at_once)) return;
  sync_at_ = now + kSyncEvery;
  if (const auto synced = environment_->sync(); !synced) return trouble(kSyncing, synced.error());
  no_trouble(kSyncing);
  synced_ = true;
  for (UsageJournal::Shard& shard : journal_->shards()) shard.journal->applied(booked(shard).up_to);
  journal_->keep(now);
}

void StoreThread::look_after(Writer& writer, Instant now) {
  if (now < look_at_) return;
  look_at_ = now + kLookEvery;
  if (const auto cleared = environment_->clear_stale_readers(); !cleared)
    trouble(kCleaning, cleared.error());
  prune(writer);
  if (const auto space = environment_->space(); space && space->alert()) {
    LogLine(log_, LogLevel::kWarning,
            "the database has used most of store.bytes_max; raise it, or keep requests for less "
            "long (usage.keep_requests)")
        .field("bytes", static_cast<std::int64_t>(space->used))
        .field("bytes_max", static_cast<std::int64_t>(space->map_max));
  }
  begin_backup(clock_.unix_ms());
}

StoreResult<void> StoreThread::watch(std::shared_ptr<const Directory> directory) {
  if (!thread_.joinable()) {
    Writer writer(*environment_);
    const auto cooling = cooldowns_.restore(writer, *directory, clock_.now(), clock_.unix_ms());
    if (!cooling) return store_fail(cooling.error());
  }
  const std::lock_guard lock(mutex_);
  directory_ = std::move(directory);
  return {};
}

void StoreThread::record_cooldowns(Writer& writer, Instant now) {
  if (now < cooldowns_at_ || waits_to_retry()) return;
  cooldowns_at_ = now + kCooldownsEvery;
  std::shared_ptr<const Directory> directory;
  {
    const std::lock_guard lock(mutex_);
    directory = directory_;
  }
  if (directory == nullptr) return;
  const auto looked = cooldowns_.look(writer, *directory, now, clock_.unix_ms());
  if (!looked) return trouble(kCooldowns, looked.error());
  no_trouble(kCooldowns);
}

void StoreThread::prune(Writer& writer) {
  const std::int64_t before = clock_.unix_ms() - keep_requests_ms_.load(std::memory_order_relaxed);
  const auto pruned = prune_requests(writer, before, kPruneRows);
  if (!pruned) return trouble(kCleaning, pruned.error());
  no_trouble(kCleaning);
  if (pruned->rows > 0) synced_ = false;
  if (pruned->more) look_at_ = clock_.now();  // the next step, after what has come meanwhile
}

void StoreThread::begin_backup(std::int64_t now_ms) {
  constexpr std::int64_t kDayMs = 24 * 3600 * 1000;
  const std::int64_t day = now_ms / kDayMs;
  if (config_.backups_keep == 0 || backup_runs_.load(std::memory_order_acquire)) return;
  if (backup_day_ == 0) {
    // The day of the last one: a restart makes no second.
    const auto copies = list_backups(config_.backup_directory);
    if (copies && !copies->empty()) backup_day_ = day_of_backup(copies->back());
  }
  if (day <= backup_day_) return;
  backup_day_ = day;
  if (backup_.joinable()) backup_.join();
  backup_runs_.store(true, std::memory_order_release);
  backup_ = std::thread([this, now_ms] {
    const auto made =
        sluice::back_up(*environment_, config_.backup_directory, now_ms, config_.backups_keep);
    if (made) {
      LogLine(backup_log_, LogLevel::kInfo, "backup made").field("file", made->path);
    } else {
      LogLine(backup_log_, LogLevel::kError, "no backup made today")
          .field("error", explain(made.error(), config_.backup_directory));
    }
    backup_runs_.store(false, std::memory_order_release);
  });
}

bool StoreThread::run_jobs(Writer& writer) {
  WaitingJob* waiting;
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) return false;
    waiting = jobs_.front();
    jobs_.pop_front();
  }
  waiting->job(writer);
  synced_ = false;
  sync_at_ = Instant{};  // who asked for it is told when it is on the disk
  sync_if_due(clock_.now(), true);
  {
    const std::lock_guard lock(mutex_);
    waiting->done = true;
  }
  wake_.notify_all();
  return true;
}

void StoreThread::sleep(bool busy) {
  if (busy) return;
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kNap, [this] { return stopping_ || !jobs_.empty(); });
}

void StoreThread::trouble(Trouble what, const StoreError& error) {
  retry_at_ = clock_.now() + kRetryAfter;
  const bool first = troubles_ == 0;
  troubles_ |= what;
  if (!first) return;
  LogLine(log_, LogLevel::kError,
          "usage cannot be booked: the journals keep it, requests are served as before")
      .field("error", explain(error, config_.directory));
}

void StoreThread::no_trouble(Trouble what) {
  if ((troubles_ & what) == 0) return;
  troubles_ &= ~static_cast<unsigned>(what);
  if (troubles_ != 0) return;
  LogLine(log_, LogLevel::kInfo, "usage is booked again; nothing of it was lost");
}

void StoreThread::report_journals() {
  int worst = 0;
  for (UsageJournal::Shard& shard : journal_->shards())
    worst = std::max(worst, shard.journal->state().disk_errno);
  if ((worst != 0) == journal_in_trouble_) return;
  journal_in_trouble_ = worst != 0;
  if (worst == 0) {
    LogLine(log_, LogLevel::kInfo, "the usage journals are on the disk again");
    return;
  }
  LogLine(log_, LogLevel::kError,
          "the disk takes no more of the usage journals: they go on in memory for now, and when "
          "that is full requests are refused (503 usage_journal_full); make room")
      .field("directory", config_.directory)
      .field("errno", worst);
}

}  // namespace sluice
