#include "engine/io/accept_stream.h"

#include <cerrno>
#include <utility>

namespace sluice {

void AcceptStream::start(int listening_fd) {
  SL_ASSERT(listening_fd_ < 0);
  constexpr std::size_t kBurst =
      256;  // what one turn usually brings at most; more only costs a reallocation
  accepted_.reserve(kBurst);
  listening_fd_ = listening_fd;
  arm();
}

void AcceptStream::on_completion(Completion completion) noexcept {
  const bool over = !completion.more;
  // A connection that was reset before we took it (ECONNABORTED) is no reason to wait, a lack of
  // descriptors is.
  const bool ours = completion.result == -EMFILE || completion.result == -ENFILE ||
                    completion.result == -ENOMEM || completion.result == -ENOBUFS;
  if (completion.result >= 0) {
    if (stopping_) reactor_->kernel().close_socket(completion.result);
    else accepted_.push_back(completion.result);
  } else if (ours) {
    failure_ = error_from_errno(-completion.result, Side::kOurs);
  }
  if (over && stopping_ && stopper_ != nullptr) stopper_->wake();
  if (taker_ != nullptr && has_news()) taker_->wake();
  if (!over || stopping_) return;
  if (ours) reactor_->timers().start(*this, reactor_->now() + kBackOff);
  else arm();
}

void AcceptStream::Next::await_suspend(std::coroutine_handle<> waiter) noexcept {
  SL_ASSERT(stream_->taker_ == nullptr);
  stream_->taker_ = this;
  suspend(waiter);
}

Result<int> AcceptStream::Next::await_resume() noexcept {
  AcceptStream& stream = *stream_;
  if (stream.taker_ == this) stream.taker_ = nullptr;
  if (stream.accepted_.empty()) {
    const Error failure = std::exchange(stream.failure_, Error{});
    return std::unexpected(failure.code != Errc::kOk ? failure : cause());
  }
  const int fd = stream.accepted_[stream.first_++];
  if (stream.first_ == stream.accepted_.size()) {
    stream.accepted_.clear();
    stream.first_ = 0;
  }
  return fd;
}

bool AcceptStream::Stop::await_ready() noexcept {
  stream_->stopping_ = true;
  stream_->reactor_->timers().stop(*stream_);
  return !stream_->in_flight();
}

void AcceptStream::Stop::await_suspend(std::coroutine_handle<> waiter) noexcept {
  stream_->stopper_ = this;
  suspend(waiter);
  stream_->reactor_->kernel().cancel(*stream_);
}

void AcceptStream::Stop::await_resume() noexcept {
  stream_->stopper_ = nullptr;
  for (std::size_t i = stream_->first_; i < stream_->accepted_.size(); ++i) {
    stream_->reactor_->kernel().close_socket(stream_->accepted_[i]);
  }
  stream_->accepted_.clear();
  stream_->first_ = 0;
}

}  // namespace sluice
