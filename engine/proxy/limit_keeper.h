#pragma once

#include <memory>

#include "engine/proxy/dispatcher.h"
#include "engine/route/directory.h"
#include "engine/shard.h"

namespace sluice {

// LimitKeeper - looks at every account once a second and sets the limits that it uses: less while
// its provider answers 429 although we keep to what is configured, and back afterwards; no more
// than the provider says.
//
// Affinity  its home shard, on whose thread directories are published.
// Lifetime  within that of its home and of the dispatcher.
class LimitKeeper final : private Timer {
 public:
  LimitKeeper(Shard& home, Dispatcher& dispatcher) noexcept
      : home_(home), dispatcher_(dispatcher) {}
  ~LimitKeeper() { home_.timers().stop(*this); }
  LimitKeeper(const LimitKeeper&) = delete;
  LimitKeeper& operator=(const LimitKeeper&) = delete;

  // From now on the accounts of `directory`.
  void watch(std::shared_ptr<const Directory> directory) noexcept;

 private:
  void on_timer() noexcept override;

  Shard& home_;
  Dispatcher& dispatcher_;
  std::shared_ptr<const Directory> directory_;
};

}  // namespace sluice
