#pragma once

#include <cstdio>
#include <string>

#include "engine/simulate/simulation.h"

namespace sluice::test {

inline std::string seconds_text(Duration span) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.6fs", static_cast<double>(span.count()) * 1e-9);
  return text;
}

// Since the storm began.
inline std::string time_text(Instant at) {
  return at == kNever ? "never" : "+" + seconds_text(at - SimulationPlan::kStart);
}

}  // namespace sluice::test
