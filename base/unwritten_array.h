#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace sluice {

// UnwrittenArray - room for N values, of which none is written before put() or make() does so: for
// those that mostly stay unused.
//
// Lifetime  a place may be read once it has been put. Copies copy all of the room.
template <class T, std::size_t N>
class UnwrittenArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  UnwrittenArray() noexcept {}

  T& put(std::size_t place, const T& value) noexcept {
    return *std::construct_at(values_ + place, value);
  }
  T& make(std::size_t place) noexcept { return *std::construct_at(values_ + place); }

  [[nodiscard]] const T& operator[](std::size_t place) const noexcept { return values_[place]; }
  [[nodiscard]] T* data() noexcept { return values_; }
  [[nodiscard]] const T* data() const noexcept { return values_; }

 private:
  union {
    T values_[N];
  };
};

}  // namespace sluice
