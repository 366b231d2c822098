#include "engine/io/reactor.h"

#include <algorithm>

#include "engine/io/recv_stream.h"

namespace sluice {

std::size_t Reactor::turn(Instant until) {
  ++counters_.turns;
  const Instant wake_at = std::min(until, timers_.next_expiry());
  const std::size_t completions = kernel_->collect(now_, has_ready() ? now_ : wake_at);
  now_ = clock_->now();
  timers_.advance(now_);
  run_ready(kReadyMax);
  if (some_full_) pause_full();
  // Behind the coroutines: the buffers that they have let go of are free now, and nothing else may
  // wake us for them.
  if (starved_count_ > 0) feed_starved();
  else relieve_low();
  return completions;
}

void Reactor::attend(RecvStream& stream) noexcept {
  if (!static_cast<ListNode&>(stream).linked()) attended_.push_back(stream);
}

void Reactor::note_full(RecvStream& stream) noexcept {
  static_cast<ListNode&>(stream).unlink();
  attended_.push_front(stream);
  stream.full_ = true;
  some_full_ = true;
}

void Reactor::pause_full() noexcept {
  some_full_ = false;
  for (RecvStream* stream = attended_.front(); stream != nullptr && stream->full_;
       stream = attended_.after(*stream)) {
    stream->full_ = false;
    stream->pause_if_full();
  }
}

void Reactor::copy_out_attended() noexcept {
  for (RecvStream* stream = attended_.front(); stream != nullptr;) {
    RecvStream* const next = attended_.after(*stream);
    stream->copy_out();
    stream = next;
  }
}

void Reactor::relieve_low() noexcept {
  if (kernel_->buffers_free() * 2 >= kernel_->buffers_total()) low_turns_ = 0;
  else if (++low_turns_ % kLowTurnsMax == 0) copy_out_attended();
}

void Reactor::feed_starved() noexcept {
  const std::size_t enough = (kernel_->buffers_total() + 3) / 4;
  if (kernel_->buffers_free() < enough) copy_out_attended();
  const std::size_t free = kernel_->buffers_free();
  std::size_t share = free >= enough ? starved_count_ : std::min(free, starved_count_);
  for (RecvStream* stream = attended_.front(); stream != nullptr && share > 0;) {
    RecvStream* const next = attended_.after(*stream);
    if (stream->starved_) {
      stream->feed();
      --share;
    }
    stream = next;
  }
}

}  // namespace sluice
