#include "engine/io/operations.h"

#include <cerrno>

namespace sluice {
namespace {

// What a finished operation means: a result of the kernel's, or the reason for which we called it
// off.
Error failure(std::int32_t result, const Error& cause, Side side) noexcept {
  if (result == -ECANCELED && cause.code != Errc::kOk) return cause;
  return error_from_errno(-result, side);
}

}  // namespace

Send::Send(Reactor& reactor, int fd, std::span<iovec> pieces, const Limits& limits,
           Side side) noexcept
    : Wait(reactor, limits, side), fd_(fd) {
  SL_ASSERT(!pieces.empty() && pieces.size() <= kPiecesMax);
  for (const iovec& piece : pieces) total_ += piece.iov_len;
  message_.msg_iov = pieces.data();
  message_.msg_iovlen = pieces.size();
}

void Send::await_suspend(std::coroutine_handle<> waiter) noexcept {
  suspend(waiter);
  reactor().kernel().send(fd_, message_, *this);
}

void Send::on_completion(Completion completion) noexcept {
  result_ = completion.result;
  wake();
}

SendResult Send::await_resume() noexcept {
  if (result_ < 0) return SendResult{.bytes = 0, .error = failure(result_, cause(), side())};
  const auto bytes = static_cast<std::size_t>(result_);
  // Called off before it began, or stopped half way: the cause is the error. Short without a cause:
  // go on.
  return SendResult{.bytes = bytes, .error = bytes < total_ ? cause() : Error{}};
}

void RecvInto::await_suspend(std::coroutine_handle<> waiter) noexcept {
  suspend(waiter);
  reactor().kernel().recv_into(fd_, target_, *this);
}

void RecvInto::on_completion(Completion completion) noexcept {
  result_ = completion.result;
  wake();
}

Result<std::size_t> RecvInto::await_resume() noexcept {
  if (result_ < 0) return std::unexpected(failure(result_, cause(), side()));
  if (result_ == 0 && interrupted()) return std::unexpected(cause());
  return static_cast<std::size_t>(result_);
}

void Connect::await_suspend(std::coroutine_handle<> waiter) noexcept {
  suspend(waiter);
  reactor().kernel().connect(fd_, *address_, *this);
}

void Connect::on_completion(Completion completion) noexcept {
  result_ = completion.result;
  wake();
}

Result<void> Connect::await_resume() noexcept {
  if (result_ == 0 && !interrupted()) return {};
  Error error = result_ == 0 ? cause() : failure(result_, cause(), Side::kUpstream);
  error.retry = Retry::kSafe;  // nothing has been sent
  return std::unexpected(error);
}

void PollFd::await_suspend(std::coroutine_handle<> waiter) noexcept {
  suspend(waiter);
  reactor().kernel().poll(fd_, mask_, *this);
}

void PollFd::on_completion(Completion completion) noexcept {
  result_ = completion.result;
  wake();
}

Result<std::uint32_t> PollFd::await_resume() noexcept {
  if (result_ < 0) return std::unexpected(failure(result_, cause(), side()));
  if (result_ == 0) return std::unexpected(cause());
  return static_cast<std::uint32_t>(result_);
}

}  // namespace sluice
