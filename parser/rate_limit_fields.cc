#include "parser/rate_limit_fields.h"

#include <algorithm>
#include <charconv>

#include "parser/retry_after.h"
#include "parser/rfc3339.h"

namespace sluice {
namespace {

struct Unit {
  std::string_view name;
  Duration length;
};

// Longer names before those that they begin with. The micro sign is U+00B5 or U+03BC.
constexpr Unit kUnits[] = {{"ms", 1ms}, {"us", 1us}, {"\xc2\xb5s", 1us}, {"\xce\xbcs", 1us},
                           {"ns", 1ns}, {"h", 1h},   {"m", 1min},        {"s", 1s}};

std::optional<std::uint64_t> parse_count(std::string_view text) noexcept {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return count;
}

// The digits off the front of `rest`.
std::string_view take_digits(std::string_view& rest) noexcept {
  const auto end =
      std::find_if(rest.begin(), rest.end(), [](char c) { return c < '0' || c > '9'; });
  const std::string_view digits = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(digits.size());
  return digits;
}

// The unit off the front of `rest`; seconds for a number that stands alone.
std::optional<Duration> take_unit(std::string_view& rest, bool alone) noexcept {
  if (rest.empty() && alone) return 1s;
  for (const Unit& unit : kUnits) {
    if (!rest.starts_with(unit.name)) continue;
    rest.remove_prefix(unit.name.size());
    return unit.length;
  }
  return std::nullopt;
}

// 0.`digits` of `unit`, rounded up to a nanosecond.
Duration fraction_of(Duration unit, std::string_view digits) noexcept {
  constexpr std::uint64_t kScaleMax = 1'000'000'000'000'000'000;  // what follows only rounds up
  std::uint64_t number = 0;
  std::uint64_t scale = 1;
  bool rest = false;
  for (const char c : digits) {
    if (scale == kScaleMax) {
      rest = rest || c != '0';
      continue;
    }
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
    scale *= 10;
  }
  const unsigned __int128 product =
      static_cast<unsigned __int128>(number) * static_cast<std::uint64_t>(unit.count());
  return Duration(static_cast<std::int64_t>((product + (rest ? 1 : 0) + scale - 1) / scale));
}

// 1*( 1*DIGIT [ "." 1*DIGIT ] unit ), or one number without a unit.
std::optional<Duration> parse_duration(std::string_view text) noexcept {
  Duration sum{};
  std::string_view rest = text;
  do {
    const bool first = rest.size() == text.size();
    const auto whole = parse_count(take_digits(rest));
    std::string_view fraction;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      fraction = take_digits(rest);
      if (fraction.empty()) return std::nullopt;
    }
    const auto unit = take_unit(rest, first);
    if (!whole || !unit) return std::nullopt;
    if (*whole > static_cast<std::uint64_t>(kRetryAfterMax / *unit)) return std::nullopt;
    sum += static_cast<std::int64_t>(*whole) * *unit + fraction_of(*unit, fraction);
    if (sum > kRetryAfterMax) return std::nullopt;
  } while (!rest.empty());
  return sum;
}

bool take_prefix(std::string_view& name, std::string_view prefix) noexcept {
  if (!equals_ignoring_case(name.substr(0, prefix.size()), prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

RateLimit* limit_named(std::string_view name, RateLimitFields& out) noexcept {
  if (equals_ignoring_case(name, "requests")) return &out.requests;
  if (equals_ignoring_case(name, "tokens")) return &out.tokens;
  if (equals_ignoring_case(name, "input-tokens")) return &out.input_tokens;
  if (equals_ignoring_case(name, "output-tokens")) return &out.output_tokens;
  return nullptr;
}

enum class Part : std::uint8_t { kLimit, kRemaining, kReset };

std::optional<Part> part_named(std::string_view name) noexcept {
  if (equals_ignoring_case(name, "limit")) return Part::kLimit;
  if (equals_ignoring_case(name, "remaining")) return Part::kRemaining;
  if (equals_ignoring_case(name, "reset")) return Part::kReset;
  return std::nullopt;
}

void read(std::string_view value, Part part, std::int64_t now_unix_ms, RateLimit& out) noexcept {
  switch (part) {
    case Part::kLimit:
      if (!out.limit) out.limit = parse_count(value);
      return;
    case Part::kRemaining:
      if (!out.remaining) out.remaining = parse_count(value);
      return;
    case Part::kReset:
      if (!out.reset) out.reset = parse_rate_limit_reset(value, now_unix_ms);
      return;
  }
}

}  // namespace

std::optional<Duration> parse_rate_limit_reset(std::string_view text,
                                               std::int64_t now_unix_ms) noexcept {
  if (const auto wait = parse_duration(text)) return wait;
  const auto date_ms = parse_rfc3339(text);
  if (!date_ms || *date_ms - now_unix_ms > kRetryAfterMax / 1ms) return std::nullopt;
  return std::max<std::int64_t>(*date_ms - now_unix_ms, 0) * 1ms;
}

RateLimitFields parse_rate_limit_fields(const FieldList& fields,
                                        std::int64_t now_unix_ms) noexcept {
  RateLimitFields out;
  for (const Field& field : fields) {
    if (field.id != FieldId::kRateLimit && field.id != FieldId::kOther) continue;
    std::string_view name = field.name;
    const bool plain = take_prefix(name, "x-ratelimit-");
    if (!plain && !take_prefix(name, "anthropic-ratelimit-")) continue;
    // Plain, the part comes first: "limit-requests". Else last: "input-tokens-limit".
    const std::size_t dash = plain ? name.find('-') : name.rfind('-');
    if (dash == std::string_view::npos) continue;
    const std::string_view first = name.substr(0, dash);
    const std::string_view second = name.substr(dash + 1);
    const std::optional<Part> part = part_named(plain ? first : second);
    RateLimit* const limit = limit_named(plain ? second : first, out);
    if (part && limit != nullptr) read(field.value, *part, now_unix_ms, *limit);
  }
  return out;
}

}  // namespace sluice
