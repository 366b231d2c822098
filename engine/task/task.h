#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "engine/task/executor.h"

namespace sluice {

class Scope;

// PromiseBase - what all tasks share: a frame from the executor's pool, and the one who waits for
// the end.
class PromiseBase {
 public:
  // The only operator new: a coroutine whose first parameter is not a shard does not compile
  // (INVARIANTS T3).
  template <class... Rest>
  static void* operator new(std::size_t bytes, Executor& executor, Rest&&...) {
    auto* const header =
        static_cast<FrameHeader*>(executor.frames().take(bytes + sizeof(FrameHeader)));
    return new (header) FrameHeader{.executor = &executor} + 1;
  }
  static void operator delete(void* frame, std::size_t bytes) noexcept {
    FrameHeader* const header = static_cast<FrameHeader*>(frame) - 1;
    header->executor->frames().give(header, bytes + sizeof(FrameHeader));
  }

  // A child starts inline; it suspends only where it really waits.
  std::suspend_never initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) noexcept {
      const FrameHeader& header = header_of(self);
      if (header.waiter == 0) return;
      const auto waiter = waiter_of(self);
      header.executor->go_on(waiter ? waiter : self);
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  [[noreturn]] void unhandled_exception() noexcept {
    std::abort();
  }  // no exceptions on the data path

  // Who waits for the end of the task that has this frame; null: nobody, or a scope. Every
  // coroutine is a task.
  static std::coroutine_handle<> waiter_of(std::coroutine_handle<> frame) noexcept {
    const std::uintptr_t waiter = header_of(frame).waiter;
    if ((waiter & kOfScope) != 0) return {};
    return std::coroutine_handle<>::from_address(reinterpret_cast<void*>(waiter));
  }

 private:
  template <class T>
  friend class Task;
  friend class Scope;
  static constexpr std::uintptr_t kOfScope = 1;
  // Stands before the frame. One word for both waiters: there is one of these for each task of each
  // connection.
  struct alignas(std::max_align_t) FrameHeader {
    Executor* executor;
    std::uintptr_t waiter = 0;  // a frame's address; of a spawned task its scope's, and kOfScope
  };
  static FrameHeader& header_of(std::coroutine_handle<> frame) noexcept {
    return static_cast<FrameHeader*>(frame.address())[-1];
  }
};

template <class T>
class PromiseOf : public PromiseBase {
 public:
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() { return std::move(*value_); }

 private:
  std::optional<T> value_;
};

template <>
class PromiseOf<void> : public PromiseBase {
 public:
  void return_void() noexcept {}
  void take() noexcept {}
};

// Task - a coroutine that has been started and gives a T when it ends.
//
// Owns      the frame. Move-only. Must be awaited, or spawned into a Scope.
// Affinity  the shard that was its first argument.
// Lifetime  the frame dies with the Task, which asserts that the coroutine has ended (INVARIANTS
//           T1).
// Cost      one frame from the pool.
template <class T>
class [[nodiscard]] Task {
 public:
  class promise_type : public PromiseOf<T> {
   public:
    Task get_return_object() noexcept {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (!frame_) return;
    SL_ASSERT(frame_.done());
    frame_.destroy();
  }

  [[nodiscard]] bool done() const noexcept { return frame_.done(); }

  bool await_ready() const noexcept { return done(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    PromiseBase::header_of(frame_).waiter = reinterpret_cast<std::uintptr_t>(waiter.address());
  }
  T await_resume() { return frame_.promise().take(); }

  // The value of a task that is done(): for tests and for those who poll.
  T take() {
    SL_ASSERT(done());
    return frame_.promise().take();
  }

 private:
  friend class Scope;
  explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

}  // namespace sluice
