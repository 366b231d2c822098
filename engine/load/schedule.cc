#include "engine/load/schedule.h"

#include <charconv>
#include <system_error>

#include "base/draw.h"

namespace sluice {
namespace {

struct RateUnit {
  std::string_view text;
  double seconds;
};
constexpr RateUnit kRateUnits[] = {{"rpm", 60}, {"/min", 60}, {"/m", 60},    {"rps", 1},
                                   {"/s", 1},   {"/h", 3600}, {"/d", 86'400}};

constexpr double kCountMax = 1e9;  // of one unit, so that no quotient overflows

}  // namespace

std::optional<double> parse_rate(std::string_view text) noexcept {
  for (const RateUnit& unit : kRateUnits) {
    if (!text.ends_with(unit.text)) continue;
    text.remove_suffix(unit.text.size());
    while (text.ends_with(' ')) text.remove_suffix(1);
    double count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (!(count >= 1e-6 && count <= kCountMax)) return std::nullopt;
    const double per_second = count / unit.seconds;
    if (per_second > kRateMax) return std::nullopt;
    return per_second;
  }
  return std::nullopt;
}

ArrivalSchedule::ArrivalSchedule(ArrivalPattern arrivals, double per_second, Duration length,
                                 std::uint64_t seed) noexcept
    : prng_(seed), per_second_(per_second), length_(length), arrivals_(arrivals) {
  find_next();
}

void ArrivalSchedule::advance() noexcept {
  ++passed_;
  find_next();
}

void ArrivalSchedule::find_next() noexcept {
  switch (arrivals_) {
    case ArrivalPattern::kPoisson: at_s_ += draw_exponential(prng_) / per_second_; break;
    case ArrivalPattern::kEven: at_s_ = static_cast<double>(passed_) / per_second_; break;
  }
  next_ = seconds(at_s_ + 0.5e-9);  // to the nearest, lest a whole one falls below its own
}

}  // namespace sluice
