#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/step_histogram.h"
#include "engine/route/balancer.h"
#include "engine/simulate/request.h"

namespace sluice {

// To 3 %, in 10 KiB.
using WaitHistogram = StepHistogram<5>;

// Tally - what came of a simulation's requests.
struct Tally {
  struct OfPriority {
    std::uint64_t offered = 0;
    std::uint64_t served = 0;
    WaitHistogram waits;  // in the queue, of those that were served
  };
  struct OfAccount {
    std::string name;
    std::uint64_t sent = 0;          // requests that reached the provider
    std::uint64_t served = 0;        // with success
    std::uint64_t rate_limited = 0;  // 429
    std::uint64_t failed = 0;
    std::uint64_t cost = 0;  // of what was served: 10^-12 dollars
  };

  std::uint64_t offered = 0;
  std::uint64_t attempts = 0;
  std::array<std::uint64_t, kSimEndings> endings{};
  std::uint64_t fallback = 0;   // served from the fallback pool
  std::uint64_t emergency = 0;  // served through the emergency channel
  std::array<OfPriority, kPriorities> priorities;
  std::vector<OfAccount> accounts;
  LadderCounters ladder;             // of all shards together
  std::uint64_t retries_denied = 0;  // the budget was spent
  std::uint64_t depth_max = 0;
  std::uint64_t events = 0;
  Duration lasted{};  // until the last request had its answer

  [[nodiscard]] std::uint64_t count(SimEnding ending) const noexcept {
    return endings[static_cast<std::size_t>(ending)];
  }
  [[nodiscard]] double cost_dollars() const noexcept {
    double sum = 0;
    for (const OfAccount& account : accounts) sum += static_cast<double>(account.cost);
    return sum / 1e12;
  }
  [[nodiscard]] std::uint64_t rate_limited() const noexcept {
    std::uint64_t sum = 0;
    for (const OfAccount& account : accounts) sum += account.rate_limited;
    return sum;
  }
};

}  // namespace sluice
