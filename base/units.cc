#include "base/units.h"

#include <charconv>

namespace sluice {
namespace {

struct Quantity {
  double number;
  std::string_view unit;
};

std::optional<Quantity> split_quantity(std::string_view text) noexcept {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  Quantity quantity{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), quantity.number,
                                         std::chars_format::fixed);
  if (ec != std::errc{}) return std::nullopt;
  quantity.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return quantity;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) noexcept {
  const auto quantity = split_quantity(text);
  if (!quantity) return std::nullopt;
  double seconds = 0;
  if (quantity->unit.empty() || quantity->unit == "s") seconds = 1;
  else if (quantity->unit == "us") seconds = 1e-6;
  else if (quantity->unit == "ms") seconds = 1e-3;
  else if (quantity->unit == "m" || quantity->unit == "min") seconds = 60;
  else if (quantity->unit == "h") seconds = 3600;
  else if (quantity->unit == "d") seconds = 86400;
  else return std::nullopt;
  const double total = quantity->number * seconds;
  constexpr double kHundredYears =
      3.2e9;  // far inside the 292 years that 63 bits of nanoseconds hold
  if (total > kHundredYears) return std::nullopt;
  return Duration(static_cast<std::int64_t>(total * 1e9 + 0.5));
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept {
  const std::size_t digits = text.find_first_not_of("0123456789");
  const auto number = parse_decimal(text.substr(0, digits));
  if (!number) return std::nullopt;
  const std::string_view unit =
      digits == std::string_view::npos ? std::string_view{} : text.substr(digits);
  int shift = 0;
  if (unit.empty() || unit == "B") shift = 0;
  else if (unit == "KiB" || unit == "KB" || unit == "k") shift = 10;
  else if (unit == "MiB" || unit == "MB" || unit == "m") shift = 20;
  else if (unit == "GiB" || unit == "GB" || unit == "g") shift = 30;
  else return std::nullopt;
  if (*number > (UINT64_MAX >> shift)) return std::nullopt;
  return *number << shift;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace sluice
