#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace sluice {

enum class BucketShape : std::uint8_t { kRolling, kSteady };

// Take - a bucket's answer to "may I?". The granted one is handed back to the same bucket exactly
// once, as sent or as refunded.
struct Take {
  bool granted = false;
  bool emergency = false;  // one of those that are kept for emergencies
  BucketShape shape = BucketShape::kRolling;
  Instant at{};     // granted: when it was; refused: when to ask again
  Duration cost{};  // what a steady bucket charged for it
};

// StdAtomics - the atomics of production. The tests put in their own, which stop between any two
// operations.
struct StdAtomics {
  template <class T>
  using Atomic = std::atomic<T>;
};

}  // namespace sluice
