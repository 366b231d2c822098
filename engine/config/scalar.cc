#include "engine/config/scalar.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "engine/config/config.h"
#include "engine/config/redact.h"

namespace sluice {
namespace {

constexpr std::string_view kOutOfRange = "is out of range";

// "from 1KiB to 1GiB".
std::string range_text(const std::string& min, const std::string& max) {
  return fmt::format("from {} to {}", min, max);
}

// Dollars with at most `places` digits behind the point, as a multiple of the last of these.
// Otherwise what is wrong, and `value` is as before.
std::string_view read_dollars(std::string_view text, std::size_t places, std::uint64_t dollars_max,
                              std::string_view no_amount, std::string_view too_fine,
                              std::uint64_t& value) {
  const std::size_t dot = text.find('.');
  const bool fraction_given = dot != std::string_view::npos;
  std::string fraction(fraction_given ? text.substr(dot + 1) : "");
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!digits(text.substr(0, dot)) || (fraction_given && !digits(fraction))) return no_amount;
  if (fraction.size() > places) return too_fine;
  fraction.resize(places, '0');
  const auto dollars = parse_decimal(text.substr(0, dot));
  if (!dollars || *dollars > dollars_max) return kOutOfRange;
  std::uint64_t unit = 1;
  for (std::size_t place = 0; place < places; ++place) unit *= 10;
  value = *dollars * unit + *parse_decimal(fraction);
  return {};
}

// "12.5" of an amount's whole dollars and its fraction, all of whose digits are given.
std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::pair<std::uint64_t, const char*> kUnits[] = {
      {1024 * kMiB, "GiB"}, {kMiB, "MiB"}, {kKiB, "KiB"}};
  for (const auto& [unit, name] : kUnits)
    if (bytes != 0 && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, name);
  return fmt::format("{}", bytes);
}

std::string duration_text(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  constexpr std::pair<Duration, const char*> kUnits[] = {
      {24h, "d"}, {1h, "h"}, {1min, "min"}, {1s, "s"}, {1ms, "ms"}};
  for (const auto& [unit, name] : kUnits)
    if (duration % unit == Duration::zero()) return fmt::format("{}{}", duration / unit, name);
  return fmt::format("{}us", duration / 1us);
}

bool same_word(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string any_of_words(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::string_view SizeScalar::set(std::string_view text) {
  const auto bytes = parse_bytes(text);
  if (!bytes) return "is not a size";
  if (*bytes < min_ || *bytes > max_) return kOutOfRange;
  *value_ = *bytes;
  return {};
}

std::string SizeScalar::text() const { return bytes_text(*value_); }

std::string SizeScalar::expected() const {
  return fmt::format("a size like 32MiB, {}", range_text(bytes_text(min_), bytes_text(max_)));
}

std::string_view DurationScalar::set(std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration) return "is not a duration";
  if (!takes(*duration)) return kOutOfRange;
  *value_ = *duration;
  return {};
}

std::string DurationScalar::text() const { return duration_text(*value_); }

std::string DurationScalar::expected() const {
  return fmt::format("a duration like {}, {}{}", min_ < 1s ? "30s or 250ms" : "30s or 10min",
                     range_text(duration_text(min_), duration_text(max_)),
                     zero_ == Zero::kIsNever ? ", or 0s for never" : "");
}

std::string DurationScalar::expected_number() const {
  const auto seconds = [](Duration duration) {
    return fmt::format("{}", std::chrono::duration<double>(duration).count());
  };
  return fmt::format("seconds {}{}", range_text(seconds(min_), seconds(max_)),
                     zero_ == Zero::kIsNever ? ", or 0 for never" : "");
}

std::string_view IntegerScalar::set(std::string_view text) {
  const bool negative = text.size() > 1 && text.front() == '-';
  if (negative && text.find_first_not_of("0123456789", 1) == std::string_view::npos)
    return kOutOfRange;
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
    return "is not a whole number";
  const auto number = parse_decimal(text);
  if (!number || *number < min_ || *number > max_) return kOutOfRange;
  *value_ = static_cast<std::uint32_t>(*number);
  return {};
}

std::string IntegerScalar::text() const { return fmt::format("{}", *value_); }

std::string IntegerScalar::expected() const {
  return fmt::format("a whole number {}",
                     range_text(fmt::format("{}", min_), fmt::format("{}", max_)));
}

std::string_view PercentScalar::set(std::string_view text) {
  std::uint32_t percent = 0;
  const std::string_view problem = IntegerScalar(percent, min_, max_).set(text);
  if (problem.empty()) *value_ = percent / 100.0;
  return problem;
}

std::string PercentScalar::text() const { return fmt::format("{:.0f}", *value_ * 100); }

std::string PercentScalar::expected() const {
  return fmt::format("whole percent {}",
                     range_text(fmt::format("{}", min_), fmt::format("{}", max_)));
}

std::string_view PriceScalar::set(std::string_view text) {
  constexpr std::size_t kPlaces = 6;
  constexpr std::uint64_t kDollarsMax = 1'000'000;
  return read_dollars(text, kPlaces, kDollarsMax, "is not a price",
                      "has more than 6 decimal places", *value_);
}

std::string PriceScalar::text() const {
  return trimmed(fmt::format("{}.{:06}", *value_ / 1'000'000, *value_ % 1'000'000));
}

std::string PriceScalar::expected() const {
  return "dollars for a million tokens like 2.50, up to 1000000";
}

std::string_view BudgetScalar::set(std::string_view text) {
  constexpr std::size_t kPlaces = 9;
  std::uint64_t value = 0;
  const std::string_view wrong =
      read_dollars(text, kPlaces, kBudgetDollarsMax, "is not an amount of dollars",
                   "has more than 9 decimal places", value);
  if (!wrong.empty()) return wrong;
  if (value > kBudgetMax) return kOutOfRange;
  *value_ = value;
  return {};
}

std::string BudgetScalar::text() const {
  return trimmed(fmt::format("{}.{:09}", *value_ / kNanoPerDollar, *value_ % kNanoPerDollar));
}

std::string BudgetScalar::expected() const {
  return "dollars like 12.50, up to 1000000; 0: no budget";
}

std::string_view BooleanScalar::set(std::string_view text) {
  for (const std::string_view word : {"true", "yes", "on", "1"})
    if (same_word(text, word)) return *value_ = true, std::string_view();
  for (const std::string_view word : {"false", "no", "off", "0"})
    if (same_word(text, word)) return *value_ = false, std::string_view();
  return "is neither true nor false";
}

std::string BooleanScalar::text() const { return *value_ ? "true" : "false"; }

std::string_view TextScalar::set(std::string_view text) {
  const std::string_view problem = rule_->check(text);
  if (problem.empty()) *value_ = text;
  return problem;
}

std::string_view SecretScalar::set(std::string_view text) {
  const std::string_view problem = kKeyRule.check(text);
  if (problem.empty()) *value_ = Secret(text);
  return problem;
}

std::string SecretScalar::text() const { return redacted(value_->reveal()); }

std::string_view ClientKeyScalar::set(std::string_view text) {
  constexpr std::string_view kHashed = "sha256:";
  if (text.starts_with(kHashed)) {
    if (!parse_hex(text.substr(kHashed.size()), client_->key_sha256))
      return "has not 64 hexadecimal digits after \"sha256:\"";
  } else {
    constexpr std::size_t kKeyBytesMin = 8;  // shorter ones are guessed
    if (text.size() < kKeyBytesMin) return "is shorter than 8 characters";
    if (const auto problem = kKeyRule.check(text); !problem.empty()) return problem;
    client_->key_sha256 = sha256(text);
  }
  client_->key_redacted = redacted(text);
  return {};
}

std::string ClientKeyScalar::text() const { return client_->key_redacted; }

std::string ClientKeyScalar::expected() const {
  return "8 to 4096 visible ASCII characters, or \"sha256:\" and 64 hexadecimal digits";
}

}  // namespace sluice
