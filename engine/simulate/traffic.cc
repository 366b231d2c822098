#include "engine/simulate/traffic.h"

#include <cmath>
#include <numbers>

#include "base/draw.h"

namespace sluice {
namespace {

constexpr double kTokenSigma = 0.8;     // p95 at 3.7 medians
constexpr double kPatienceSigma = 0.5;  // p95 at 2.3 medians
constexpr double kDay = 86'400;

}  // namespace

Arrivals::Arrivals(const Traffic& traffic, Instant start, std::uint64_t seed) noexcept
    : traffic_(traffic), prng_(seed), start_(start) {
  const double peak = traffic.peak;
  if (traffic.shape == TrafficShape::kDiurnal) highest_ = 2 * peak / (peak + 1);
  if (traffic.shape == TrafficShape::kBursts) {
    const double share = in_seconds(traffic.burst) / in_seconds(traffic.burst_every);
    highest_ = peak / (share * peak + 1 - share);
  }
}

// The means over a day, or from burst to burst, are 1.
double Arrivals::rate(Duration at) const noexcept {
  switch (traffic_.shape) {
    case TrafficShape::kDiurnal: {
      const double day = in_seconds(at) / kDay;
      return 1 - (highest_ - 1) * std::cos(2 * std::numbers::pi * day);
    }
    case TrafficShape::kBursts:
      return at % traffic_.burst_every < traffic_.burst ? highest_ : highest_ / traffic_.peak;
    case TrafficShape::kEven:
    case TrafficShape::kPoisson:
    case TrafficShape::kPareto: break;
  }
  return 1;
}

// A rate that changes is drawn at its highest and thinned (Lewis and Shedler 1979).
Instant Arrivals::next() noexcept {
  switch (traffic_.shape) {
    case TrafficShape::kEven: at_ += seconds(1 / traffic_.per_second); break;
    case TrafficShape::kPareto: at_ += seconds(draw_pareto(prng_) / traffic_.per_second); break;
    case TrafficShape::kPoisson:
      at_ += seconds(draw_exponential(prng_) / traffic_.per_second);
      break;
    case TrafficShape::kDiurnal:
    case TrafficShape::kBursts:
      do {
        at_ += seconds(draw_exponential(prng_) / (traffic_.per_second * highest_));
      } while (prng_.unit() * highest_ >= rate(at_));
      break;
  }
  return start_ + at_;
}

DrawnRequest Arrivals::draw() noexcept {
  const auto tokens = [&](double median) {
    constexpr double kMax = 2e6;  // above the largest context window that is sold
    return static_cast<std::uint32_t>(std::min(draw_lognormal(prng_, median, kTokenSigma), kMax));
  };
  DrawnRequest demand;
  demand.priority = static_cast<Priority>(draw_share(prng_, traffic_.priorities));
  demand.model = static_cast<std::uint32_t>(draw_share(prng_, traffic_.model_shares));
  demand.prompt_tokens = tokens(traffic_.prompt_tokens);
  demand.completion_tokens = tokens(traffic_.completion_tokens);
  demand.tells_max = traffic_.tells_max_share > 0 && prng_.unit() < traffic_.tells_max_share;
  if (traffic_.patience != Duration::max()) {
    demand.patience = seconds(draw_lognormal(prng_, in_seconds(traffic_.patience), kPatienceSigma));
  }
  return demand;
}

}  // namespace sluice
