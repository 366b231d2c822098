#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "engine/simulate/provider.h"
#include "engine/simulate/traffic.h"

namespace sluice {

// TrafficSpec - what `sluice simulate --traffic` says: the traffic, and how the providers behave.
struct TrafficSpec {
  struct Outage {
    std::string account;
    Duration from;  // since the begin
    Duration length;
  };

  Traffic traffic;
  bool names_models = false;
  Counting counting = Counting::kRolling;
  double provider_limit = 1;  // as a share of rpm_limit
  bool retry_after = true;
  double error_share = 0;
  double stall_share = 0;
  double latency_s = 0.8;
  double tokens_per_second = 60;
  std::vector<Outage> outages;
};

// Reads "rate=600rpm; shape=diurnal; ...", or a file with such lines for "@FILE" ('#' begins a
// comment). The error is complete: what is wrong, where and what would be right.
[[nodiscard]] std::expected<TrafficSpec, std::string> parse_traffic(const std::string& text);

// The keys and what they take, for --help.
[[nodiscard]] std::string traffic_help();

}  // namespace sluice
