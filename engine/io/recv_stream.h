#pragma once

#include "engine/io/slice_queue.h"
#include "engine/io/wait.h"

namespace sluice {

// RecvMode - kSingle, for pairs of AF_UNIX: a receive for each slice. Under a multishot one Linux
// from 6.17 on forgets at times an end that comes right behind bytes: it goes on only where
// recvmsg says that something is left, and of AF_UNIX that is not said of the end.
enum class RecvMode : std::uint8_t { kMultishot, kSingle };

// RecvStream - everything a socket receives, in order: a multishot receive that stays armed, also
// while idle (an armed receive holds no buffer), and the queue of slices that nobody has read yet.
//
// Owns      the operation and the queue; not the descriptor.
// Affinity  one shard.
// Lifetime  must be stopped (co_await stop()) before it dies and before its descriptor is closed
//           (INVARIANTS C2).
// Limits    stops receiving when kPauseBytes lie unread at the end of a turn (what the kernel had
//           on its way then still comes), goes on at kResumeBytes (HTTP_RULES, Timers).
class RecvStream final : public Op, public ListNode {
 public:
  static constexpr std::size_t kPauseBytes = 64 * 1024;
  static constexpr std::size_t kResumeBytes = 16 * 1024;

  RecvStream(Reactor& reactor, Side side, RecvMode mode = RecvMode::kMultishot) noexcept
      : reactor_(&reactor), queue_(reactor.blocks()), side_(side), mode_(mode) {}

  void start(int fd) noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] Side side() const noexcept { return side_; }
  // After stop(): the descriptor, which is nothing to the stream any more.
  [[nodiscard]] int release() noexcept {
    SL_ASSERT(state_ == State::kStopped && !in_flight());
    return std::exchange(fd_, -1);
  }

  // Readable - until something lies ready, or the limits end the wait: readable() tells which.
  class Readable final : private Wait {
   public:
    Readable(RecvStream& stream, const Limits& limits) noexcept
        : Wait(*stream.reactor_, limits, stream.side_), stream_(&stream) {}
    bool await_ready() noexcept { return stream_->readable() || refused_at_start(); }
    void await_suspend(std::coroutine_handle<> waiter) noexcept;
    void await_resume() noexcept {
      if (stream_->reader_ == this) stream_->reader_ = nullptr;
    }

   private:
    friend class RecvStream;
    RecvStream* stream_;
  };
  [[nodiscard]] Readable wait_readable(const Limits& limits) noexcept {
    return Readable(*this, limits);
  }

  // Next - the next slice; an empty one is the end of the stream. Errors: reset, deadline,
  // cancellation.
  class Next final {
   public:
    Next(RecvStream& stream, const Limits& limits) noexcept : wait_(stream, limits) {}
    bool await_ready() noexcept { return wait_.await_ready(); }
    void await_suspend(std::coroutine_handle<> waiter) noexcept { wait_.await_suspend(waiter); }
    Result<Slice> await_resume() noexcept;

   private:
    Readable wait_;
  };
  [[nodiscard]] Next next(const Limits& limits) noexcept { return Next(*this, limits); }

  // Something lies ready: a slice, the end, or an error.
  [[nodiscard]] bool readable() const noexcept { return !queue_.empty() || ended(); }
  [[nodiscard]] bool ended() const noexcept { return end_ || error_.code != Errc::kOk; }
  [[nodiscard]] std::size_t unread_bytes() const noexcept { return queue_.bytes(); }

  // Copies the first unread bytes to `out` without taking them; how many of them lie there.
  [[nodiscard]] std::size_t peek(std::span<char> out) const noexcept {
    return queue_.copy_front(out);
  }
  // What next() would give without waiting; empty when no bytes lie there.
  [[nodiscard]] Slice take() noexcept {
    Slice slice;
    if (queue_.empty()) return slice;
    slice = queue_.pop();
    after_read();
    return slice;
  }

  // Puts bytes back that belong to the next reader. Here they can be copied out of the ring.
  void put_back(Slice slice) {
    if (slice.empty()) return;
    queue_.push_front(std::move(slice));
    reactor_->attend(*this);
  }

  // The peer has closed its side or reset the connection, though bytes of it may still be unread,
  // in the kernel too. Known at once, also of a stream that pauses, while watch_end() is set.
  [[nodiscard]] bool hung_up() const noexcept { return hung_up_ || ended(); }

  // While set, the end of the stream or an error calls off `source` at once: the peer has gone.
  void watch_end(CancelSource* source) noexcept;
  // While set, the arrival of any byte calls off `source`: a peer that answers before it was asked.
  void watch_data(CancelSource* source) noexcept { data_watcher_ = source; }

  // Copies what lies unread in the ring into blocks of the pool, so that the ring's buffers are
  // free (B1).
  void copy_out();

  // Asks the kernel to end the receive and waits until it has. May be awaited twice.
  class Halt final : private Wait {
   public:
    enum class Unread : bool { kKeep, kDrop };
    Halt(RecvStream& stream, Unread unread) noexcept
        : Wait(*stream.reactor_, Limits{}, stream.side_), stream_(&stream), unread_(unread) {}
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> waiter) noexcept;
    void await_resume() noexcept { stream_->halter_ = nullptr; }

   private:
    friend class RecvStream;
    RecvStream* stream_;
    Unread unread_;
  };
  // For good: unread bytes are dropped, nobody watches any more.
  [[nodiscard]] Halt stop() noexcept { return Halt(*this, Halt::Unread::kDrop); }
  // So that somebody else may read from the descriptor, after what lies unread here. resume() goes
  // on.
  [[nodiscard]] Halt pause() noexcept { return Halt(*this, Halt::Unread::kKeep); }
  void resume() noexcept;

 private:
  friend class Reactor;
  // HangUpPoll - a stream that pauses sees no end: this asks the kernel for it, while somebody
  // watches the end and nothing is received. Once begun it stays until the peer hangs up or the
  // stream is stopped.
  class HangUpPoll final : public Op {
   public:
    explicit HangUpPoll(RecvStream& stream) noexcept : stream_(&stream) {}

   private:
    void on_completion(Completion completion) noexcept override {
      stream_->on_hang_up(completion.result);
    }
    RecvStream* stream_;
  };
  enum class State : std::uint8_t { kOpen, kPaused, kStopped };
  void on_completion(Completion completion) noexcept override;
  void arm() noexcept;
  void feed() noexcept;  // a buffer is free again: goes on, and stands behind all others that wait
  void pause_if_full() noexcept;
  void after_read() noexcept;
  void note_end() noexcept;
  void poll_hang_up() noexcept;
  void on_hang_up(std::int32_t result) noexcept;
  [[nodiscard]] bool halted() const noexcept {
    return !in_flight() && (state_ != State::kStopped || !hang_up_poll_.in_flight());
  }
  void leave_attention() noexcept {
    full_ = false;
    unlink();
  }
  void set_starved(bool starved) noexcept;

  Reactor* reactor_;
  SliceQueue queue_;
  Readable* reader_ = nullptr;
  Halt* halter_ = nullptr;
  CancelSource* end_watcher_ = nullptr;
  CancelSource* data_watcher_ = nullptr;
  HangUpPoll hang_up_poll_{*this};
  Error error_;
  int fd_ = -1;
  Side side_;
  bool end_ = false;
  bool hung_up_ = false;
  State state_ = State::kOpen;
  bool starved_ = false;
  bool full_ = false;  // noted by the reactor this turn
  RecvMode mode_;
};

}  // namespace sluice
