#pragma once

#include <vector>

#include "engine/io/wait.h"

namespace sluice {

// AcceptStream - the connections of one listener, as they come: a multishot accept and the queue of
// those not yet taken.
//
// Owns      the operation and the accepted descriptors until they are taken; not the listening
//           descriptor.
// Affinity  one shard.
// Lifetime  must be stopped (co_await stop()) before it dies.
class AcceptStream final : public Op, private Timer {
 public:
  explicit AcceptStream(Reactor& reactor) noexcept : reactor_(&reactor) {}

  void start(int listening_fd);

  // Next - the descriptor of the next connection, or why there is none: called off, or, with an
  // os_errno, the kernel lacks descriptors or memory. After that the stream goes on by itself, when
  // some time has passed; ask again.
  class Next final : private Wait {
   public:
    Next(AcceptStream& stream, CancelSource* cancel) noexcept
        : Wait(*stream.reactor_, Limits{.deadline = kNever, .cancel = cancel}, Side::kOurs),
          stream_(&stream) {}
    bool await_ready() noexcept { return stream_->has_news() || refused_at_start(); }
    void await_suspend(std::coroutine_handle<> waiter) noexcept;
    Result<int> await_resume() noexcept;

   private:
    friend class AcceptStream;
    AcceptStream* stream_;
  };
  [[nodiscard]] Next next(CancelSource* cancel) noexcept { return Next(*this, cancel); }

  // Asks the kernel to stop, waits until it has, and closes what was accepted and not taken.
  class Stop final : private Wait {
   public:
    explicit Stop(AcceptStream& stream) noexcept
        : Wait(*stream.reactor_, Limits{}, Side::kOurs), stream_(&stream) {}
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> waiter) noexcept;
    void await_resume() noexcept;

   private:
    friend class AcceptStream;
    AcceptStream* stream_;
  };
  [[nodiscard]] Stop stop() noexcept { return Stop(*this); }

 private:
  // After EMFILE and the like: trying at once would spin, the connections wait in the kernel's
  // backlog meanwhile.
  static constexpr Duration kBackOff = 100ms;

  void on_completion(Completion completion) noexcept override;
  void on_timer() noexcept override { arm(); }
  [[nodiscard]] bool has_news() const noexcept {
    return !accepted_.empty() || failure_.code != Errc::kOk;
  }
  void arm() noexcept { reactor_->kernel().accept(listening_fd_, *this); }

  Reactor* reactor_;
  std::vector<int> accepted_;  // in order, from first_ on
  std::size_t first_ = 0;
  Next* taker_ = nullptr;
  Stop* stopper_ = nullptr;
  Error failure_;  // for want of descriptors or memory, and not told yet
  int listening_fd_ = -1;
  bool stopping_ = false;
};

}  // namespace sluice
