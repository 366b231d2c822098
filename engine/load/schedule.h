#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/prng.h"

namespace sluice {

// Requests per second in "50/s", "40/m", "600rpm", "10rps", "600/min", "36000/h" or "1000/d".
// Nothing on anything else, on none at all, and on more than kRateMax.
inline constexpr double kRateMax = 1e6;  // far above what one thread can send
[[nodiscard]] std::optional<double> parse_rate(std::string_view text) noexcept;

enum class ArrivalPattern : std::uint8_t {
  kPoisson,  // as those of many users who know nothing of each other: the gaps are exponential
  kEven,     // all gaps are alike, the first request is due at once
};

// ArrivalSchedule - when requests are due, counted from the begin of a run. It is fixed beforehand
// and knows nothing of answers (an open loop), so that a stall is seen by all requests that were
// due while it lasted.
//
// Affinity  one thread. Pure: the same seed gives the same schedule.
class ArrivalSchedule {
 public:
  ArrivalSchedule(ArrivalPattern arrivals, double per_second, Duration length,
                  std::uint64_t seed) noexcept;

  // When the next request is due; nothing when the schedule is over.
  [[nodiscard]] std::optional<Duration> next() const noexcept {
    if (next_ >= length_) return std::nullopt;
    return next_;
  }
  void advance() noexcept;

  // How many requests advance() has passed.
  [[nodiscard]] std::uint64_t passed() const noexcept { return passed_; }

 private:
  void find_next() noexcept;

  Prng prng_;
  double per_second_;
  double at_s_ = 0;  // of the last arrival of a Poisson process
  Duration length_;
  Duration next_{};
  std::uint64_t passed_ = 0;
  ArrivalPattern arrivals_;
};

}  // namespace sluice
