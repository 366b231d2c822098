#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

// Seconds since 1970 of an HTTP-date in any of its three forms (RFC 9110 section 5.6.7):
// IMF-fixdate, RFC 850 and asctime. Nothing on anything else, on dates that do not exist and on
// years before 1970. `now_unix_s` decides the century of an RFC 850 year: at most 50 years ahead.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text,
                                                          std::int64_t now_unix_s) noexcept;

inline constexpr std::size_t kHttpDateBytes = 29;

// Writes "Sun, 06 Nov 1994 08:49:37 GMT", kHttpDateBytes bytes without a terminator. Years
// 1970-9999.
void write_http_date(char* out, std::int64_t unix_s) noexcept;

}  // namespace sluice
