#include "engine/io/recv_stream.h"

#include <cerrno>
#include <cstring>

#include "engine/io/pool_block.h"

namespace sluice {

void RecvStream::start(int fd) noexcept {
  SL_ASSERT(fd_ < 0);
  fd_ = fd;
  arm();
}

void RecvStream::arm() noexcept { reactor_->kernel().recv(fd_, *this); }

void RecvStream::set_starved(bool starved) noexcept {
  if (starved_ == starved) return;
  starved_ = starved;
  if (starved) reactor_->note_starved();
  else reactor_->note_fed();
}

void RecvStream::on_completion(Completion completion) noexcept {
  const bool over = !completion.more;
  if (!completion.slice.empty() && !stopping_) {
    queue_.push(std::move(completion.slice));
    reactor_->attend(*this);
    if (data_watcher_ != nullptr)
      data_watcher_->request(Error{.code = Errc::kCancelled, .side = side_});
  }
  if (completion.result == 0) {
    end_ = true;
  } else if (completion.result == -ENOBUFS) {
    if (!stopping_) {
      set_starved(true);
      reactor_->attend(*this);
    }
  } else if (completion.result < 0 && completion.result != -ECANCELED) {
    error_ = error_from_errno(-completion.result, side_);
  }
  if (ended()) note_end();
  if (over && stopping_ && stopper_ != nullptr) stopper_->wake();
  if (reader_ != nullptr && readable()) reader_->wake();
  if (stopping_ || ended()) return;
  // Ended by our own pause, or by the kernel for reasons of its own (more == false): go on when
  // there is room.
  if (over && !starved_ && queue_.bytes() < kPauseBytes) arm();
  else pause_if_full();
}

void RecvStream::pause_if_full() noexcept {
  if (in_flight() && queue_.bytes() >= kPauseBytes) reactor_->kernel().cancel(*this);
}

void RecvStream::note_end() noexcept {
  if (end_watcher_ == nullptr) return;
  const Error cause =
      error_.code != Errc::kOk ? error_ : Error{.code = Errc::kEndOfStream, .side = side_};
  end_watcher_->request(cause);
}

void RecvStream::watch_end(CancelSource* source) noexcept {
  end_watcher_ = source;
  if (source != nullptr && ended()) note_end();
}

void RecvStream::after_read() noexcept {
  if (queue_.empty() && !starved_) leave_attention();
  if (!in_flight() && !starved_ && !stopping_ && !ended() && queue_.bytes() <= kResumeBytes) arm();
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
}

void RecvStream::Next::await_suspend(std::coroutine_handle<> waiter) noexcept {
  SL_ASSERT(stream_->reader_ == nullptr);
  stream_->reader_ = this;
  suspend(waiter);
}

Result<Slice> RecvStream::Next::await_resume() noexcept {
  RecvStream& stream = *stream_;
  if (stream.reader_ == this) stream.reader_ = nullptr;
  if (!stream.queue_.empty()) {
    Slice slice = stream.queue_.pop();
    stream.after_read();
    return slice;
  }
  if (stream.error_.code != Errc::kOk) return std::unexpected(stream.error_);
  if (stream.end_) return Slice{};
  return std::unexpected(cause());
}

bool RecvStream::Stop::await_ready() noexcept {
  stream_->stopping_ = true;
  stream_->end_watcher_ = nullptr;
  stream_->data_watcher_ = nullptr;
  stream_->set_starved(false);
  stream_->queue_.clear();
  stream_->leave_attention();
  return !stream_->in_flight();
}

void RecvStream::Stop::await_suspend(std::coroutine_handle<> waiter) noexcept {
  stream_->stopper_ = this;
  suspend(waiter);
  stream_->reactor_->kernel().cancel(*stream_);
}

}  // namespace sluice
