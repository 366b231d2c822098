#pragma once

#include <cstddef>
#include <span>

#include "engine/io/wait.h"

namespace sluice {

// The one-shot operations as awaitables: `const SendResult sent = co_await Send(...)`. Name them,
// do not await temporaries inside larger expressions. Each may end by its deadline or by
// cancellation: the kernel is asked to stop and its completion is awaited, so that nothing is in
// flight when the coroutine goes on.

// SendResult - how far a send came. `error.code` is kOk when all bytes were taken.
struct SendResult {
  std::size_t bytes = 0;
  Error error;
};

// Send - one gathered send of at most kPiecesMax pieces. The bytes and the iovecs stay the
// caller's.
class Send final : public Op, private Wait {
 public:
  static constexpr std::size_t kPiecesMax = 64;  // iovecs of one call; above it, send in turns

  Send(Reactor& reactor, int fd, std::span<iovec> pieces, const Limits& limits, Side side) noexcept;

  bool await_ready() noexcept { return refused_at_start(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept;
  SendResult await_resume() noexcept;

 private:
  void on_completion(Completion completion) noexcept override;
  void on_interrupt() noexcept override { reactor().kernel().cancel(*this); }

  int fd_;
  std::int32_t result_ = 0;
  std::size_t total_ = 0;
  msghdr message_{};
};

// RecvInto - one read straight into memory of the caller's: at least one byte, or 0 at the end of
// the stream.
class RecvInto final : public Op, private Wait {
 public:
  RecvInto(Reactor& reactor, int fd, std::span<char> target, const Limits& limits,
           Side side) noexcept
      : Wait(reactor, limits, side), fd_(fd), target_(target) {}

  bool await_ready() noexcept { return refused_at_start(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept;
  Result<std::size_t> await_resume() noexcept;

 private:
  void on_completion(Completion completion) noexcept override;
  void on_interrupt() noexcept override { reactor().kernel().cancel(*this); }

  int fd_;
  std::int32_t result_ = 0;
  std::span<char> target_;
};

// Connect - a TCP connection to `address`, which stays the caller's.
class Connect final : public Op, private Wait {
 public:
  Connect(Reactor& reactor, int fd, const SocketAddress& address, const Limits& limits) noexcept
      : Wait(reactor, limits, Side::kUpstream), fd_(fd), address_(&address) {}

  bool await_ready() noexcept { return refused_at_start(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept;
  Result<void> await_resume() noexcept;

 private:
  void on_completion(Completion completion) noexcept override;
  void on_interrupt() noexcept override { reactor().kernel().cancel(*this); }

  int fd_;
  std::int32_t result_ = 0;
  const SocketAddress* address_;
};

// PollFd - until a descriptor that is no socket of ours (a signalfd, say) is ready as `mask`
// (poll(2)) asks.
class PollFd final : public Op, private Wait {
 public:
  PollFd(Reactor& reactor, int fd, std::uint32_t mask, const Limits& limits) noexcept
      : Wait(reactor, limits, Side::kOurs), fd_(fd), mask_(mask) {}

  bool await_ready() noexcept { return refused_at_start(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept;
  // The mask that came true.
  Result<std::uint32_t> await_resume() noexcept;

 private:
  void on_completion(Completion completion) noexcept override;
  void on_interrupt() noexcept override { reactor().kernel().cancel(*this); }

  int fd_;
  std::int32_t result_ = 0;
  std::uint32_t mask_;
};

// Sleep - until an instant; kOk, or why it was cut short.
class Sleep final : private Wait {
 public:
  Sleep(Reactor& reactor, Instant until, CancelSource* cancel) noexcept
      : Wait(reactor, Limits{.deadline = until, .cancel = cancel}, Side::kOurs) {}

  bool await_ready() noexcept { return refused_at_start(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { suspend(waiter); }
  Result<void> await_resume() noexcept {
    if (cause().code == Errc::kTimedOut && cause().side == Side::kOurs) return {};
    return std::unexpected(cause());
  }
};

}  // namespace sluice
