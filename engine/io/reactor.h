#pragma once

#include <cstdint>
#include <utility>

#include "base/block_pool.h"
#include "base/clock.h"
#include "base/intrusive_list.h"
#include "engine/io/kernel.h"
#include "engine/io/timer_wheel.h"
#include "engine/task/executor.h"

namespace sluice {

class RecvStream;

// Reactor - what waits need of their shard: the kernel, the timers, the clock, memory. The loop
// around it is Shard::run.
//
// Owns      the timers, the block pool and (as Executor) the frames; not the kernel and the clock.
// Affinity  one thread.
class Reactor : public Executor {
 public:
  Reactor(Kernel& kernel, Clock& clock) noexcept
      : kernel_(&kernel), clock_(&clock), now_(clock.now()), timers_(now_) {}

  [[nodiscard]] Kernel& kernel() noexcept { return *kernel_; }
  [[nodiscard]] Clock& clock() noexcept { return *clock_; }
  [[nodiscard]] TimerWheel& timers() noexcept { return timers_; }
  [[nodiscard]] BlockPool& blocks() noexcept { return blocks_; }

  // The time of the last look at the clock: after every collect, so that all that one turn does
  // shares one instant.
  [[nodiscard]] Instant now() const noexcept { return now_; }
  // The wall clock in milliseconds since 1970: looked at once a turn, if anybody asks.
  [[nodiscard]] std::int64_t unix_ms() noexcept {
    if (std::exchange(unix_ms_at_, now_) != now_) unix_ms_ = clock_->unix_ms();
    return unix_ms_;
  }

  // One turn: one submit-and-wait -> completions -> timers -> ready list (at most kReadyMax).
  // Sleeps no longer than `until`, and not at all while somebody is ready. Returns how many
  // completions came.
  std::size_t turn(Instant until);

  // When the next turn has something to do by itself.
  [[nodiscard]] Instant next_expiry() const noexcept { return timers_.next_expiry(); }

  // Streams that hold unread slices of the ring, or found no buffer to receive into. Looked at when
  // buffers run short.
  void attend(RecvStream& stream) noexcept;
  // A stream that has as much as it may unless its reader takes some in this turn: it pauses
  // behind the ready list. The next collect hands the pause over, as it would one asked for at
  // once.
  void note_full(RecvStream& stream) noexcept;
  void note_starved() noexcept {
    ++starved_count_;
    ++counters_.starved;
  }
  void note_fed() noexcept { --starved_count_; }
  // Receives that wait for a buffer at present.
  [[nodiscard]] std::size_t starved_count() const noexcept { return starved_count_; }

  // Event streams on their way through, while one of these lives for each.
  class StreamMark {
   public:
    explicit StreamMark(Reactor& reactor) noexcept : reactor_(&reactor) { ++reactor.streams_; }
    ~StreamMark() { --reactor_->streams_; }
    StreamMark(const StreamMark&) = delete;
    StreamMark& operator=(const StreamMark&) = delete;

   private:
    Reactor* reactor_;
  };
  [[nodiscard]] std::size_t streams() const noexcept { return streams_; }

  struct Counters {
    std::uint64_t turns = 0;
    std::uint64_t starved = 0;       // receives that found no buffer
    std::uint64_t copied_bytes = 0;  // bytes copied out of the ring for want of buffers
  };
  [[nodiscard]] Counters& counters() noexcept { return counters_; }

 private:
  // Frees ring buffers by copying unread slices out, and arms starved receives again: all of them
  // once a quarter of the ring is free, before that one for each free buffer, in turns. Arming more
  // than can succeed would fail again and again; arming none would stand still for as long as slow
  // readers hold the rest.
  void feed_starved() noexcept;
  void copy_out_attended() noexcept;
  // Frees ring buffers likewise after kLowTurnsMax turns with more than half of them in use: while
  // they are, each turn costs a system call more (UringKernel::collect), and a few unread bytes
  // keep a whole buffer.
  void relieve_low() noexcept;
  void pause_full() noexcept;

  // A turn's share of the ready list, each with all that goes on because of it: half a millisecond
  // of usual work, then timers and completions are looked at.
  static constexpr std::size_t kReadyMax = 256;
  // Rare enough that a busy shard copies little for it: what the readers of one turn have left.
  static constexpr std::uint32_t kLowTurnsMax = 64;

  Kernel* kernel_;
  Clock* clock_;
  Instant now_;
  Instant unix_ms_at_ = kNever;
  std::int64_t unix_ms_ = 0;
  TimerWheel timers_;
  BlockPool blocks_;
  IntrusiveList<RecvStream> attended_;  // the full ones first
  bool some_full_ = false;
  std::uint32_t low_turns_ = 0;
  std::size_t starved_count_ = 0;
  std::size_t streams_ = 0;
  Counters counters_;
};

}  // namespace sluice
