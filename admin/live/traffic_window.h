#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

#include "admin/traffic_totals.h"
#include "base/step_histogram.h"

namespace sluice {

// TrafficPoint - a second of the gateway's traffic: rates per second, percentiles over the window
// before it; nothing: there was nothing to measure.
struct TrafficPoint {
  std::uint64_t requests_total = 0;  // since the start, for providers
  std::uint64_t errors_total = 0;    // of these: answered with 500 and more, 429, or not at all
  double requests = 0;
  double errors = 0;
  double prompt_tokens = 0;
  double completion_tokens = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t waiting = 0;
  std::uint64_t count = 0;  // requests in the window
  struct Percentiles {
    std::optional<double> p50, p99;
  };
  Percentiles overhead_us, first_token_ms, duration_ms;
};

// TrafficWindow - the last seconds of what all shards have counted.
//
// Affinity  one thread at a time.
class TrafficWindow {
 public:
  static constexpr std::size_t kSeconds = 10;

  // Takes the measure at `now`. The first one has no rates.
  [[nodiscard]] TrafficPoint take(std::span<const ShardFigures> shards, std::uint64_t waiting,
                                  Instant now);

 private:
  struct Reading {
    Instant at{};
    TrafficTotals totals;
    SharedStepHistogram::Counts overhead, first_token, duration;
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
  };
  std::deque<Reading> readings_;  // oldest first, at most kSeconds + 1
};

}  // namespace sluice
