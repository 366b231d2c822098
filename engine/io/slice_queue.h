#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>

#include "base/block_pool.h"
#include "engine/io/slice.h"

namespace sluice {

// SliceQueue - received bytes in order, waiting to be read.
//
// Owns      its slices, and while it holds more than kInline of them one block of the pool.
// Affinity  the pool's thread.
// Cost      neighbouring slices merge, so that a queue rarely holds more than one per ring buffer.
class SliceQueue {
 public:
  explicit SliceQueue(BlockPool& pool) noexcept : pool_(&pool) {}
  ~SliceQueue() { clear(); }
  SliceQueue(const SliceQueue&) = delete;
  SliceQueue& operator=(const SliceQueue&) = delete;

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  // Copies the first bytes to `out`, as many as fit or lie here, over all slices; how many.
  [[nodiscard]] std::size_t copy_front(std::span<char> out) const noexcept {
    std::size_t copied = 0;
    for (std::uint32_t i = first_; i < first_ + count_ && copied < out.size(); ++i) {
      const std::size_t bytes = std::min<std::size_t>(items_[i].size(), out.size() - copied);
      std::memcpy(out.data() + copied, items_[i].data(), bytes);
      copied += bytes;
    }
    return copied;
  }

  void push(Slice slice) {
    bytes_ += slice.size();
    if (count_ > 0 && items_[first_ + count_ - 1].absorb(slice)) return;
    if (first_ + count_ == capacity_) make_room();
    new (&items_[first_ + count_]) Slice(std::move(slice));
    ++count_;
  }

  [[nodiscard]] Slice pop() noexcept {
    SL_ASSERT(count_ > 0);
    Slice slice = std::move(items_[first_]);
    items_[first_].~Slice();
    ++first_;
    --count_;
    bytes_ -= slice.size();
    if (count_ == 0) give_block();
    return slice;
  }

  // Puts back what a reader did not use.
  void push_front(Slice slice) {
    if (count_ == 0) return push(std::move(slice));
    bytes_ += slice.size();
    if (first_ == 0) make_room_in_front();
    --first_;
    new (&items_[first_]) Slice(std::move(slice));
    ++count_;
  }

  void clear() noexcept {
    while (count_ > 0) static_cast<void>(pop());
  }

 private:
  // An idle connection pays for these: what is usual, and no more.
  static constexpr std::uint32_t kInline = 1;

  void give_block() noexcept {
    first_ = 0;
    if (items_ == inline_items()) return;
    pool_->give(items_, capacity_ * sizeof(Slice));
    items_ = inline_items();
    capacity_ = kInline;
  }
  void make_room() { move_to(first_ > 0 && count_ < capacity_ ? capacity_ : capacity_ * 2, 0); }
  void make_room_in_front() { move_to(count_ + 1 > capacity_ ? capacity_ * 2 : capacity_, 1); }

  void move_to(std::uint32_t capacity, std::uint32_t first) {
    if (first + count_ > capacity) capacity *= 2;
    Slice* const target = static_cast<Slice*>(pool_->take(capacity * sizeof(Slice)));
    for (std::uint32_t i = 0; i < count_; ++i) {
      new (&target[first + i]) Slice(std::move(items_[first_ + i]));
      items_[first_ + i].~Slice();
    }
    if (items_ != inline_items()) pool_->give(items_, capacity_ * sizeof(Slice));
    items_ = target;
    capacity_ = capacity;
    first_ = first;
  }
  [[nodiscard]] Slice* inline_items() noexcept { return reinterpret_cast<Slice*>(inline_); }

  BlockPool* pool_;
  Slice* items_ = inline_items();
  std::uint32_t capacity_ = kInline;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t bytes_ = 0;  // RecvStream stops at 64 KiB and what is under way
  alignas(Slice) unsigned char inline_[kInline * sizeof(Slice)];
};

}  // namespace sluice
