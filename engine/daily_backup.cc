#include "engine/daily_backup.h"

#include <pthread.h>

#include "store/backup.h"

namespace sluice {
namespace {

constexpr std::int64_t kHourMs = 3600 * 1000;
constexpr std::int64_t kDayMs = 24 * kHourMs;

}  // namespace

void DailyBackup::look(StoreEnvironment& environment, std::int64_t now_ms) {
  if (config_.backups_keep == 0 || runs_.load(std::memory_order_acquire)) return;
  if (!looked_) {
    looked_ = true;  // a restart makes no second copy of a day
    const auto newest = newest_backup_ms(config_.backup_directory, now_ms);
    if (newest) last_ms_.store(*newest, std::memory_order_relaxed);
  }
  if (now_ms / kDayMs == last_ms() / kDayMs || now_ms < next_try_ms_) return;
  next_try_ms_ = now_ms + kHourMs;
  stop();
  runs_.store(true, std::memory_order_release);
  thread_ = std::thread([this, &environment, now_ms] {
    pthread_setname_np(pthread_self(), "sluice-backup");
    make(environment, now_ms);
    runs_.store(false, std::memory_order_release);
  });
}

void DailyBackup::make(StoreEnvironment& environment, std::int64_t now_ms) {
  const auto made = back_up(environment, config_.backup_directory, now_ms, config_.backups_keep);
  failed_.store(!made, std::memory_order_relaxed);
  if (made) {
    last_ms_.store(now_ms, std::memory_order_relaxed);
    LogLine(log_, LogLevel::kInfo, "backup made").field("file", made->path);
    for (const std::string& removed : made->removed)
      LogLine(log_, LogLevel::kInfo, "old backup removed").field("file", removed);
    return;
  }
  LogLine(log_, LogLevel::kError, "the day's backup was not made; the next try is in an hour")
      .field("error", explain(made.error(), config_.backup_directory));
}

void DailyBackup::stop() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace sluice
