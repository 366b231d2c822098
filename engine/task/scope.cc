#include "engine/task/scope.h"

namespace sluice {

void Scope::spawn(Task<void> task) noexcept {
  if (task.done()) return;  // ended without ever waiting: the Task destroys the frame here
  auto frame = std::exchange(task.frame_, nullptr);
  PromiseBase::FrameHeader& header = PromiseBase::header_of(frame);
  SL_ASSERT(header.waiter == 0);
  header.waiter = reinterpret_cast<std::uintptr_t>(this) | PromiseBase::kOfScope;
  ++count_;
}

void Scope::reap(std::coroutine_handle<> frame) {
  const std::uintptr_t waiter = PromiseBase::header_of(frame).waiter;
  Scope* const scope = reinterpret_cast<Scope*>(waiter & ~PromiseBase::kOfScope);
  SL_ASSERT((waiter & PromiseBase::kOfScope) != 0);
  frame.destroy();
  SL_ASSERT(scope->count_ > 0);
  --scope->count_;
  if (scope->count_ == 0 && scope->joiner_.handle) {
    scope->executor_->make_ready(scope->joiner_);
  }
}

}  // namespace sluice
