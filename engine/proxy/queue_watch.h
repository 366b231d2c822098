#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/proxy/dispatcher.h"

namespace sluice {

// QueueSummary - who waits, by model.
struct QueueSummary {
  struct Model {
    std::string model;  // "": requests without one
    std::array<std::uint32_t, kPriorities> per_priority{};
    Instant oldest{};
    Instant next_permit_at = kNever;  // kNever: not before something changes
  };
  std::vector<Model> models;
  std::array<std::uint32_t, kPriorities> per_priority{};
  Instant oldest{};  // Instant{}: nobody waits

  [[nodiscard]] std::uint32_t depth() const noexcept {
    std::uint32_t sum = 0;
    for (const std::uint32_t some : per_priority) sum += some;
    return sum;
  }
};

// QueueWatch - looks at the wait queue four times a second while somebody waits, for those who want
// to see it from other threads.
//
// Affinity  its home shard, the dispatcher's; summary() any thread but a shard's.
// Lifetime  within that of its home and of the dispatcher.
class QueueWatch final : private Timer {
 public:
  explicit QueueWatch(Dispatcher& dispatcher) noexcept : dispatcher_(dispatcher) {}
  ~QueueWatch() { dispatcher_.home().timers().stop(*this); }
  QueueWatch(const QueueWatch&) = delete;
  QueueWatch& operator=(const QueueWatch&) = delete;

  void start() noexcept;
  // At most a quarter of a second old; never null.
  [[nodiscard]] std::shared_ptr<const QueueSummary> summary() const;

 private:
  void on_timer() noexcept override;

  Dispatcher& dispatcher_;
  bool somebody_ = false;
  mutable std::mutex mutex_;  // of a shard that serves no requests
  std::shared_ptr<const QueueSummary> summary_ = std::make_shared<QueueSummary>();
};

// As of `now`, on the queue's thread.
[[nodiscard]] QueueSummary summarize(WaitQueue& queue, Instant now);

}  // namespace sluice
