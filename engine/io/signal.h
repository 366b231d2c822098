#pragma once

#include "engine/io/wait.h"

namespace sluice {

// Signal - a flag that one coroutine waits for and anybody on the shard may set.
//
// Affinity  one shard. One waiter at a time.
class Signal {
 public:
  explicit Signal(Reactor& reactor) noexcept : reactor_(&reactor) {}

  void set() noexcept {
    set_ = true;
    if (waiter_ != nullptr) waiter_->wake_up();
  }

  // Waits until the flag is set and takes it down again.
  class Awaited final : private Wait {
   public:
    Awaited(Signal& signal, const Limits& limits) noexcept
        : Wait(*signal.reactor_, limits, Side::kOurs), signal_(&signal) {}
    bool await_ready() noexcept { return signal_->set_ || refused_at_start(); }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
      SL_ASSERT(signal_->waiter_ == nullptr);
      signal_->waiter_ = this;
      suspend(waiter);
    }
    Result<void> await_resume() noexcept {
      if (signal_->waiter_ == this) signal_->waiter_ = nullptr;
      if (!signal_->set_) return std::unexpected(cause());
      signal_->set_ = false;
      return {};
    }

   private:
    friend class Signal;
    void wake_up() noexcept { wake(); }
    Signal* signal_;
  };
  [[nodiscard]] Awaited wait(const Limits& limits = {}) noexcept { return Awaited(*this, limits); }

 private:
  Reactor* reactor_;
  Awaited* waiter_ = nullptr;
  bool set_ = false;
};

}  // namespace sluice
