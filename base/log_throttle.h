#pragma once

#include <cstdint>
#include <utility>

#include "base/clock.h"

namespace sluice {

// LogThrottle - lets one line through in kEvery and counts the events between: for what peers can
// cause thousands of times a second.
//
// Affinity  one thread.
class LogThrottle {
 public:
  static constexpr Duration kEvery = 1s;

  // One more event. How many the line that is due stands for, this one included; 0: none is due.
  [[nodiscard]] std::int64_t count(Instant now) noexcept {
    ++events_;
    if (now < next_) return 0;
    next_ = now + kEvery;
    return std::exchange(events_, 0);
  }

 private:
  Instant next_ = Instant::min();
  std::int64_t events_ = 0;
};

}  // namespace sluice
