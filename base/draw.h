#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>

#include "base/clock.h"
#include "base/prng.h"

namespace sluice {

// Draws from the distributions that traffic and providers are made of.

[[nodiscard]] inline Duration seconds(double count) noexcept {
  constexpr double kMax = 1e9;  // 30 years: far below what Duration can hold
  return Duration(static_cast<std::int64_t>(std::clamp(count, 0.0, kMax) * 1e9));
}
[[nodiscard]] inline double in_seconds(Duration span) noexcept {
  return static_cast<double>(span.count()) * 1e-9;
}

// With mean 1: the gaps of a Poisson process.
[[nodiscard]] inline double draw_exponential(Prng& prng) noexcept {
  return -std::log(1 - prng.unit());
}

// With mean 1 and the tail index 1.5: many small gaps and now and then a very long one. Its
// variance is infinite.
[[nodiscard]] inline double draw_pareto(Prng& prng) noexcept {
  constexpr double kIndex = 1.5;
  return (kIndex - 1) / kIndex * std::pow(1 - prng.unit(), -1 / kIndex);
}

// `sigma` is that of the logarithm: 0.5 gives a p95 of 2.3 medians.
[[nodiscard]] inline double draw_lognormal(Prng& prng, double median, double sigma) noexcept {
  if (sigma == 0) return median;
  const double normal = std::sqrt(2 * draw_exponential(prng)) *
                        std::cos(2 * std::numbers::pi * prng.unit());  // Box and Muller
  return median * std::exp(sigma * normal);
}

[[nodiscard]] inline Duration draw_up_to(Prng& prng, Duration most) noexcept {
  if (most <= Duration::zero()) return Duration::zero();
  return Duration(
      static_cast<std::int64_t>(prng.below(static_cast<std::uint64_t>(most.count()) + 1)));
}

// A position in `shares`, by their weight; the last one when all are 0.
[[nodiscard]] inline std::size_t draw_share(Prng& prng, std::span<const double> shares) noexcept {
  double sum = 0;
  for (const double share : shares) sum += share;
  double at = prng.unit() * sum;
  for (std::size_t i = 0; i + 1 < shares.size(); ++i) {
    if (at < shares[i]) return i;
    at -= shares[i];
  }
  return shares.size() - 1;
}

}  // namespace sluice
