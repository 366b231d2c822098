#include "engine/task/executor.h"

#include <utility>

#include "engine/task/scope.h"

namespace sluice {
namespace {

// Has the first lines of a frame brought near while something else runs: where it goes on, and what
// it keeps for that. Among many connections they lie in no cache that is close.
void fetch(std::coroutine_handle<> frame) noexcept {
  constexpr std::size_t kLineBytes = 64;
  constexpr std::size_t kLines = 6;  // most frames of a request's path have up to ten
  const char* const bytes = static_cast<const char*>(frame.address());
  for (std::size_t line = 0; line < kLines; ++line) __builtin_prefetch(bytes + line * kLineBytes);
}

}  // namespace

void Executor::run(std::coroutine_handle<> handle) {
  if (handle.done()) {
    Scope::reap(handle);
    return;
  }
  if (const auto waiter = PromiseBase::waiter_of(handle)) fetch(waiter);
  handle.resume();
}

std::size_t Executor::run_ready(std::size_t count_max) {
  std::size_t count = 0;
  while (ready_first_ != nullptr && count < count_max) {
    // The node lies in a frame that may die while it runs: read all of it first.
    const std::coroutine_handle<> handle = ready_first_->handle;
    ready_first_ = ready_first_->next;
    ++count;
    if (ready_first_ != nullptr) fetch(ready_first_->handle);
    run(handle);
    while (going_on_) run(std::exchange(going_on_, nullptr));
  }
  return count;
}

}  // namespace sluice
