#include "parser/rate_limit_fields.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/prng.h"
#include "parser/retry_after.h"
#include "parser/rfc3339.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

struct DateRow {
  std::string_view text;
  std::optional<std::int64_t> unix_ms;
};

constexpr DateRow kDateRows[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2023-11-14T22:13:20Z", kNowMs},
    {"2023-11-14t22:13:20z", kNowMs},
    {"2023-11-14T22:13:20.1Z", kNowMs + 100},
    {"2023-11-14T22:13:20.123Z", kNowMs + 123},
    {"2023-11-14T22:13:20.123000Z", kNowMs + 123},
    {"2023-11-14T22:13:20.1230001Z", kNowMs + 124},
    {"2023-11-14T22:13:20.9999Z", kNowMs + 1000},
    {"2023-11-14T22:13:20+00:00", kNowMs},
    {"2023-11-15T00:13:20+02:00", kNowMs},
    {"2023-11-14T16:43:20.5-05:30", kNowMs + 500},
    {"2024-02-29T00:00:00Z", 1'709'164'800'000},
    {"2016-12-31T23:59:60Z", 1'483'228'800'000},
    {"1969-12-31T23:59:59Z", std::nullopt},
    {"1970-01-01T00:00:00+00:01", std::nullopt},
    {"2023-02-29T00:00:00Z", std::nullopt},
    {"2023-13-01T00:00:00Z", std::nullopt},
    {"2023-00-01T00:00:00Z", std::nullopt},
    {"2023-11-00T00:00:00Z", std::nullopt},
    {"2023-11-31T00:00:00Z", std::nullopt},
    {"2023-11-14T24:00:00Z", std::nullopt},
    {"2023-11-14T22:60:00Z", std::nullopt},
    {"2023-11-14T22:13:61Z", std::nullopt},
    {"2023-11-14T22:13:20", std::nullopt},
    {"2023-11-14T22:13:20.Z", std::nullopt},
    {"2023-11-14T22:13:20,5Z", std::nullopt},
    {"2023-11-14 22:13:20Z", std::nullopt},
    {"2023-11-14T22:13:20Zulu", std::nullopt},
    {"2023-11-14T22:13:20+0200", std::nullopt},
    {"2023-11-14T22:13:20+24:00", std::nullopt},
    {"2023-11-14T22:13:20+02:00x", std::nullopt},
    {"2023-11-14T22:13:20+02:60", std::nullopt},
    {"2023-11-14T22:13:20 02:00", std::nullopt},
    {"2023-11-1fT22:13:20Z", std::nullopt},
    {"+023-11-14T22:13:20Z", std::nullopt},
    {"12023-11-14T22:13:20Z", std::nullopt},
    {"", std::nullopt},
};

TEST(Rfc3339, DateTimes) {
  GuardedBytes memory(64);
  for (const DateRow& row : kDateRows) {
    EXPECT_EQ(parse_rfc3339(memory.place(row.text)), row.unix_ms) << row.text;
  }
}

TEST(Rfc3339, CutAnywhereItIsNone) {
  GuardedBytes memory(64);
  for (const DateRow& row : kDateRows) {
    for (std::size_t bytes = 0; row.unix_ms && bytes < row.text.size(); ++bytes) {
      const std::string_view cut = row.text.substr(0, bytes);
      EXPECT_EQ(parse_rfc3339(memory.place(cut)), std::nullopt) << cut;
    }
  }
}

struct ResetRow {
  std::string_view text;
  std::optional<Duration> wait;
};

constexpr ResetRow kResetRows[] = {
    {"1s", 1s},
    {"0s", 0s},
    {"6m0s", 6min},
    {"1m30.5s", 90'500ms},
    {"20ms", 20ms},
    {"7.66s", 7'660ms},
    {"2m59.56s", 179'560ms},
    {"1h0m0s", 1h},
    {"24h0m0s", 24h},
    {"1h2m3.004005006s", 1h + 2min + 3'004'005'006ns},
    {"0.5h", 30min},
    {"0.3333h", 1'199'880ms},
    {"250us", 250us},
    {"250\xc2\xb5s", 250us},
    {"250\xce\xbcs", 250us},
    {"12ns", 12ns},
    {"0.5ns", 1ns},
    {"0.0000000001s", 1ns},
    {"1.000000000000000000000000s", 1s},
    {"1.000000000000000000000001s", 1'000'000'001ns},
    {"30", 30s},
    {"1.5", 1'500ms},
    {"0", 0s},
    {"8760h", 24h * 365},
    {"31536000", 24h * 365},
    {"2023-11-14T22:13:50Z", 30s},
    {"2023-11-14T22:13:50.5+00:00", 30'500ms},
    {"2020-01-01T00:00:00Z", 0s},
    {"2024-11-13T22:13:20Z", 24h * 365},
    {"2024-11-13T22:13:20.001Z", std::nullopt},
    {"8760h1ns", std::nullopt},
    {"31536000.1", std::nullopt},
    {"1700000000", std::nullopt},  // seconds since 1970
    {"99999999999999999999", std::nullopt},
    {"18446744073709551616ns", std::nullopt},
    {"99999999999999h99999999999999h", std::nullopt},
    {"", std::nullopt},
    {"s", std::nullopt},
    {".5s", std::nullopt},
    {"1.s", std::nullopt},
    {"1..5s", std::nullopt},
    {"1.5.5s", std::nullopt},
    {"-1s", std::nullopt},
    {"+1s", std::nullopt},
    {"-1", std::nullopt},
    {"1s-1s", std::nullopt},
    {"1 s", std::nullopt},
    {"1s ", std::nullopt},
    {" 1s", std::nullopt},
    {"1d", std::nullopt},
    {"1S", std::nullopt},
    {"1s30", std::nullopt},
    {"1m30", std::nullopt},
    {"30,1s", std::nullopt},
    {"1\xc2s", std::nullopt},
    {"1e3", std::nullopt},
    {"0x10", std::nullopt},
    {"inf", std::nullopt},
    {"soon", std::nullopt},
};

TEST(RateLimitFields, Resets) {
  GuardedBytes memory(64);
  for (const ResetRow& row : kResetRows) {
    EXPECT_EQ(parse_rate_limit_reset(memory.place(row.text), kNowMs), row.wait) << row.text;
  }
}

TEST(RateLimitFields, AResetCutAnywhereIsNoneOrAWaitInBounds) {
  GuardedBytes memory(64);
  for (const ResetRow& row : kResetRows) {
    for (std::size_t bytes = 0; bytes < row.text.size(); ++bytes) {
      const auto wait = parse_rate_limit_reset(memory.place(row.text.substr(0, bytes)), kNowMs);
      EXPECT_TRUE(!wait || (*wait >= 0s && *wait <= kRetryAfterMax)) << row.text;
    }
  }
  const std::optional<Duration> kCuts[] = {{}, 1s, 1min, {}, {}, {}, {}, 1min + 30500ms};
  for (std::size_t bytes = 0; bytes < std::size(kCuts); ++bytes) {
    const std::string_view cut = std::string_view("1m30.5s").substr(0, bytes);
    EXPECT_EQ(parse_rate_limit_reset(memory.place(cut), kNowMs), kCuts[bytes]) << cut;
  }
}

TEST(RateLimitFields, WhatGoWritesIsReadBack) {
  Prng prng(5);
  for (int round = 0; round < 20'000; ++round) {
    const auto ns = static_cast<std::int64_t>(prng.next() >> (20 + prng.below(44)));
    const std::int64_t minutes = ns / 60'000'000'000;
    std::string text;
    if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
    if (minutes > 0) text += std::to_string(minutes % 60) + "m";
    std::string fraction = std::to_string(1'000'000'000 + ns % 1'000'000'000).substr(1);
    while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
    text += std::to_string(ns / 1'000'000'000 % 60);
    text += (fraction.empty() ? "" : "." + fraction) + "s";
    ASSERT_EQ(parse_rate_limit_reset(text, kNowMs), Duration(ns)) << text;
  }
}

struct NamedValue {
  std::string_view name;
  std::string_view value;
};

WithFields<FieldList> fields_of(const std::vector<NamedValue>& values) {
  WithFields<FieldList> fields;
  for (const NamedValue& field : values) {
    fields.items[fields.count++] = {field.name, field.value, field_id(field.name), false};
  }
  return fields;
}

struct FieldsRow {
  const char* rule;
  std::vector<NamedValue> fields;
  RateLimitFields read;
};

const FieldsRow kFieldsRows[] = {
    {"nothing", {{"content-type", "text/plain"}, {"x-other", "1"}}, {}},
    {"OpenAI",
     {{"x-ratelimit-limit-requests", "60"},
      {"x-ratelimit-limit-tokens", "150000"},
      {"x-ratelimit-remaining-requests", "59"},
      {"x-ratelimit-remaining-tokens", "149984"},
      {"x-ratelimit-reset-requests", "1s"},
      {"x-ratelimit-reset-tokens", "6m0s"}},
     {.requests = {60, 59, 1s},
      .tokens = {150'000, 149'984, 6min},
      .input_tokens = {},
      .output_tokens = {}}},
    {"Anthropic",
     {{"anthropic-ratelimit-requests-limit", "50"},
      {"anthropic-ratelimit-requests-remaining", "49"},
      {"anthropic-ratelimit-requests-reset", "2023-11-14T22:13:21Z"},
      {"anthropic-ratelimit-tokens-limit", "100000"},
      {"anthropic-ratelimit-tokens-remaining", "99000"},
      {"anthropic-ratelimit-tokens-reset", "2023-11-14T22:14:20Z"},
      {"anthropic-ratelimit-input-tokens-limit", "80000"},
      {"anthropic-ratelimit-input-tokens-remaining", "79000"},
      {"anthropic-ratelimit-input-tokens-reset", "2023-11-14T22:13:20Z"},
      {"anthropic-ratelimit-output-tokens-limit", "20000"},
      {"anthropic-ratelimit-output-tokens-remaining", "0"},
      {"anthropic-ratelimit-output-tokens-reset", "2023-11-14T22:13:30Z"}},
     {.requests = {50, 49, 1s},
      .tokens = {100'000, 99'000, 60s},
      .input_tokens = {80'000, 79'000, 0s},
      .output_tokens = {20'000, 0, 10s}}},
    {"names in any case",
     {{"X-RateLimit-Limit-Requests", "7"}, {"Anthropic-RateLimit-Tokens-Remaining", "8"}},
     {.requests = {7, {}, {}}, .tokens = {{}, 8, {}}, .input_tokens = {}, .output_tokens = {}}},
    {"the first that can be read",
     {{"x-ratelimit-limit-requests", "many"},
      {"x-ratelimit-limit-requests", "7"},
      {"x-ratelimit-limit-requests", "8"}},
     {.requests = {7, {}, {}}, .tokens = {}, .input_tokens = {}, .output_tokens = {}}},
    {"the largest count there is",
     {{"x-ratelimit-limit-tokens", "18446744073709551615"}},
     {.requests = {}, .tokens = {UINT64_MAX, {}, {}}, .input_tokens = {}, .output_tokens = {}}},
    {"counts that are none",
     {{"x-ratelimit-limit-tokens", "18446744073709551616"},
      {"x-ratelimit-remaining-tokens", "-1"},
      {"x-ratelimit-limit-requests", "+1"},
      {"x-ratelimit-remaining-requests", "1.5"},
      {"anthropic-ratelimit-input-tokens-limit", ""},
      {"anthropic-ratelimit-output-tokens-limit", "10;w=60"}},
     {}},
    {"names that are near",
     {{"x-ratelimit-limit", "1"},
      {"x-ratelimit-limit-", "1"},
      {"x-ratelimit--requests", "1"},
      {"x-ratelimit-requests-limit", "1"},
      {"x-ratelimit-limit-requests-day", "1"},
      {"x-ratelimit-limits-requests", "1"},
      {"ratelimit-limit-requests", "1"},
      {"anthropic-ratelimit-limit-requests", "1"},
      {"anthropic-ratelimit-requests", "1"},
      {"anthropic-ratelimit-", "1"},
      {"anthropic-ratelimit-unified-limit", "1"}},
     {}},
};

TEST(RateLimitFields, FromTheFieldsOfAnAnswer) {
  for (const FieldsRow& row : kFieldsRows) {
    EXPECT_EQ(parse_rate_limit_fields(fields_of(row.fields), kNowMs), row.read) << row.rule;
  }
}

TEST(RateLimitFields, CutAnywhereNamesAreOthersAndValuesAreInBounds) {
  GuardedBytes names(64), values(64);
  for (const FieldsRow& row : kFieldsRows) {
    for (const NamedValue& field : row.fields) {
      for (std::size_t bytes = 1; bytes < field.name.size(); ++bytes) {
        const std::string_view cut = names.place(field.name.substr(0, bytes));
        const RateLimitFields read = parse_rate_limit_fields(fields_of({{cut, "1"}}), kNowMs);
        const bool known = cut == "x-ratelimit-limit-requests";  // of "requests-day"
        EXPECT_EQ(read == RateLimitFields{}, !known) << cut;
      }
      for (std::size_t bytes = 0; bytes < field.value.size(); ++bytes) {
        const std::string_view cut = values.place(field.value.substr(0, bytes));
        const RateLimitFields read =
            parse_rate_limit_fields(fields_of({{"x-ratelimit-remaining-tokens", cut}}), kNowMs);
        const bool digits = !cut.empty() && cut.find_first_not_of("0123456789") == cut.npos;
        EXPECT_EQ(read.tokens.remaining.has_value(), digits && bytes < 20) << cut;
      }
    }
  }
}

}  // namespace
}  // namespace sluice
