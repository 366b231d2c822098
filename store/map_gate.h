#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/clock.h"

namespace sluice {

// MapGate - lets transactions in one by one or many at once, and, when the map is to be moved,
// none: LMDB may not change its map under a transaction of this process.
//
// Affinity  any thread.
class MapGate {
 public:
  // Waits while somebody holds the gate alone.
  void enter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !alone_; });
    ++inside_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    --inside_;
    changed_.notify_all();
  }

  // Keeps newcomers out and waits at most `wait` for those inside; false: they did not end, and
  // newcomers enter again.
  [[nodiscard]] bool enter_alone(Duration wait) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !alone_; });
    alone_ = true;
    if (changed_.wait_for(lock, wait, [this] { return inside_ == 0; })) return true;
    alone_ = false;
    changed_.notify_all();
    return false;
  }
  void leave_alone() {
    const std::lock_guard lock(mutex_);
    alone_ = false;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint32_t inside_ = 0;
  bool alone_ = false;
};

}  // namespace sluice
