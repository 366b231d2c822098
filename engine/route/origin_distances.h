#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "engine/route/directory.h"

namespace sluice {

class OriginOrder;

// OriginDistances - how far each candidate of a pool is from one origin, by its number in the pool.
// What stands there is less than that until it is the lowest: then it is reckoned, and stays the
// lowest, or another is.
//
// Owns      4 KiB on the stack, of which as much is written as there are candidates.
// Lifetime  within that of the order.
class OriginDistances {
 public:
  static constexpr std::uint32_t kLanes = 16;  // of two vectors, read at once
  static_assert(kDirectoryAccountsMax % kLanes == 0);
  [[nodiscard]] static constexpr std::uint32_t in_whole_vectors(std::uint32_t count) noexcept {
    return (count + kLanes - 1) / kLanes * kLanes;
  }

  OriginDistances(const OriginOrder& order, std::uint64_t origin) noexcept;

  // The nearest that is left, of equally near ones the first; size() when there is none.
  [[nodiscard]] std::uint32_t nearest() noexcept;
  void leave_out(std::uint32_t number) noexcept { distances_[number] = kNone; }
  [[nodiscard]] bool is_left(std::uint32_t number) const noexcept {
    return distances_[number] != kNone;
  }
  [[nodiscard]] float of(std::uint32_t number) const noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept;

 private:
  static constexpr float kNone = std::numeric_limits<float>::infinity();

  const OriginOrder& order_;
  const std::uint32_t seed_;
  std::array<float, kDirectoryAccountsMax> distances_;  // kNone behind the last
};

// The number of the first of the lowest of at least one; `distances` are whole vectors.
[[nodiscard]] std::uint32_t first_of_lowest(const float* distances, std::uint32_t count) noexcept;
[[nodiscard]] std::uint32_t first_of_lowest_plain(const float* distances,
                                                  std::uint32_t count) noexcept;

}  // namespace sluice
