#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sluice {

// LatestStamps - of many stamps that come in any order the latest `most`.
//
// Owns      at most twice that many.
class LatestStamps {
 public:
  struct Stamp {
    Instant at;
    bool emergency = false;
    friend auto operator<=>(const Stamp&, const Stamp&) = default;
  };

  explicit LatestStamps(std::size_t most) : most_(most) {}

  void add(const Stamp& stamp) {
    if (most_ == 0) return;
    stamps_.push_back(stamp);
    if (stamps_.size() == 2 * most_) drop();
  }

  // There were more than those that take() gives.
  [[nodiscard]] bool dropped() const noexcept { return dropped_ || stamps_.size() > most_; }
  // In the order of time; none are left behind.
  [[nodiscard]] std::vector<Stamp> take() {
    if (stamps_.size() > most_) drop();
    std::ranges::sort(stamps_);
    return std::exchange(stamps_, {});
  }

 private:
  // All but the latest.
  void drop() {
    const auto end = stamps_.begin() + static_cast<std::ptrdiff_t>(most_);
    std::ranges::nth_element(stamps_, end, std::ranges::greater());
    stamps_.resize(most_);
    dropped_ = true;
  }

  std::size_t most_;
  std::vector<Stamp> stamps_;
  bool dropped_ = false;
};

}  // namespace sluice
