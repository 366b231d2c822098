#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/simulate/simulation.h"
#include "tests/sim/policy/checks.h"

namespace sluice::test {

// StormAccount - what a storm's directories say of an account.
struct StormAccount {
  std::string name;
  std::uint32_t limit = 5;
  std::uint32_t tokens = 0;      // per window
  std::uint32_t per_day = 0;     // requests
  std::uint32_t concurrent = 0;  // requests
  Duration window = 10s;
  Pool pool = Pool::kPrimary;
  BucketShape bucket = BucketShape::kRolling;
  bool enabled = true;
  bool emergency = false;
  std::uint32_t weight = 1;
  std::vector<std::string> models;  // empty: every one
  std::string key = "sk-test-1";
  Duration first_byte = 10s;
};

// What a request may wait beyond its limit in a storm: three letters, a lagging clock, a timer.
inline constexpr Duration kWaitSlack = 100ms;

// The directory of `accounts`, as the successor of `previous`.
std::shared_ptr<const Directory> storm_directory(const std::vector<StormAccount>& accounts,
                                                 const RoutingPolicy& routing,
                                                 const Directory* previous, Instant now);

// A few virtual minutes in which much goes wrong: accounts, limits, traffic, troubles, reloads and
// delays are drawn from the seed.
SimulationPlan draw_storm(std::uint64_t seed);

struct StormResult {
  std::vector<Violation> found;
  Tally tally;
};
// Runs `plan` under `rules` with all checks. `trace`: prints what happens.
StormResult run_storm(SimulationPlan plan, Rules& rules, bool trace = false);

}  // namespace sluice::test
