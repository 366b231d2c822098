// The routing ladder under storms: SLUICE_SIM_SEEDS=n runs n of them, SLUICE_SIM_FIRST=n begins
// with the n-th, SLUICE_SIM_SEED=n replays one and prints what happens.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/sim/policy/storm.h"
#include "tests/sim/policy/text.h"

namespace sluice::test {
namespace {

#ifndef SLUICE_SIM_SEEDS_DEFAULT
#define SLUICE_SIM_SEEDS_DEFAULT 10'000
#endif

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string report(std::uint64_t seed, const std::vector<Violation>& found) {
  std::string text = "seed " + std::to_string(seed) + "\n";
  for (const Violation& violation : found) {
    text += "  " + time_text(violation.at) + " " + std::string(check_text(violation.check)) + ": " +
            violation.detail + "\n";
  }
  return text + "replay: SLUICE_SIM_SEED=" + std::to_string(seed) + "\n";
}

TEST(SimPolicy, EveryStormKeepsAllPromises) {
  Rules rules;
  const std::uint64_t one = number_from("SLUICE_SIM_SEED", 0);
  const std::uint64_t first = one != 0 ? one : number_from("SLUICE_SIM_FIRST", 1);
  const std::uint64_t count =
      one != 0 ? 1 : number_from("SLUICE_SIM_SEEDS", SLUICE_SIM_SEEDS_DEFAULT);
  constexpr int kShown = 10;
  int failed = 0;
  std::uint64_t requests = 0, served = 0, limited = 0, waited = 0;
  for (std::uint64_t seed = first; seed < first + count && failed < kShown; ++seed) {
    const StormResult result = run_storm(draw_storm(seed), rules, one != 0);
    requests += result.tally.offered;
    served += result.tally.count(SimEnding::kServed);
    limited += result.tally.rate_limited();
    waited += result.tally.depth_max > 0;
    if (result.found.empty()) continue;
    ++failed;
    ADD_FAILURE() << report(seed, result.found);
  }
  std::printf("%llu storms, %llu requests, %llu served, %llu times 429, %llu storms with a queue\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(requests),
              static_cast<unsigned long long>(served), static_cast<unsigned long long>(limited),
              static_cast<unsigned long long>(waited));
}

}  // namespace
}  // namespace sluice::test
