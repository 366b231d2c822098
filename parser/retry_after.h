#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "parser/http1_common.h"

namespace sluice {

// A longer wait is read as this one: it keeps every later sum of times far from overflow. What a
// gateway makes of a long wait is the route's policy.
inline constexpr Duration kRetryAfterMax = 24h * 365;

// How long a provider asks us to wait, rounded up to a nanosecond. `retry_after_ms` (milliseconds,
// as OpenAI sends it) is the finer one and goes first; `retry_after` is delta-seconds or an
// HTTP-date (RFC 9110 section 10.2.3); both numbers may have a fraction, as some providers write
// one. A date in the past asks for no wait. Nothing when neither can be read; "" stands for a field
// that did not come.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view retry_after,
                                                        std::string_view retry_after_ms,
                                                        std::int64_t now_unix_ms) noexcept;

// The same from the fields of an answer.
[[nodiscard]] std::optional<Duration> parse_retry_after(const FieldList& fields,
                                                        std::int64_t now_unix_ms) noexcept;

}  // namespace sluice
