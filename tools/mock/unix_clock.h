#pragma once

#include <chrono>
#include <cstdint>

namespace sluice {

// UnixClock - microseconds since 1970 that never step: the wall clock of its construction, carried
// on by the monotonic one. Tests compute windows from them.
class UnixClock {
 public:
  UnixClock()
      : offset_us_(microseconds(std::chrono::system_clock::now()) -
                   microseconds(std::chrono::steady_clock::now())) {}

  [[nodiscard]] std::int64_t now_us() const {
    return offset_us_ + microseconds(std::chrono::steady_clock::now());
  }

 private:
  template <class TimePoint>
  static std::int64_t microseconds(TimePoint at) {
    return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  }
  std::int64_t offset_us_;
};

}  // namespace sluice
