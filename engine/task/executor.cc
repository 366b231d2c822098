#include "engine/task/executor.h"

#include "engine/task/scope.h"

namespace sluice {

std::size_t Executor::run_ready(std::size_t count_max) {
  std::size_t count = 0;
  while (ready_first_ != nullptr && count < count_max) {
    ReadyNode* const node = ready_first_;
    ready_first_ = node->next;
    ++count;
    // The node lies in a frame that may die while it runs: read all of it first.
    const std::coroutine_handle<> handle = node->handle;
    if (handle.done()) Scope::reap(handle);
    else handle.resume();
  }
  return count;
}

}  // namespace sluice
