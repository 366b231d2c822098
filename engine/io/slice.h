#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace sluice {

// SliceHome - the memory that slices lie in: a buffer of the kernel's ring, or a block of a pool.
// Counts the slices.
class SliceHome {
 public:
  void retain() noexcept { ++slices_; }
  void release() noexcept {
    SL_ASSERT(slices_ > 0);
    if (--slices_ == 0) on_unused();
  }
  [[nodiscard]] std::uint32_t slices() const noexcept { return slices_; }
  // True when the memory is scarce: it must not wait for a slow reader (INVARIANTS B1).
  [[nodiscard]] bool scarce() const noexcept { return scarce_; }

 protected:
  explicit SliceHome(bool scarce) noexcept : scarce_(scarce) {}
  ~SliceHome() = default;
  virtual void on_unused() noexcept = 0;  // the last slice is gone

 private:
  std::uint32_t slices_ = 0;
  bool scarce_;
};

// Slice - bytes that were received, where the kernel (or the TLS engine) wrote them.
//
// Owns      a share of its home; gives it back when destroyed. Move-only.
// Affinity  the shard that received it. Never crosses a mailbox (copy the bytes instead).
// Lifetime  one relay hop: recv -> parse -> send (INVARIANTS B1).
// Size      24 bytes.
class Slice {
 public:
  Slice() = default;
  Slice(SliceHome& home, char* data, std::uint32_t size) noexcept
      : home_(&home), data_(data), size_(size) {
    home_->retain();
  }
  Slice(Slice&& other) noexcept
      : home_(std::exchange(other.home_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Slice& operator=(Slice&& other) noexcept {
    if (this == &other) return *this;
    reset();
    home_ = std::exchange(other.home_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  Slice(const Slice&) = delete;
  Slice& operator=(const Slice&) = delete;
  ~Slice() { reset(); }

  void reset() noexcept {
    if (home_ != nullptr) home_->release();
    home_ = nullptr;
    data_ = nullptr;
    size_ = 0;
  }

  [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }
  [[nodiscard]] char* data() const noexcept { return data_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool scarce() const noexcept { return home_ != nullptr && home_->scarce(); }

  // A slice without bytes has no home: it holds nobody's memory.
  void drop_front(std::size_t bytes) noexcept {
    SL_ASSERT(bytes <= size_);
    data_ += bytes;
    size_ -= static_cast<std::uint32_t>(bytes);
    if (size_ == 0) reset();
  }
  // Cuts off the first `bytes` as a slice of their own.
  [[nodiscard]] Slice take_front(std::size_t bytes) noexcept {
    SL_ASSERT(bytes <= size_);
    Slice front(*home_, data_, static_cast<std::uint32_t>(bytes));
    drop_front(bytes);
    return front;
  }
  // Takes over `next` when it lies right behind this slice; false when it does not.
  bool absorb(Slice& next) noexcept {
    if (home_ != next.home_ || data_ + size_ != next.data_) return false;
    size_ += next.size_;
    next.reset();
    return true;
  }

 private:
  SliceHome* home_ = nullptr;
  char* data_ = nullptr;
  std::uint32_t size_ = 0;
};
static_assert(sizeof(Slice) == 24);

}  // namespace sluice
