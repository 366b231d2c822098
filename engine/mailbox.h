#pragma once

#include <atomic>

namespace sluice {

class Shard;

// Letter - something that one shard has another one do. Derived from by what it carries; whoever
// posts it hands it over with all that it owns, and the receiver may post it back.
//
// Lifetime  until the receiver has read it.
struct Letter {
  using Read = void (*)(Shard& receiver, Letter& letter);
  explicit Letter(Read read) noexcept : read(read) {}

  Read read;               // called on the receiver's thread
  Letter* next = nullptr;  // the mailbox's, while it lies there
};

// Mailbox - letters to one shard from all others, each sender's in the order in which it posted
// them. No lock and no limit: a letter brings its own place along, so none is ever refused.
//
// Affinity  push(): any thread. take_all(): the receiver's.
class Mailbox {
 public:
  void push(Letter& letter) noexcept {
    Letter* newest = newest_.load(std::memory_order_relaxed);
    do {
      letter.next = newest;
    } while (!newest_.compare_exchange_weak(newest, &letter, std::memory_order_release,
                                            std::memory_order_relaxed));
  }

  // All that have come, chained by `next` from the oldest on; null when there is none.
  [[nodiscard]] Letter* take_all() noexcept {
    Letter* newest = newest_.exchange(nullptr, std::memory_order_acquire);
    Letter* oldest = nullptr;
    while (newest != nullptr) {
      Letter* const before = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = before;
    }
    return oldest;
  }

  [[nodiscard]] bool empty() const noexcept {
    return newest_.load(std::memory_order_relaxed) == nullptr;
  }

 private:
  std::atomic<Letter*> newest_{nullptr};
};

}  // namespace sluice
