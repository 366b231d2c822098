#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "parser/http1_common.h"

namespace sluice {

// RateLimit - what a provider says of one of its limits. What it did not say, or not so that it can
// be read, is nothing: a limit is learned or it is not, never guessed.
struct RateLimit {
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> remaining;
  std::optional<Duration> reset;  // from now, until the limit is whole again

  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

// RateLimitFields - what an answer says of the limits that hold for its key.
//
// The fields name no window. OpenAI and Anthropic mean a minute; Groq means a day where it says
// requests. Who learns from them judges by `reset`, which such a limit has hours away.
struct RateLimitFields {
  RateLimit requests;
  RateLimit tokens;
  RateLimit input_tokens;   // Anthropic only
  RateLimit output_tokens;  // Anthropic only

  friend bool operator==(const RateLimitFields&, const RateLimitFields&) = default;
};

// How long until a reset, rounded up to a nanosecond: a duration as Go writes it ("1s", "6m0s",
// "1m30.5s", "20ms"), seconds without a unit, or a date-time (RFC 3339), 0 when it has passed.
// Nothing on anything else and on more than a year.
[[nodiscard]] std::optional<Duration> parse_rate_limit_reset(std::string_view text,
                                                             std::int64_t now_unix_ms) noexcept;

// From x-ratelimit-{limit,remaining,reset}-{requests,tokens} (OpenAI and most others) and
// anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}
// (https://docs.anthropic.com/en/api/rate-limits). Of a field that came twice, the
// first that can be read.
[[nodiscard]] RateLimitFields parse_rate_limit_fields(const FieldList& fields,
                                                      std::int64_t now_unix_ms) noexcept;

}  // namespace sluice
