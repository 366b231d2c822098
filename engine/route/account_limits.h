#pragma once

#include <cstdint>

#include "base/clock.h"
#include "engine/route/take.h"

namespace sluice {

// AccountLimits - what an account allows: `limit` + `emergency` requests in each `window`, guard
// included, of which the last `emergency` are kept for emergencies. Of the others 0 is no limit.
struct AccountLimits {
  BucketShape shape = BucketShape::kRolling;
  std::uint32_t limit = 40;
  Duration window = 60s;
  std::uint32_t emergency = 0;
  std::uint32_t tokens = 0;      // in each `window`
  std::uint32_t per_day = 0;     // requests in each `day`
  std::uint32_t concurrent = 0;  // requests at once
  Duration day = 24h;            // guard included
  bool learn = false;            // from what the provider says of its limits

  friend bool operator==(const AccountLimits&, const AccountLimits&) = default;
};

}  // namespace sluice
