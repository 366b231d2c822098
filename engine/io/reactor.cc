#include "engine/io/reactor.h"

#include <algorithm>

#include "engine/io/recv_stream.h"

namespace sluice {

void Reactor::turn(Instant until) {
  ++counters_.turns;
  const Instant wake_at = std::min(until, timers_.next_expiry());
  kernel_->collect(now_, has_ready() ? now_ : wake_at);
  now_ = clock_->now();
  timers_.advance(now_);
  if (starved_count_ > 0) feed_starved();
  run_ready(kReadyMax);
}

void Reactor::attend(RecvStream& stream) noexcept {
  if (!static_cast<ListNode&>(stream).linked()) attended_.push_back(stream);
}

void Reactor::feed_starved() noexcept {
  const std::size_t enough = (kernel_->buffers_total() + 3) / 4;
  if (kernel_->buffers_free() < enough) {
    for (RecvStream* stream = attended_.front(); stream != nullptr;
         stream = attended_.after(*stream)) {
      stream->copy_out();
    }
  }
  if (kernel_->buffers_free() < enough)
    return;  // sends hold them: they are done, or copied, within milliseconds
  for (RecvStream* stream = attended_.front(); stream != nullptr;) {
    RecvStream* const next = attended_.after(*stream);
    if (stream->starved_) {
      stream->set_starved(false);
      if (stream->queue_.empty()) stream->leave_attention();
      if (!stream->in_flight() && stream->queue_.bytes() < RecvStream::kPauseBytes) stream->arm();
    }
    stream = next;
  }
}

}  // namespace sluice
