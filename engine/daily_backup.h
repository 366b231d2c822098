#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "base/log.h"
#include "engine/config/config.h"
#include "store/environment.h"

namespace sluice {

// DailyBackup - a copy of the store for each day (UTC), made while it is in use, on a thread of its
// own: a copy reads all of it.
//
// Owns      that thread. Affinity: the store's thread; last_ms() and failed() any.
// Lifetime  within that of the environment that it copies.
class DailyBackup {
 public:
  DailyBackup(const StoreConfig& config, const Log& log) : config_(config), log_(log) {}
  ~DailyBackup() { stop(); }
  DailyBackup(const DailyBackup&) = delete;
  DailyBackup& operator=(const DailyBackup&) = delete;

  // Begins the day's copy if there is none; after one that failed the next try is an hour later.
  void look(StoreEnvironment& environment, std::int64_t now_ms);
  // Waits for a copy that is being made.
  void stop();

  // When the newest copy was made, in milliseconds since 1970; 0: never, as far as is known.
  [[nodiscard]] std::int64_t last_ms() const noexcept {
    return last_ms_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_relaxed); }

 private:
  void make(StoreEnvironment& environment, std::int64_t now_ms);

  const StoreConfig& config_;
  Log log_;
  bool looked_ = false;  // for the copies of earlier processes
  std::int64_t next_try_ms_ = 0;
  std::thread thread_;
  std::atomic<bool> runs_{false};
  std::atomic<bool> failed_{false};
  std::atomic<std::int64_t> last_ms_{0};
};

}  // namespace sluice
