#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "engine/cli/traffic_spec.h"
#include "engine/simulate/tally.h"

namespace sluice {

struct Config;

struct SimulateOptions {
  std::string traffic = "rate=60rpm";
  std::string duration = "24h";
  std::uint64_t seed = 1;
  bool json = false;
};

// Tries the configuration on virtual traffic and prints what came of it.
[[nodiscard]] int run_simulate(const Config& config, const SimulateOptions& options);

// SimulateResult - the configuration, and the same traffic over plain round robin.
struct SimulateResult {
  SimulateOptions options;
  Duration duration{};
  Tally ours;
  Tally plain;
  std::vector<double> room = {};  // by place in Tally::accounts: what its limit allows meanwhile
  // Keys of the configuration that would change the result and that the simulation does not know.
  std::vector<std::string> not_simulated = {};
};

[[nodiscard]] std::string simulate_text(const SimulateResult& result);
[[nodiscard]] std::string simulate_json(const SimulateResult& result);

}  // namespace sluice
