#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/mock/script.h"

namespace sluice {

// LimitState - how a key stands against its limit, for the x-ratelimit fields.
struct LimitState {
  const KeyLimit* limit = nullptr;
  bool refused = false;
  std::uint64_t remaining = 0;
  std::int64_t reset_us = 0;  // from now until the next request fits (refused), or all do
};

// KeyLimits - counts requests per key as a provider does: either so that no window of that length
// holds more than N, or per window of the clock.
//
// Affinity  guarded by its owner.
class KeyLimits {
 public:
  explicit KeyLimits(std::vector<KeyLimit> limits) : limits_(std::move(limits)) {}

  // Counts one request of `key` that arrived at `unix_us`. Nothing when the key has no limit.
  std::optional<LimitState> count(std::string_view key, std::int64_t unix_us);

 private:
  [[nodiscard]] const KeyLimit* limit_of(std::string_view key) const;

  std::vector<KeyLimit> limits_;
  std::map<std::string, std::deque<std::int64_t>, std::less<>> arrivals_;  // those that count
};

}  // namespace sluice
