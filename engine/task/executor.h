#pragma once

#include <coroutine>
#include <cstddef>

#include "base/assert.h"
#include "engine/task/frame_pool.h"

namespace sluice {

// ReadyNode - a suspended coroutine that stands, or will stand, on a ready list; or a spawned task
// that has ended, which run_ready() does not resume but gives back to its scope. Lives in the
// awaiting frame, or in that of the spawned task.
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
  ~Executor() { SL_ASSERT(ready_first_ == nullptr && going_on_ == nullptr); }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  void make_ready(ReadyNode& node) noexcept {
    node.next = nullptr;
    if (ready_first_ == nullptr) ready_first_ = &node;
    else ready_last_->next = &node;
    ready_last_ = &node;
  }

  // For tasks that end: who waited for one goes on next, before all that are ready, while what they
  // share lies in the cache. Whoever is resumed ends one task at most, so there is only one.
  void go_on(const ReadyNode& waiter) noexcept {
    SL_ASSERT(going_on_ == nullptr);
    going_on_ = &waiter;
  }

  [[nodiscard]] bool has_ready() const noexcept { return ready_first_ != nullptr; }

  // Resumes those that stand on the list, in order, those that join meanwhile too, but at most
  // `count_max`, so that timers and completions get their turn. Each with all that can go on
  // because of it, until it waits for something else. Returns how many it took from the list.
  std::size_t run_ready(std::size_t count_max);

  [[nodiscard]] FramePool& frames() noexcept { return frames_; }

 private:
  static void run(const ReadyNode& node);

  FramePool frames_;
  ReadyNode* ready_first_ = nullptr;
  ReadyNode* ready_last_ = nullptr;
  const ReadyNode* going_on_ = nullptr;  // null outside run_ready(): nowhere else do tasks end
};

}  // namespace sluice
