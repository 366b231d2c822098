#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace sluice::test {

// UnitLog - what was counted when, and nothing of how a window works.
class UnitLog {
 public:
  void add(Instant at, std::uint64_t units) { entries_.push_back({at, units}); }
  void add(const UnitLog& other) {
    entries_.insert(entries_.end(), other.entries_.begin(), other.entries_.end());
  }

  // The most units that any half-open span of `window` holds.
  [[nodiscard]] std::uint64_t most_in_any(Duration window) const {
    std::vector<Entry> sorted = entries_;
    std::ranges::sort(sorted, {}, &Entry::at);
    std::uint64_t most = 0;
    std::uint64_t inside = 0;
    std::size_t first = 0;
    for (const Entry& last : sorted) {
      for (; last.at - sorted[first].at >= window; ++first) inside -= sorted[first].units;
      inside += last.units;
      most = std::max(most, inside);
    }
    return most;
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Instant at;
    std::uint64_t units;
  };
  std::vector<Entry> entries_;
};

}  // namespace sluice::test
