#include "engine/io/recv_stream.h"

#include <poll.h>

#include <cerrno>
#include <cstring>

#include "engine/io/pool_block.h"

namespace sluice {

void RecvStream::start(int fd) noexcept {
  SL_ASSERT(fd_ < 0);
  fd_ = fd;
  arm();
}

void RecvStream::arm() noexcept {
  if (mode_ == RecvMode::kMultishot) reactor_->kernel().recv(fd_, *this);
  else reactor_->kernel().recv_once(fd_, *this);
}

void RecvStream::set_starved(bool starved) noexcept {
  if (starved_ == starved) return;
  starved_ = starved;
  if (starved) reactor_->note_starved();
  else reactor_->note_fed();
}

void RecvStream::on_completion(Completion completion) noexcept {
  const bool over = !completion.more;
  if (!completion.slice.empty() && state_ != State::kStopped) {
    queue_.push(std::move(completion.slice));
    reactor_->attend(*this);
    if (data_watcher_ != nullptr)
      data_watcher_->request(Error{.code = Errc::kCancelled, .side = side_});
  }
  if (completion.result == 0) {
    end_ = true;
  } else if (completion.result == -ENOBUFS) {
    if (state_ == State::kOpen) {
      set_starved(true);
      reactor_->attend(*this);
    }
  } else if (completion.result < 0 && completion.result != -ECANCELED) {
    error_ = error_from_errno(-completion.result, side_);
  }
  if (ended()) note_end();
  if (over && halter_ != nullptr && halted()) halter_->wake();
  if (reader_ != nullptr && readable()) reader_->wake();
  if (state_ != State::kOpen || ended()) return;
  // Ended by our own pause, or by the kernel for reasons of its own (more == false): go on when
  // there is room.
  if (over && !starved_ && queue_.bytes() < kPauseBytes) arm();
  else if (queue_.bytes() >= kPauseBytes) reactor_->note_full(*this);
}

void RecvStream::pause_if_full() noexcept {
  if (!in_flight()) poll_hang_up();
  else if (state_ == State::kOpen && !ended() && queue_.bytes() >= kPauseBytes)
    reactor_->kernel().cancel(*this);
}

void RecvStream::poll_hang_up() noexcept {
  const bool needed = end_watcher_ != nullptr && state_ == State::kOpen && !in_flight();
  if (!needed || hung_up() || hang_up_poll_.in_flight()) return;
  reactor_->kernel().poll(fd_, POLLRDHUP, hang_up_poll_);  // errors and resets come unasked
}

void RecvStream::on_hang_up(std::int32_t result) noexcept {
  if (result > 0) {
    hung_up_ = true;
    note_end();
  }
  if (halter_ != nullptr && halted()) halter_->wake();
}

void RecvStream::note_end() noexcept {
  if (end_watcher_ == nullptr) return;
  const Error cause =
      error_.code != Errc::kOk ? error_ : Error{.code = Errc::kEndOfStream, .side = side_};
  end_watcher_->request(cause);
}

void RecvStream::watch_end(CancelSource* source) noexcept {
  end_watcher_ = source;
  if (source == nullptr) return;
  if (hung_up()) note_end();
  else if (fd_ >= 0) poll_hang_up();
}

void RecvStream::after_read() noexcept {
  if (queue_.empty() && !starved_) leave_attention();
  if (state_ != State::kOpen || in_flight() || starved_ || ended()) return;
  if (queue_.bytes() <= kResumeBytes) arm();
}

void RecvStream::feed() noexcept {
  set_starved(false);
  leave_attention();
  if (!queue_.empty()) reactor_->attend(*this);
  if (!in_flight() && queue_.bytes() < kPauseBytes) arm();
}

void RecvStream::copy_out() {
  for (std::size_t left = queue_.count(); left > 0; --left) {
    Slice slice = queue_.pop();
    if (slice.scarce()) {
      reactor_->counters().copied_bytes += slice.size();
      slice = copy_to_pool(reactor_->blocks(), slice.view());
    }
    queue_.push(std::move(slice));
  }
  if (!starved_) leave_attention();  // none of the ring's memory is left here
}

void RecvStream::Readable::await_suspend(std::coroutine_handle<> waiter) noexcept {
  SL_ASSERT(stream_->reader_ == nullptr);
  stream_->reader_ = this;
  suspend(waiter);
}

Result<Slice> RecvStream::Next::await_resume() noexcept {
  wait_.await_resume();
  RecvStream& stream = *wait_.stream_;
  if (!stream.queue_.empty()) return stream.take();
  if (stream.error_.code != Errc::kOk) return std::unexpected(stream.error_);
  if (stream.end_) return Slice{};
  return std::unexpected(wait_.cause());
}

bool RecvStream::Halt::await_ready() noexcept {
  RecvStream& stream = *stream_;
  stream.set_starved(false);
  if (unread_ == Unread::kKeep) {
    SL_ASSERT(stream.state_ != State::kStopped);
    stream.state_ = State::kPaused;
    return stream.halted();
  }
  stream.state_ = State::kStopped;
  stream.end_watcher_ = nullptr;
  stream.data_watcher_ = nullptr;
  stream.queue_.clear();
  stream.leave_attention();
  return stream.halted();
}

void RecvStream::Halt::await_suspend(std::coroutine_handle<> waiter) noexcept {
  stream_->halter_ = this;
  suspend(waiter);
  stream_->reactor_->kernel().cancel(*stream_);
  if (stream_->state_ == State::kStopped) {
    stream_->reactor_->kernel().cancel(stream_->hang_up_poll_);
  }
}

void RecvStream::resume() noexcept {
  SL_ASSERT(state_ == State::kPaused);
  state_ = State::kOpen;
  after_read();
}

}  // namespace sluice
