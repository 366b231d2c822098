#include "parser/retry_after.h"

#include <gtest/gtest.h>

#include <string>

#include "base/prng.h"
#include "parser/http_date.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT

struct DateRow {
  std::string_view text;
  std::optional<std::int64_t> unix_s;
};

constexpr DateRow kDateRows[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"Wed Nov 16 08:49:37 1994", 784975777},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
    {"Fri, 31 Dec 1999 23:59:60 GMT", 946684800},
    {"Friday, 01-Jan-71 00:00:00 GMT", 3187296000},   // 2071: within 50 years
    {"Thursday, 01-Jan-74 00:00:00 GMT", 126230400},  // 1974: 2074 is too far ahead
    {"Tue, 29 Feb 2023 00:00:00 GMT", std::nullopt},
    {"Tue, 31 Apr 2024 00:00:00 GMT", std::nullopt},
    {"Tue, 00 Apr 2024 00:00:00 GMT", std::nullopt},
    {"Tue, 01 Apr 2024 24:00:00 GMT", std::nullopt},
    {"Tue, 01 Apr 2024 00:60:00 GMT", std::nullopt},
    {"Tue, 01 Apr 2024 00:00:61 GMT", std::nullopt},
    {"Wed, 31 Dec 1969 23:59:59 GMT", std::nullopt},
    {"Sun, 06 Nov 1994 08:49:37 UTC", std::nullopt},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", std::nullopt},
    {"Sun, 06 Nov 1994 08:49:37", std::nullopt},
    {"Sun, 6 Nov 1994 08:49:37 GMT", std::nullopt},
    {"sun, 06 nov 1994 08:49:37 gmt", std::nullopt},
    {"Son, 06 Nov 1994 08:49:37 GMT", std::nullopt},
    {"Sun, 06 Nox 1994 08:49:37 GMT", std::nullopt},
    {"Sunday, 06 Nov 1994 08:49:37 GMT", std::nullopt},
    {"Sun, +6 Nov 1994 08:49:37 GMT", std::nullopt},
    {"Sun", std::nullopt},
    {"Sunday, ", std::nullopt},
    {"", std::nullopt},
};

TEST(HttpDate, InItsThreeForms) {
  GuardedBytes memory(64);
  for (const DateRow& row : kDateRows)
    EXPECT_EQ(parse_http_date(memory.place(row.text), kNow), row.unix_s) << row.text;
}

TEST(HttpDate, WhatIsWrittenIsReadBack) {
  GuardedBytes memory(kHttpDateBytes);
  char* const out = memory.room(kHttpDateBytes);
  write_http_date(out, 784111777);
  EXPECT_EQ(std::string_view(out, kHttpDateBytes), "Sun, 06 Nov 1994 08:49:37 GMT");
  Prng random(3);
  for (int round = 0; round < 20000; ++round) {
    const auto unix_s = static_cast<std::int64_t>(random.below(253402300800));
    write_http_date(out, unix_s);
    ASSERT_EQ(parse_http_date({out, kHttpDateBytes}, kNow), unix_s);
  }
}

struct WaitRow {
  std::string_view what;
  std::string_view retry_after;
  std::string_view retry_after_ms;
  std::optional<Duration> wait;
};

constexpr WaitRow kWaitRows[] = {
    {"nothing", "", "", std::nullopt},
    {"seconds", "30", "", 30s},
    {"zero seconds", "0", "", 0s},
    {"seconds with a fraction", "1.5", "", 1500ms},
    {"a fraction finer than a nanosecond is rounded up", "0.0000000001", "", 1ns},
    {"zeros finer than a nanosecond", "1.00000000000000", "", 1s},
    {"nanoseconds", "0.123456789", "", 123456789ns},
    {"milliseconds", "", "1500", 1500ms},
    {"milliseconds with a fraction", "", "0.25", 250us},
    {"milliseconds go first", "30", "1500", 1500ms},
    {"milliseconds that cannot be read", "30", "soon", 30s},
    {"a date ahead", "Tue, 14 Nov 2023 22:13:50 GMT", "", 30s},
    {"a date in the past", "Sun, 06 Nov 1994 08:49:37 GMT", "", 0s},
    {"a date in its second form", "Tuesday, 14-Nov-23 22:13:21 GMT", "", 1s},
    {"far ahead", "Sun, 06 Nov 2094 08:49:37 GMT", "", kRetryAfterMax},
    {"more seconds than fit", "99999999999999999999999999999", "", kRetryAfterMax},
    {"more milliseconds than fit", "", "99999999999999999999999999999.9", kRetryAfterMax},
    {"a sign", "-1", "", std::nullopt},
    {"a plus", "+1", "", std::nullopt},
    {"an exponent", "1e3", "", std::nullopt},
    {"a unit", "30s", "", std::nullopt},
    {"no digits before the point", ".5", "", std::nullopt},
    {"no digits behind the point", "1.", "", std::nullopt},
    {"two points", "1.2.3", "", std::nullopt},
    {"a list", "1, 2", "", std::nullopt},
    {"words", "soon", "later", std::nullopt},
};

TEST(RetryAfter, InItsThreeSpellings) {
  GuardedBytes memory(64), more_memory(64);
  for (const WaitRow& row : kWaitRows) {
    EXPECT_EQ(parse_retry_after(memory.place(row.retry_after),
                                more_memory.place(row.retry_after_ms), kNow * 1000),
              row.wait)
        << row.what;
  }
}

TEST(RetryAfter, FromTheFieldsOfAnAnswer) {
  WithFields<FieldList> fields;
  EXPECT_EQ(parse_retry_after(fields, kNow * 1000), std::nullopt);
  fields.items[fields.count++] = {"Retry-After", "2", FieldId::kRetryAfter, false};
  EXPECT_EQ(parse_retry_after(fields, kNow * 1000), Duration(2s));
  fields.items[fields.count++] = {"retry-after-ms", "1700", FieldId::kRetryAfterMs, false};
  EXPECT_EQ(parse_retry_after(fields, kNow * 1000), Duration(1700ms));
}

}  // namespace
}  // namespace sluice
