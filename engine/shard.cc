#include "engine/shard.h"

#include <immintrin.h>

#include <algorithm>

namespace sluice {
namespace {

constexpr std::uint32_t kSpinPays = 77;  // of 256: 30 % of the waits are shorter than the spin

}  // namespace

void Shard::run() {
  while (!stopping_) {
    read_mail();
    wait_for_work();
  }
  kernel().collect(now(), now());  // what the last turn asked for goes out: whom it posts to, wakes
  shared_->may_sleep.store(0, std::memory_order_relaxed);
}

void Shard::wait_for_work() {
  const Instant began = now();
  if (short_waits_ >= kSpinPays && spin_max_ > Duration::zero() && !has_ready() && spin()) {
    turn(began);
  } else {
    // Exchange here and fetch_add in post() stand in one order: who posts after us sees the flag
    // and wakes us, and what was posted before is seen by has_mail().
    static_cast<void>(shared_->may_sleep.exchange(1, std::memory_order_acq_rel));
    turn(has_mail() || stopping_ ? now() : kNever);
    shared_->may_sleep.store(0, std::memory_order_relaxed);
  }
  const std::uint32_t hit = now() - began <= spin_max_ ? 256 : 0;
  short_waits_ = (short_waits_ * 15 + hit) / 16;
}

// Looks for completions and mail for at most spin_max_, without a system call. True when there is
// something.
bool Shard::spin() {
  constexpr int kPausesPerClockReading = 16;  // about half a microsecond
  const Instant limit = std::min(now() + spin_max_, next_expiry());
  while (true) {
    for (int i = 0; i < kPausesPerClockReading; ++i) {
      if (kernel().has_completions() || has_mail()) return true;
      _mm_pause();
    }
    if (clock().now() >= limit) return false;
  }
}

void Shard::post(Shard& receiver, Letter& letter) noexcept {
  receiver.shared_->inbox.push(letter);
  // Pairs with the exchange in wait_for_work(): either we see the flag, or the receiver sees the
  // letter.
  if (receiver.shared_->may_sleep.fetch_add(0, std::memory_order_acq_rel) != 0 &&
      &receiver != this) {
    kernel().wake(receiver.kernel());
  }
}

void Shard::read_mail() {
  for (Letter* letter = shared_->inbox.take_all(); letter != nullptr;) {
    Letter* const next = letter->next;  // who reads it may post it back at once
    letter->read(*this, *letter);
    letter = next;
  }
}

}  // namespace sluice
