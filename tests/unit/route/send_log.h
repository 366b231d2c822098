#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace sluice::test {

// SendLog - when requests left, and nothing of how a bucket works.
class SendLog {
 public:
  void add(Instant at) { sends_.push_back(at); }
  void add(const SendLog& other) {
    sends_.insert(sends_.end(), other.sends_.begin(), other.sends_.end());
  }

  // The most sends that any half-open span of `window` holds.
  [[nodiscard]] std::size_t most_in_any(Duration window) const {
    std::vector<Instant> sorted = sends_;
    std::ranges::sort(sorted);
    std::size_t most = 0;
    std::size_t first = 0;
    for (std::size_t last = 0; last < sorted.size(); ++last) {
      while (sorted[last] - sorted[first] >= window) ++first;
      most = std::max(most, last - first + 1);
    }
    return most;
  }

  // Sends in (now - window, now].
  [[nodiscard]] std::size_t in_last(Duration window, Instant now) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(sends_, [&](Instant at) { return now - at < window && at <= now; }));
  }

  // The oldest send in (now - window, now]; kNever when there is none.
  [[nodiscard]] Instant oldest_in_last(Duration window, Instant now) const {
    Instant oldest = kNever;
    for (const Instant at : sends_) {
      if (now - at < window && at <= now) oldest = std::min(oldest, at);
    }
    return oldest;
  }

  [[nodiscard]] std::size_t size() const { return sends_.size(); }

 private:
  std::vector<Instant> sends_;
};

}  // namespace sluice::test
