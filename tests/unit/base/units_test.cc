#include "base/units.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct DurationRow {
  const char* text;
  std::optional<Duration> duration;
};

constexpr DurationRow kDurationRows[] = {
    {"0", Duration(0)},
    {"30", 30s},
    {"30s", 30s},
    {"1.5s", 1500ms},
    {"250ms", 250ms},
    {"15us", 15us},
    {"5m", 5min},
    {"5min", 5min},
    {"1h", 1h},
    {"7d", 168h},
    {"0.1s", 100ms},
    {"", std::nullopt},
    {"s", std::nullopt},
    {"-1s", std::nullopt},
    {"+1s", std::nullopt},
    {" 1s", std::nullopt},
    {"1 s", std::nullopt},
    {"1S", std::nullopt},
    {"1w", std::nullopt},
    {"1e3s", std::nullopt},
    {"inf", std::nullopt},
    {"nan", std::nullopt},
    {"36501d", Duration(std::chrono::hours(36501 * 24))},
    {"4000000000s", std::nullopt},
    {"1ss", std::nullopt},
};

TEST(ParseDuration, IsANumberAndAUnit) {
  for (const DurationRow& row : kDurationRows)
    EXPECT_EQ(parse_duration(row.text), row.duration) << row.text;
}

struct BytesRow {
  const char* text;
  std::optional<std::uint64_t> bytes;
};

constexpr BytesRow kBytesRows[] = {
    {"0", 0},
    {"512", 512},
    {"512B", 512},
    {"64KiB", 64 * kKiB},
    {"64KB", 64 * kKiB},
    {"32MiB", 32 * kMiB},
    {"1GiB", 1024 * kMiB},
    {"18446744073709551615", UINT64_MAX},
    {"18446744073709551616", std::nullopt},
    {"17179869184GiB", std::nullopt},
    {"", std::nullopt},
    {"MiB", std::nullopt},
    {"-1", std::nullopt},
    {"1.5MiB", std::nullopt},
    {"1 MiB", std::nullopt},
    {"1mib", std::nullopt},
};

TEST(ParseBytes, IsAWholeNumberAndAUnit) {
  for (const BytesRow& row : kBytesRows) EXPECT_EQ(parse_bytes(row.text), row.bytes) << row.text;
}

TEST(ParseDecimal, TakesDigitsOnly) {
  EXPECT_EQ(parse_decimal("007"), 7u);
  for (const char* text : {"", "+1", "-1", "1 ", " 1", "0x1", "1.0", "18446744073709551616"})
    EXPECT_EQ(parse_decimal(text), std::nullopt) << text;
}

TEST(CeilSeconds, RoundsUp) {
  EXPECT_EQ(ceil_seconds(-5s), 0);
  EXPECT_EQ(ceil_seconds(0s), 0);
  EXPECT_EQ(ceil_seconds(1ns), 1);
  EXPECT_EQ(ceil_seconds(1s), 1);
  EXPECT_EQ(ceil_seconds(1s + 1ns), 2);
  EXPECT_EQ(ceil_milliseconds(1ns), 1);
  EXPECT_EQ(ceil_milliseconds(250ms), 250);
}

struct RetryAfterRow {
  const char* rule;
  Duration wait;
  std::int64_t milliseconds;
  std::int64_t seconds;
};

constexpr RetryAfterRow kRetryAfterRows[] = {
    {"a deadline that has passed", -5s, 0, 0},
    {"no wait", 0s, 0, 0},
    {"a wait is never told as none", 1ns, 1, 1},
    {"not even one that the slack covers", kRetryAfterSlack, 1, 1},
    {"a whole wait stays", 3s, 3000, 3},
    {"a deadline on the next tick inflates nothing", 3s + 4us, 3000, 3},
    {"up to the slack", 3s + kRetryAfterSlack, 3000, 3},
    {"what is more is told", 3s + kRetryAfterSlack + 1ns, 3001, 4},
    {"nobody is told to come a millisecond early", 3s - 1ns, 3000, 3},
    {"half a second", 1500ms, 1500, 2},
};

TEST(RetryAfter, BothFieldsSayTheSameWait) {
  for (const RetryAfterRow& row : kRetryAfterRows) {
    EXPECT_EQ(retry_after_milliseconds(row.wait), row.milliseconds) << row.rule;
    EXPECT_EQ(retry_after_seconds(row.wait), row.seconds) << row.rule;
  }
}

}  // namespace
}  // namespace sluice
