#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/route/directory.h"

namespace sluice {

// Offers - candidates, or groups of them, from the lowest score on, as far as anybody asks.
//
// Owns      16 KiB on the stack, of which it writes what it is given.
// Cost      linear to begin, logarithmic for each that is asked for: who finds a thousand accounts
//           without tokens one after the other must not look through all of them for each.
class Offers {
 public:
  Offers() noexcept {}

  // At most kDirectoryAccountsMax, before the first is asked for.
  void add(double score, std::uint32_t number) noexcept { offers_[count_++] = {score, number}; }

  // The number with the lowest score that is left, of equals the lowest one.
  [[nodiscard]] std::optional<std::uint32_t> next() noexcept {
    if (count_ == 0) return std::nullopt;
    if (!heap_) std::make_heap(offers_.data(), end(), behind);
    heap_ = true;
    std::pop_heap(offers_.data(), end(), behind);
    return offers_[--count_].number;
  }

 private:
  struct Offer {
    double score;
    std::uint32_t number;
  };
  static bool behind(const Offer& one, const Offer& other) noexcept {
    return one.score != other.score ? one.score > other.score : one.number > other.number;
  }
  Offer* end() noexcept { return offers_.data() + count_; }

  std::array<Offer, kDirectoryAccountsMax> offers_;
  std::size_t count_ = 0;
  bool heap_ = false;
};

}  // namespace sluice
