#pragma once

#include <array>
#include <cstdint>

#include "engine/route/directory.h"

namespace sluice {

// TriedMarks - which accounts of a route a request has tried, by their position in it.
class TriedMarks {
 public:
  [[nodiscard]] bool has(std::uint32_t position) const noexcept {
    return (words_[position / 64] >> (position % 64) & 1) != 0;
  }
  void set(std::uint32_t position) noexcept { words_[position / 64] |= bit(position); }
  void clear(std::uint32_t position) noexcept { words_[position / 64] &= ~bit(position); }
  // Clears every mark that `others` has.
  void clear_all_of(const TriedMarks& others) noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= ~others.words_[i];
  }
  [[nodiscard]] bool any() const noexcept {
    for (const std::uint64_t word : words_) {
      if (word != 0) return true;
    }
    return false;
  }

 private:
  static std::uint64_t bit(std::uint32_t position) noexcept {
    return std::uint64_t{1} << (position % 64);
  }
  std::array<std::uint64_t, kDirectoryAccountsMax / 64> words_{};
};

}  // namespace sluice
