#pragma once

#include <coroutine>

#include "engine/io/reactor.h"
#include "engine/task/cancel.h"

namespace sluice {

// Limits - how long a wait may last, and who may call it off.
struct Limits {
  Instant deadline = kNever;
  CancelSource* cancel = nullptr;
};

// Wait - the part that all awaitables of io share: a place on the ready list, a deadline, a hook
// for cancellation. Derived classes start their operation in await_suspend() and call wake() when
// it is over.
//
// Owns      its timer and its hook; both are off when the coroutine goes on.
// Affinity  one shard. Lives in the awaiting frame.
class Wait : private CancelHook, private Timer {
 public:
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

 protected:
  // `side` is whose fault a missed deadline is.
  Wait(Reactor& reactor, const Limits& limits, Side side) noexcept
      : side_(side), reactor_(&reactor), limits_(limits) {}
  ~Wait() = default;

  // True when the wait was called off before it began: do not start the operation. cause() says
  // why.
  bool refused_at_start() noexcept {
    if (limits_.cancel == nullptr || !limits_.cancel->requested()) return false;
    cause_ = limits_.cancel->cause();
    return true;
  }

  void suspend(std::coroutine_handle<> waiter) noexcept {
    node_.handle = waiter;
    waiting_ = true;
    if (limits_.deadline != kNever) reactor_->timers().start(*this, limits_.deadline);
    if (limits_.cancel != nullptr) limits_.cancel->add(*this);
  }

  // Makes the waiter ready. Once; further calls do nothing.
  void wake() noexcept {
    if (!waiting_) return;
    waiting_ = false;
    stop_watching();
    reactor_->make_ready(node_);
  }

  // The deadline passed or somebody cancelled: see cause(). Operations that the kernel holds ask
  // for their end here and wake when it has come; the others wake at once.
  virtual void on_interrupt() noexcept { wake(); }

  [[nodiscard]] bool interrupted() const noexcept { return cause_.code != Errc::kOk; }
  [[nodiscard]] const Error& cause() const noexcept { return cause_; }
  [[nodiscard]] Reactor& reactor() noexcept { return *reactor_; }
  [[nodiscard]] Side side() const noexcept { return side_; }

 private:
  void on_timer() noexcept final {
    CancelHook::unlink();
    cause_ = Error{.code = Errc::kTimedOut, .side = side_};
    on_interrupt();
  }
  void on_cancel(const Error& cause) noexcept final {
    reactor_->timers().stop(*this);
    cause_ = cause;
    on_interrupt();
  }
  void stop_watching() noexcept {
    reactor_->timers().stop(*this);
    CancelHook::unlink();
  }

  Side side_;  // these two lie in what Timer leaves of its last word
  bool waiting_ = false;
  Reactor* reactor_;
  Limits limits_;
  Error cause_;
  ReadyNode node_;
};

}  // namespace sluice
