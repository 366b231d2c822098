#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/intrusive_list.h"
#include "engine/io/signal.h"

namespace sluice {

// SnapshotFeed - the newest snapshot of everything, as one event of a stream: built once and sent
// to all that listen. A listener that is still sending an older one misses those in between.
//
// Affinity  the administrator's thread.
class SnapshotFeed {
 public:
  static constexpr std::size_t kListenersMax = 256;

  // Listener - one stream. Lifetime: within that of the feed.
  class Listener : public ListNode {
   public:
    Listener(Reactor& reactor, SnapshotFeed& feed) : feed_(&feed), news_(reactor) {
      feed.listeners_.push_back(*this);
      ++feed.count_;
    }
    ~Listener() {
      unlink();
      --feed_->count_;
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // Waits for a snapshot newer than the last one taken; take() is it.
    [[nodiscard]] Signal::Awaited news(const Limits& limits) noexcept { return news_.wait(limits); }
    [[nodiscard]] std::shared_ptr<const std::string> take() const { return feed_->newest_; }

   private:
    friend class SnapshotFeed;
    SnapshotFeed* feed_;
    Signal news_;
  };

  void publish(std::shared_ptr<const std::string> snapshot) {
    newest_ = std::move(snapshot);
    for (Listener* at = listeners_.front(); at != nullptr; at = listeners_.after(*at))
      at->news_.set();
  }
  [[nodiscard]] bool full() const noexcept { return count_ >= kListenersMax; }
  [[nodiscard]] std::size_t listeners() const noexcept { return count_; }

 private:
  IntrusiveList<Listener> listeners_;
  std::size_t count_ = 0;
  std::shared_ptr<const std::string> newest_;
};

}  // namespace sluice
