#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/prng.h"
#include "engine/route/priority.h"

namespace sluice {

enum class TrafficShape : std::uint8_t {
  kEven,     // equal gaps
  kPoisson,  // many independent clients
  kDiurnal,  // Poisson, and the rate a sine over 24 h; midnight, where a run begins, is the trough
  kBursts,   // Poisson, and the rate switches between quiet and bursts
  kPareto,   // heavy-tailed gaps: crowds with long silence between them
};

// Traffic - what clients send in a simulation.
struct Traffic {
  double per_second = 10;  // on average
  TrafficShape shape = TrafficShape::kPoisson;
  double peak = 3;  // kDiurnal, kBursts: the highest rate as a multiple of the lowest
  Duration burst = 30s;
  Duration burst_every = 5min;  // from the begin of one to that of the next

  std::array<double, kPriorities> priorities = {0, 0, 1, 0};  // shares
  std::vector<std::string> models = {""};                     // "": a request that names none
  std::vector<double> model_shares = {1};

  // Medians; lognormal with kTokenSigma.
  double prompt_tokens = 1000;
  double completion_tokens = 250;
  double tells_max_share = 0;  // of requests whose max_tokens is what their answer will have

  // The median of how long a client waits for the end of its answer before it leaves; lognormal.
  Duration patience = Duration::max();  // for ever
};

// DrawnRequest - one request, as it comes.
struct DrawnRequest {
  Priority priority = Priority::kNormal;
  std::uint32_t model = 0;  // a place in Traffic::models
  std::uint32_t prompt_tokens = 0;
  std::uint32_t completion_tokens = 0;
  bool tells_max = false;  // max_tokens says so
  Duration patience = Duration::max();
};

// Arrivals - when requests come and what they are.
//
// Owns      nothing: the traffic outlives it.
// Affinity  one thread.
class Arrivals {
 public:
  Arrivals(const Traffic& traffic, Instant start, std::uint64_t seed) noexcept;

  // The instant of the next arrival. Not before the last one.
  [[nodiscard]] Instant next() noexcept;
  [[nodiscard]] DrawnRequest draw() noexcept;

 private:
  // As a multiple of the mean rate, `at` after the start.
  [[nodiscard]] double rate(Duration at) const noexcept;

  const Traffic& traffic_;
  Prng prng_;
  Instant start_;
  Duration at_{};
  double highest_ = 1;  // of rate()
};

}  // namespace sluice
