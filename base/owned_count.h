#pragma once

#include <atomic>
#include <cstdint>

namespace sluice {

// OwnedCount - a number that one thread changes and any thread may read at any time: a counter, or
// how many of something there are just now.
//
// A change is a plain load, an addition and a plain store: no lock prefix, which would cost five
// times as much. Whoever reads may see a value that is a moment old, and numbers that were changed
// together one after the other.
//
// Affinity  changed by its owner, read by any thread. A copy is the reader's own.
// Size      8 bytes.
class OwnedCount {
 public:
  constexpr OwnedCount(std::uint64_t value = 0) noexcept : value_(value) {}
  OwnedCount(const OwnedCount& other) noexcept : value_(other.read()) {}
  OwnedCount& operator=(const OwnedCount& other) noexcept {
    set(other.read());
    return *this;
  }

  [[nodiscard]] std::uint64_t read() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }
  operator std::uint64_t() const noexcept { return read(); }

  // By the owner.
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  OwnedCount& operator+=(std::uint64_t more) noexcept {
    set(read() + more);
    return *this;
  }
  OwnedCount& operator-=(std::uint64_t less) noexcept {
    set(read() - less);
    return *this;
  }
  OwnedCount& operator++() noexcept { return *this += 1; }
  OwnedCount& operator--() noexcept { return *this -= 1; }

 private:
  std::atomic<std::uint64_t> value_;
};
static_assert(sizeof(OwnedCount) == 8);

}  // namespace sluice
