#pragma once

#include <coroutine>
#include <cstddef>

#include "base/assert.h"
#include "engine/task/frame_pool.h"

namespace sluice {

// ReadyNode - a suspended coroutine that stands, or will stand, on a ready list. Lives in the
// awaiting frame.
struct ReadyNode {
  ReadyNode* next = nullptr;
  std::coroutine_handle<> handle;
};

// Executor - what a coroutine needs of its shard: memory for its frame, and the list of those that
// may go on.
//
// Affinity  one thread. Nothing here is atomic.
// Rule      only run_ready() resumes (INVARIANTS T2): completions, timers and ending tasks merely
//           note who may go on. (Symmetric transfer would resume at once, and overflows the stack
//           in gcc 12's unoptimised builds.)
class Executor {
 public:
  Executor() = default;
  ~Executor() { SL_ASSERT(ready_first_ == nullptr && !going_on_); }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  void make_ready(ReadyNode& node) noexcept {
    node.next = nullptr;
    if (ready_first_ == nullptr) ready_first_ = &node;
    else ready_last_->next = &node;
    ready_last_ = &node;
  }

  // For tasks that end: who waited for one goes on next, before all that are ready, while what they
  // share lies in the cache; a spawned task, which nobody waited for, is given back to its scope.
  // Whoever is resumed ends one task at most, so there is only one.
  void go_on(std::coroutine_handle<> waiter) noexcept {
    SL_ASSERT(!going_on_);
    going_on_ = waiter;
  }

  [[nodiscard]] bool has_ready() const noexcept { return ready_first_ != nullptr; }

  // Resumes those that stand on the list, in order, those that join meanwhile too, but at most
  // `count_max`, so that timers and completions get their turn. Each with all that can go on
  // because of it, until it waits for something else. Returns how many it took from the list.
  std::size_t run_ready(std::size_t count_max);

  [[nodiscard]] FramePool& frames() noexcept { return frames_; }

 private:
  static void run(std::coroutine_handle<> handle);

  FramePool frames_;
  ReadyNode* ready_first_ = nullptr;
  ReadyNode* ready_last_ = nullptr;
  std::coroutine_handle<> going_on_;  // null outside run_ready(): nowhere else do tasks end
};

}  // namespace sluice
