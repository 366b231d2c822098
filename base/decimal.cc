#include "base/decimal.h"

#include <algorithm>

namespace sluice {
namespace {

// Decimal - a number as it is written: digits, with a point somewhere among them.
struct Decimal {
  std::string_view whole, fraction;
  int exponent = 0;

  [[nodiscard]] char digit(std::int64_t at) const noexcept {
    const auto index = static_cast<std::size_t>(at);
    if (index < whole.size()) return whole[index];
    const std::size_t behind = index - whole.size();
    return behind < fraction.size() ? fraction[behind] : '0';
  }
  [[nodiscard]] std::int64_t size() const noexcept {
    return static_cast<std::int64_t>(whole.size() + fraction.size());
  }
};

std::string_view take_digits(std::string_view& text) noexcept {
  const std::size_t size = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, size);
  text.remove_prefix(size);
  return digits;
}

// "e-06" at the front; false when it is no exponent.
bool take_exponent(std::string_view& text, int& exponent) noexcept {
  constexpr int kExponentMax = 99'999;  // beyond it nothing but zero or overflow
  if (text.empty() || (text[0] != 'e' && text[0] != 'E')) return true;
  text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::string_view digits = take_digits(text);
  for (const char c : digits) exponent = std::min(exponent * 10 + (c - '0'), kExponentMax);
  if (negative) exponent = -exponent;
  return !digits.empty();
}

bool parse(std::string_view text, Decimal& out) noexcept {
  out.whole = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    out.fraction = take_digits(text);
  }
  if (out.size() == 0) return false;
  return take_exponent(text, out.exponent) && text.empty();
}

// Whether the digits from `at` on are more than half of the place before them (1), exactly half (0)
// or less (-1).
int compare_with_half(const Decimal& number, std::int64_t at) noexcept {
  if (at < 0) return -1;
  const char first = number.digit(at);
  if (first != '5') return first > '5' ? 1 : -1;
  for (std::int64_t i = at + 1; i < number.size(); ++i)
    if (number.digit(i) != '0') return 1;
  return 0;
}

}  // namespace

std::optional<std::int64_t> parse_scaled_decimal(std::string_view text, int places) noexcept {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  Decimal number;
  if (!parse(text, number)) return std::nullopt;
  // So many digits, from the first, stand before the point of the result.
  const std::int64_t kept =
      static_cast<std::int64_t>(number.whole.size()) + number.exponent + places;
  std::int64_t result = 0;
  for (std::int64_t i = 0; i < kept; ++i) {
    if (result == 0 && i >= number.size()) break;  // zero, whatever the exponent
    if (__builtin_mul_overflow(result, std::int64_t{10}, &result) ||
        __builtin_add_overflow(result, std::int64_t{number.digit(i) - '0'}, &result))
      return std::nullopt;
  }
  const int half = compare_with_half(number, kept);
  const bool up = half > 0 || (half == 0 && result % 2 != 0);
  if (up && __builtin_add_overflow(result, std::int64_t{1}, &result)) return std::nullopt;
  return negative ? -result : result;
}

}  // namespace sluice
