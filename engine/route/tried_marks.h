#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/route/directory.h"

namespace sluice {

// TriedMarks - which accounts of a route a request has tried, by their position in it.
//
// Cost      a word to make or copy, until the first mark beyond the 64th position: each request
//           makes several of these, and few routes have so many accounts.
class TriedMarks {
 public:
  TriedMarks() noexcept {}
  TriedMarks(const TriedMarks& other) noexcept { *this = other; }
  TriedMarks& operator=(const TriedMarks& other) noexcept {
    first_ = other.first_;
    has_rest_ = other.has_rest_;
    if (has_rest_) rest_ = other.rest_;
    return *this;
  }

  [[nodiscard]] bool has(std::uint32_t position) const noexcept {
    if (position < kBits) return (first_ >> position & 1) != 0;
    return has_rest_ && (rest_[position / kBits - 1] >> (position % kBits) & 1) != 0;
  }
  void set(std::uint32_t position) noexcept {
    if (position < kBits) {
      first_ |= bit(position);
      return;
    }
    if (!has_rest_) rest_.fill(0);
    has_rest_ = true;
    rest_[position / kBits - 1] |= bit(position);
  }
  void clear(std::uint32_t position) noexcept {
    if (position < kBits) first_ &= ~bit(position);
    else if (has_rest_) rest_[position / kBits - 1] &= ~bit(position);
  }
  // Clears every mark that `others` has.
  void clear_all_of(const TriedMarks& others) noexcept {
    first_ &= ~others.first_;
    if (!has_rest_ || !others.has_rest_) return;
    for (std::size_t i = 0; i < rest_.size(); ++i) rest_[i] &= ~others.rest_[i];
  }
  [[nodiscard]] bool any() const noexcept {
    return first_ != 0 ||
           (has_rest_ && std::ranges::any_of(rest_, [](std::uint64_t word) { return word != 0; }));
  }

 private:
  static constexpr std::uint32_t kBits = 64;

  static std::uint64_t bit(std::uint32_t position) noexcept {
    return std::uint64_t{1} << (position % kBits);
  }

  std::uint64_t first_ = 0;
  bool has_rest_ = false;
  std::array<std::uint64_t, kDirectoryAccountsMax / kBits - 1> rest_;  // set when has_rest_ is
};

}  // namespace sluice
