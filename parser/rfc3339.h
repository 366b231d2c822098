#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

// Milliseconds since 1970 of a date-time (RFC 3339 section 5.6): "2026-01-15T12:34:56Z", with a
// fraction of any length, rounded up, and an offset instead of Z. Nothing on anything else, on
// dates that do not exist and on years before 1970.
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339(std::string_view text) noexcept;

}  // namespace sluice
