#pragma once

#include <cstdint>

#include "base/assert.h"
#include "base/clock.h"

namespace sluice {

// SimClock - virtual time: moves only when the simulated kernel waits or works.
class SimClock final : public Clock {
 public:
  Instant now() noexcept override { return now_; }
  std::int64_t unix_ms() noexcept override {
    constexpr std::int64_t kEpochMs = 1'700'000'000'000;  // an arbitrary day
    return kEpochMs + now_.time_since_epoch() / 1ms;
  }
  void advance_to(Instant instant) noexcept {
    SL_ASSERT(instant >= now_);
    now_ = instant;
  }

 private:
  Instant now_ = Instant(1s);
};

}  // namespace sluice
