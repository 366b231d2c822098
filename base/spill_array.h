#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "base/arena.h"
#include "base/unwritten_array.h"

namespace sluice {

// SpillArray - at most kMost values, for those that are mostly few: kInPlace of them lie in it;
// with one more all lie in an arena, with room for kMost.
//
// Lifetime  within the arena's, the same one for each add(). Does not move.
template <class T, std::size_t kInPlace, std::size_t kMost>
class SpillArray {
  static_assert(kInPlace > 0 && kInPlace < kMost);

 public:
  SpillArray() noexcept = default;
  SpillArray(const SpillArray&) = delete;
  SpillArray& operator=(const SpillArray&) = delete;

  // False, and nothing happens, when there are kMost.
  [[nodiscard]] bool add(const T& value, Arena& arena) {
    if (size_ == kMost) return false;
    if (size_ == kInPlace) spill(arena);
    std::construct_at(values_ + size_++, value);
    return true;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<const T> values() const noexcept { return {values_, size_}; }

 private:
  void spill(Arena& arena) {
    auto* const all = static_cast<T*>(arena.allocate(kMost * sizeof(T), alignof(T)));
    std::memcpy(all, values_, kInPlace * sizeof(T));
    values_ = all;
  }

  UnwrittenArray<T, kInPlace> in_place_;
  T* values_ = in_place_.data();
  std::uint32_t size_ = 0;
};

}  // namespace sluice
