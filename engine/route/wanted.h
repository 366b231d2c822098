#pragma once

#include <atomic>
#include <cstdint>

#include "engine/route/priority.h"

namespace sluice {

// Wanted - by how many lines of waiters an account is wanted, for each priority. Who has just
// arrived takes nothing from an account that somebody before it waits for.
//
// Who gives room back and then finds nobody here, and who comes here and then finds no room, cannot
// both be: that is why the order is sequential, where acquire and release would do for all else.
//
// Affinity  add(), remove(): the thread of the wait queue. Others only look: one load.
// Size      8 bytes: four counts of 16 bits. Lines are at most two for each route.
class Wanted {
 public:
  void add(Priority priority) noexcept { change(priority, 1); }
  void remove(Priority priority) noexcept { change(priority, -1); }

  // Whether somebody of `priority` or a higher one waits.
  [[nodiscard]] bool by(Priority priority) const noexcept {
    const std::uint64_t lanes = ~std::uint64_t{0} >> (kLaneBits * (3 - rank_of(priority)));
    return (lanes_.load(std::memory_order_seq_cst) & lanes) != 0;
  }
  // For display: other than 0 when somebody waits.
  [[nodiscard]] std::uint64_t marked() const noexcept {
    return lanes_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool by_anybody() const noexcept { return by(Priority::kLow); }

 private:
  static constexpr unsigned kLaneBits = 16;

  void change(Priority priority, std::int64_t by) noexcept {
    const auto lane = static_cast<std::uint64_t>(by) << (kLaneBits * rank_of(priority));
    lanes_.store(lanes_.load(std::memory_order_relaxed) + lane, std::memory_order_seq_cst);
  }

  std::atomic<std::uint64_t> lanes_{0};
};

}  // namespace sluice
