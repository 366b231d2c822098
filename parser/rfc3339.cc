#include "parser/rfc3339.h"

#include <algorithm>
#include <chrono>

namespace sluice {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Whether `text` begins with `form`, in which 0 stands for any digit; letters in either case.
bool has_form(std::string_view text, std::string_view form) noexcept {
  if (text.size() < form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const char c = form[i];
    const bool letter = c >= 'A' && c <= 'Z';
    if (c == '0' ? !is_digit(text[i]) : text[i] != c && !(letter && text[i] == c + ('a' - 'A'))) {
      return false;
    }
  }
  return true;
}

// The number of the digits at [at, at + count).
int number(std::string_view text, std::size_t at, std::size_t count) noexcept {
  int value = 0;
  for (const char c : text.substr(at, count)) value = value * 10 + (c - '0');
  return value;
}

// ".123" off the front, rounded up to milliseconds.
std::int64_t take_fraction_ms(std::string_view& rest) noexcept {
  if (!has_form(rest, ".0")) return 0;
  const std::string_view digits =
      rest.substr(1, std::find_if_not(rest.begin() + 1, rest.end(), is_digit) - rest.begin() - 1);
  rest.remove_prefix(1 + digits.size());
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 3; ++i) ms = ms * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  return ms + (digits.find_first_not_of('0', 3) != std::string_view::npos ? 1 : 0);
}

// Seconds that "Z" or "+01:30" is ahead of UTC.
std::optional<int> offset_s(std::string_view rest) noexcept {
  if (rest.size() == 1 && has_form(rest, "Z")) return 0;
  if (rest.size() != 6 || !(has_form(rest, "+00:00") || has_form(rest, "-00:00"))) {
    return std::nullopt;
  }
  const int hours = number(rest, 1, 2);
  const int minutes = number(rest, 4, 2);
  if (hours > 23 || minutes > 59) return std::nullopt;
  const int seconds = hours * 3600 + minutes * 60;
  return rest[0] == '-' ? -seconds : seconds;
}

}  // namespace

std::optional<std::int64_t> parse_rfc3339(std::string_view text) noexcept {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (!has_form(text, kForm)) return std::nullopt;
  const std::chrono::year_month_day day{
      std::chrono::year(number(text, 0, 4)),
      std::chrono::month(static_cast<unsigned>(number(text, 5, 2))),
      std::chrono::day(static_cast<unsigned>(number(text, 8, 2)))};
  const int hour = number(text, 11, 2);
  const int minute = number(text, 14, 2);
  const int second = number(text, 17, 2);  // 60: a leap second
  if (!day.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  std::string_view rest = text.substr(kForm.size());
  const std::int64_t fraction_ms = take_fraction_ms(rest);
  const std::optional<int> offset = offset_s(rest);
  if (!offset) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  const std::int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - *offset;
  if (seconds < 0) return std::nullopt;
  return seconds * 1000 + fraction_ms;
}

}  // namespace sluice
