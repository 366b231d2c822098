#include "parser/http_date.h"

#include <array>
#include <chrono>

#include "base/assert.h"

namespace sluice {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr int kSecondsPerDay = 86400;

// Cursor - takes the parts of a fixed form off the front of a text; once a part does not fit, `ok`
// stays false.
struct Cursor {
  std::string_view rest;
  bool ok = true;

  std::string_view take(std::size_t bytes) noexcept {
    if (rest.size() < bytes) ok = false;
    const std::string_view part = rest.substr(0, bytes);
    rest.remove_prefix(part.size());
    return part;
  }
  void literal(std::string_view text) noexcept { ok = take(text.size()) == text && ok; }
  int number(std::size_t digits) noexcept {
    int value = 0;
    for (const char c : take(digits)) {
      if (c < '0' || c > '9') ok = false;
      value = value * 10 + (c - '0');
    }
    return ok ? value : 0;
  }
  unsigned month() noexcept {
    const std::string_view name = take(3);
    for (unsigned i = 0; i < 12; ++i)
      if (name == kMonths.substr(i * 3, 3)) return i + 1;
    ok = false;
    return 1;
  }
};

struct DateParts {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  int seconds = 0;  // of the day
};

void take_time(Cursor& in, DateParts& date) noexcept {
  const int hour = in.number(2);
  in.literal(":");
  const int minute = in.number(2);
  in.literal(":");
  const int second = in.number(2);
  if (hour > 23 || minute > 59 || second > 60) in.ok = false;  // 60: a leap second
  date.seconds = hour * 3600 + minute * 60 + second;
}

int year_of(std::int64_t unix_s) noexcept {
  const std::chrono::sys_days day{std::chrono::days(unix_s / kSecondsPerDay)};
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

// 06 Nov 1994 08:49:37 GMT
void take_fixdate(Cursor& in, DateParts& date) noexcept {
  date.day = static_cast<unsigned>(in.number(2));
  in.literal(" ");
  date.month = in.month();
  in.literal(" ");
  date.year = in.number(4);
  in.literal(" ");
  take_time(in, date);
  in.literal(" GMT");
}

// 06-Nov-94 08:49:37 GMT
void take_rfc850(Cursor& in, std::int64_t now_unix_s, DateParts& date) noexcept {
  date.day = static_cast<unsigned>(in.number(2));
  in.literal("-");
  date.month = in.month();
  in.literal("-");
  const int this_year = year_of(now_unix_s);
  date.year = this_year - this_year % 100 + in.number(2);
  if (date.year > this_year + 50) date.year -= 100;
  in.literal(" ");
  take_time(in, date);
  in.literal(" GMT");
}

// Nov  6 08:49:37 1994
void take_asctime(Cursor& in, DateParts& date) noexcept {
  date.month = in.month();
  in.literal(" ");
  if (in.rest.starts_with(' ')) {
    in.literal(" ");
    date.day = static_cast<unsigned>(in.number(1));
  } else {
    date.day = static_cast<unsigned>(in.number(2));
  }
  in.literal(" ");
  take_time(in, date);
  in.literal(" ");
  date.year = in.number(4);
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text,
                                            std::int64_t now_unix_s) noexcept {
  Cursor in{text};
  DateParts date;
  const auto after_day = [&](std::string_view day, std::string_view separator) {
    if (!text.starts_with(day) || !text.substr(day.size()).starts_with(separator)) return false;
    in.rest.remove_prefix(day.size() + separator.size());
    return true;
  };
  bool known = false;
  for (const std::string_view day : kDays) {
    const std::string_view abbreviation = day.substr(0, 3);
    known = true;
    if (after_day(abbreviation, ", ")) take_fixdate(in, date);
    else if (after_day(day, ", ")) take_rfc850(in, now_unix_s, date);
    else if (after_day(abbreviation, " ")) take_asctime(in, date);
    else known = false;
    if (known) break;
  }
  if (!known || !in.ok || !in.rest.empty() || date.year < 1970) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(date.year),
                                        std::chrono::month(date.month), std::chrono::day(date.day)};
  if (!day.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return days * kSecondsPerDay + date.seconds;
}

void write_http_date(char* out, std::int64_t unix_s) noexcept {
  constexpr std::int64_t kYear10000 = 253402300800;
  SL_ASSERT(unix_s >= 0 && unix_s < kYear10000);
  const std::chrono::sys_days days{std::chrono::days(unix_s / kSecondsPerDay)};
  const std::chrono::year_month_day date(days);
  const auto seconds = static_cast<unsigned>(unix_s % kSecondsPerDay);

  const auto text = [&out](std::string_view part) {
    for (const char c : part) *out++ = c;
  };
  const auto pair = [&out](unsigned number) {
    *out++ = static_cast<char>('0' + number / 10);
    *out++ = static_cast<char>('0' + number % 10);
  };
  text(kDays[std::chrono::weekday(days).c_encoding()].substr(0, 3));
  text(", ");
  pair(static_cast<unsigned>(date.day()));
  text(" ");
  text(kMonths.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3));
  text(" ");
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  pair(year / 100);
  pair(year % 100);
  text(" ");
  pair(seconds / 3600);
  text(":");
  pair(seconds / 60 % 60);
  text(":");
  pair(seconds % 60);
  text(" GMT");
}

}  // namespace sluice
