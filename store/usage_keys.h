#pragma once

#include <cstdint>
#include <functional>

#include "store/key_bytes.h"

namespace sluice {

inline constexpr std::int64_t kMinuteMs = 60'000;
inline constexpr std::int64_t kHourMs = 60 * kMinuteMs;
inline constexpr std::uint32_t kDayHours = 24;

// Minutes, hours and days since 1970 in UTC. Instants before count as 1970, those after the year
// 9999 as the last in range.
[[nodiscard]] constexpr std::uint32_t minute_of(std::int64_t unix_ms) noexcept {
  constexpr std::int64_t kLast = UINT32_MAX;
  const std::int64_t minute = unix_ms < 0 ? 0 : unix_ms / kMinuteMs;
  return static_cast<std::uint32_t>(minute < kLast ? minute : kLast);
}
[[nodiscard]] constexpr std::uint32_t hour_of(std::int64_t unix_ms) noexcept {
  return minute_of(unix_ms) / 60;
}
[[nodiscard]] constexpr std::uint32_t day_of_hour(std::uint32_t hour) noexcept {
  return hour / kDayHours;
}
[[nodiscard]] constexpr std::uint64_t key_ms(std::int64_t unix_ms) noexcept {
  return unix_ms < 0 ? 0 : static_cast<std::uint64_t>(unix_ms);
}

// HourlyKey - of usage_hourly. The hour comes first, so that the writer works at the table's end
// and a span of hours is a range. Names are numbers of the table `names`.
struct HourlyKey {
  std::uint32_t hour = 0;
  std::uint32_t account = 0;
  std::uint32_t model = 0;
  std::uint32_t client_key = 0;
  std::uint32_t pool = 0;

  [[nodiscard]] KeyBytes bytes() const {
    KeyBytes key;
    key.u32(hour).u32(account).u32(model).u32(client_key).u32(pool);
    return key;
  }
  // False when `key` is none.
  [[nodiscard]] bool read(std::string_view key) {
    KeyReader reader(key);
    hour = reader.u32();
    account = reader.u32();
    model = reader.u32();
    client_key = reader.u32();
    pool = reader.u32();
    return reader.done();
  }
  friend auto operator<=>(const HourlyKey&, const HourlyKey&) = default;
};

// DailyKey - of usage_daily; with an account behind it, of usage_daily_accounts.
struct DailyKey {
  std::uint32_t day = 0;
  std::uint32_t pool = 0;

  [[nodiscard]] KeyBytes bytes() const {
    KeyBytes key;
    key.u32(day).u32(pool);
    return key;
  }
  [[nodiscard]] bool read(std::string_view key) {
    KeyReader reader(key);
    day = reader.u32();
    pool = reader.u32();
    return reader.done();
  }
  friend auto operator<=>(const DailyKey&, const DailyKey&) = default;
};

// What a total is over, and what a filter looks for.
enum class UsageSide : std::uint8_t { kAll, kAccount, kModel, kClientKey, kStatus };

// TotalKey - of usage_totals: everything of one account, model or client key; kAll with number 0.
struct TotalKey {
  UsageSide side = UsageSide::kAll;
  std::uint32_t number = 0;

  [[nodiscard]] KeyBytes bytes() const {
    KeyBytes key;
    key.u8(static_cast<std::uint8_t>(side)).u32(number);
    return key;
  }
  [[nodiscard]] bool read(std::string_view key) {
    KeyReader reader(key);
    side = static_cast<UsageSide>(reader.u8());
    number = reader.u32();
    return reader.done() && side <= UsageSide::kClientKey;
  }
  friend auto operator<=>(const TotalKey&, const TotalKey&) = default;
};

// RequestKey - of requests: by time, and within it by who wrote it, unique for ever.
struct RequestKey {
  std::uint64_t unix_ms = 0;
  std::uint32_t journal = 0;
  std::uint64_t sequence = 0;

  [[nodiscard]] KeyBytes bytes() const {
    KeyBytes key;
    key.u64(unix_ms).u32(journal).u64(sequence);
    return key;
  }
  [[nodiscard]] bool read(std::string_view key) {
    KeyReader reader(key);
    unix_ms = reader.u64();
    journal = reader.u32();
    sequence = reader.u64();
    return reader.done();
  }
  friend auto operator<=>(const RequestKey&, const RequestKey&) = default;
};

// MinuteKey - of request_minutes: in this minute there is a request with that account, model,
// client key or status. A few entries a minute instead of four a request.
struct MinuteKey {
  std::uint32_t minute = 0;
  UsageSide side = UsageSide::kAccount;
  std::uint32_t number = 0;

  [[nodiscard]] KeyBytes bytes() const {
    KeyBytes key;
    key.u32(minute).u8(static_cast<std::uint8_t>(side)).u32(number);
    return key;
  }
  [[nodiscard]] bool read(std::string_view key) {
    KeyReader reader(key);
    minute = reader.u32();
    side = static_cast<UsageSide>(reader.u8());
    number = reader.u32();
    return reader.done() && side <= UsageSide::kStatus;
  }
  friend auto operator<=>(const MinuteKey&, const MinuteKey&) = default;
};

// OpenKey - of open_attempts: by the start's place in its journal.
struct OpenKey {
  std::uint32_t journal = 0;
  std::uint64_t sequence = 0;

  [[nodiscard]] KeyBytes bytes() const {
    KeyBytes key;
    key.u32(journal).u64(sequence);
    return key;
  }
  [[nodiscard]] bool read(std::string_view key) {
    KeyReader reader(key);
    journal = reader.u32();
    sequence = reader.u64();
    return reader.done();
  }
  friend auto operator<=>(const OpenKey&, const OpenKey&) = default;
};

}  // namespace sluice
