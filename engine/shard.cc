#include "engine/shard.h"

#include <immintrin.h>

#include <algorithm>

namespace sluice {
namespace {

constexpr std::uint32_t kSpinPays = 77;  // of 256: 30 % of the waits are shorter than the spin
// With so many completions in a period one comes every ten microseconds: a sleep's cost is shared
// by all that have come when it ends, and nobody waits long for that. One client that asks again
// and again makes some 25 (bench/compare, g: four for each of 6,400 requests a second).
constexpr Duration kRatePeriod = 1ms;
constexpr std::size_t kRateUnit = 256;  // of mean_rate_
constexpr std::size_t kCrowd = 90;
// Where many streams have so many completions in a period (two for each event), they come close
// enough together that waiting for each other costs a quarter less (Kernel::set_gathering). By
// measurement with 64 and 256 streams, 6 events in a period gain nothing by it, 13 do. Fewer go on
// at once.
constexpr std::size_t kStreamsGathered = 32;
constexpr std::size_t kRateGathered = 20;

}  // namespace

void Shard::run() {
  while (!stopping_) {
    read_mail();
    wait_for_work();
  }
  static_cast<void>(kernel().collect(
      now(), now()));  // what the last turn asked for goes out: whom it posts to, wakes
  shared_->may_sleep.store(0, std::memory_order_relaxed);
}

void Shard::wait_for_work() {
  const Instant began = now();
  kernel().set_gathering(streams() >= kStreamsGathered && mean_rate_ >= kRateGathered * kRateUnit);
  // Nothing is left but to wait. What was asked for and not handed over would wait for the spin's
  // end, and what is handed over is often done at once.
  const bool idle = !has_ready() && !kernel().has_unsubmitted();
  if (idle && spin_pays() && spin()) {
    note_completions(turn(began));
  } else {
    // Exchange here and fetch_add in post() stand in one order: who posts after us sees the flag
    // and wakes us, and what was posted before is seen by has_mail().
    static_cast<void>(shared_->may_sleep.exchange(1, std::memory_order_acq_rel));
    note_completions(turn(has_mail() || stopping_ ? now() : kNever));
    shared_->may_sleep.store(0, std::memory_order_relaxed);
  }
  if (idle) note_wait(now() - began);
}

bool Shard::spin_pays() const noexcept {
  return short_waits_ >= kSpinPays && !crowded_ && spin_max_ > Duration::zero();
}

void Shard::note_wait(Duration took) noexcept {
  const std::uint32_t hit = took <= spin_max_ ? 256 : 0;
  short_waits_ = (short_waits_ * 15 + hit) / 16;
}

void Shard::note_completions(std::size_t count) noexcept {
  completions_ += count;
  const Duration passed = now() - rate_began_;
  if (passed < kRatePeriod) return;
  crowded_ = completions_ >= kCrowd * static_cast<std::size_t>(passed / kRatePeriod);
  const auto rate = completions_ * kRateUnit * static_cast<std::size_t>(kRatePeriod / 1ns) /
                    static_cast<std::size_t>(passed / 1ns);
  mean_rate_ = (mean_rate_ * 15 + rate) / 16;
  completions_ = 0;
  rate_began_ = now();
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
