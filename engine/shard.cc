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
  sleep_->may_sleep.store(0, std::memory_order_relaxed);
}

void Shard::wait_for_work() {
  const Instant began = now();
  if (short_waits_ >= kSpinPays && spin_max_ > Duration::zero() && !has_ready() && spin()) {
    turn(began);
  } else {
    // Exchange here and fetch_add in post() stand in one order: who posts after us sees the flag
    // and wakes us, and what was posted before is seen by has_mail().
    static_cast<void>(sleep_->may_sleep.exchange(1, std::memory_order_acq_rel));
    turn(has_mail() || stopping_ ? now() : kNever);
    sleep_->may_sleep.store(0, std::memory_order_relaxed);
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

void Shard::connect(const std::vector<Shard*>& fleet) {
  for (Shard* const receiver : fleet) {
    SL_ASSERT(receiver->index_ < fleet.size() && fleet[receiver->index_] == receiver);
    receiver->inboxes_.clear();
    for (std::size_t sender = 0; sender < fleet.size(); ++sender) {
      receiver->inboxes_.push_back(std::make_unique<Mailbox>());
    }
  }
}

bool Shard::post(Shard& receiver, const Message& message) {
  if (!receiver.inboxes_[index_]->push(message)) return false;
  // Pairs with the exchange in wait_for_work(): either we see the flag, or the receiver sees the
  // message.
  if (receiver.sleep_->may_sleep.fetch_add(0, std::memory_order_acq_rel) != 0) {
    kernel().wake(receiver.kernel());
  }
  return true;
}

bool Shard::has_mail() const noexcept {
  for (const auto& inbox : inboxes_) {
    if (!inbox->empty()) return true;
  }
  return false;
}

void Shard::read_mail() {
  for (const auto& inbox : inboxes_) {
    Message message;
    while (inbox->pop(message)) message.run(*this, message.argument);
  }
}

}  // namespace sluice
