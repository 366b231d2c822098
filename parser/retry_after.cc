#include "parser/retry_after.h"

#include <algorithm>

#include "parser/http_date.h"

namespace sluice {
namespace {

// 1*DIGIT [ "." 1*DIGIT ] of `unit` each.
std::optional<Duration> parse_amount(std::string_view text, Duration unit) noexcept {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const auto digits = [](std::string_view part) {
    return !part.empty() &&
           std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!digits(whole)) return std::nullopt;
  const std::int64_t max = kRetryAfterMax / unit;
  std::int64_t count = 0;
  for (const char c : whole) count = std::min(max, count * 10 + (c - '0'));
  Duration amount = count * unit;
  if (point != std::string_view::npos) {
    const std::string_view fraction = text.substr(point + 1);
    if (!digits(fraction)) return std::nullopt;
    std::int64_t place = unit.count();
    bool rest = false;  // something below a nanosecond was asked for
    for (const char c : fraction) {
      const std::int64_t part = place * (c - '0');
      amount += Duration(part / 10);
      rest = rest || part % 10 != 0 || (place == 0 && c != '0');
      place /= 10;
    }
    if (rest) amount += 1ns;
  }
  return std::min(amount, kRetryAfterMax);
}

}  // namespace

std::optional<Duration> parse_retry_after(std::string_view retry_after,
                                          std::string_view retry_after_ms,
                                          std::int64_t now_unix_ms) noexcept {
  if (const auto wait = parse_amount(retry_after_ms, 1ms)) return wait;
  if (const auto wait = parse_amount(retry_after, 1s)) return wait;
  const auto date = parse_http_date(retry_after, now_unix_ms / 1000);
  if (!date) return std::nullopt;
  const std::int64_t max_ms = kRetryAfterMax / 1ms;
  return std::clamp<std::int64_t>(*date * 1000 - now_unix_ms, 0, max_ms) * 1ms;
}

std::optional<Duration> parse_retry_after(const FieldList& fields,
                                          std::int64_t now_unix_ms) noexcept {
  const Field* const plain = fields.find(FieldId::kRetryAfter);
  const Field* const fine = fields.find(FieldId::kRetryAfterMs);
  return parse_retry_after(plain != nullptr ? plain->value : std::string_view{},
                           fine != nullptr ? fine->value : std::string_view{}, now_unix_ms);
}

}  // namespace sluice
