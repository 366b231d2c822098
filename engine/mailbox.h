#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice {

class Shard;

// Message - a function to run on the receiving shard, with one argument whose ownership goes along.
struct Message {
  void (*run)(Shard& receiver, void* argument) = nullptr;
  void* argument = nullptr;
};

// Mailbox - messages from one shard to another: a ring with one producer and one consumer, no lock.
//
// Affinity  push(): the sender's thread. pop(), empty(): the receiver's.
// Limits    kCapacity messages wait; push() refuses the next, the sender tries again later.
class Mailbox {
 public:
  static constexpr std::size_t kCapacity =
      256;  // reloads and hand-overs, not requests: a burst, with room

  [[nodiscard]] bool push(const Message& message) noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == kCapacity) return false;
    slots_[tail % kCapacity] = message;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  [[nodiscard]] bool pop(Message& message) noexcept {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    message = slots_[head % kCapacity];
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  [[nodiscard]] bool empty() const noexcept {
    return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_acquire);
  }

 private:
  static constexpr std::size_t kCacheLine = 64;
  alignas(kCacheLine) std::atomic<std::uint32_t> head_{0};
  alignas(kCacheLine) std::atomic<std::uint32_t> tail_{0};
  alignas(kCacheLine) std::array<Message, kCapacity> slots_{};
};

}  // namespace sluice
