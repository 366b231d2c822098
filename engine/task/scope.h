#pragma once

#include <cstddef>

#include "engine/task/task.h"

namespace sluice {

// Scope - the tasks that were spawned into it, which nobody awaits one by one. Ends only when all
// have ended.
//
// Affinity  one shard.
// Lifetime  longer than every task in it: join() it, then destroy it (asserted).
class Scope {
 public:
  explicit Scope(Executor& executor) noexcept : executor_(&executor) {}
  ~Scope() { SL_ASSERT(count_ == 0); }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Takes over a task that has been started. Its frame dies when it ends.
  void spawn(Task<void> task) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  // Waits until no task is left. One waiter at a time.
  struct Join {
    Scope& scope;
    bool await_ready() const noexcept { return scope.count_ == 0; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept { scope.joiner_.handle = waiter; }
    void await_resume() noexcept { scope.joiner_.handle = nullptr; }
  };
  [[nodiscard]] Join join() noexcept { return Join{*this}; }

 private:
  friend class Executor;
  static void reap(std::coroutine_handle<> frame);

  Executor* executor_;
  ReadyNode joiner_;
  std::size_t count_ = 0;
};

}  // namespace sluice
