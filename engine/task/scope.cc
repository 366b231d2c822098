#include "engine/task/scope.h"

namespace sluice {
namespace {

using Promise = Task<void>::promise_type;

}  // namespace

void Scope::spawn(Task<void> task) noexcept {
  if (task.done()) return;  // ended without ever waiting: the Task destroys the frame here
  auto frame = std::exchange(task.frame_, nullptr);
  ReadyNode& node = frame.promise().waiter_;
  SL_ASSERT(!node.handle);
  node.handle = frame;
  node.reap = &Scope::reap;
  frame.promise().scope_ = this;
  ++count_;
}

void Scope::reap(std::coroutine_handle<> frame) {
  auto typed = std::coroutine_handle<Promise>::from_address(frame.address());
  Scope* const scope = typed.promise().scope_;
  typed.destroy();
  SL_ASSERT(scope->count_ > 0);
  --scope->count_;
  if (scope->count_ == 0 && scope->joiner_.handle) {
    scope->executor_->make_ready(scope->joiner_);
  }
}

}  // namespace sluice
