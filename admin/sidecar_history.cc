#include "admin/sidecar_history.h"

#include <algorithm>
#include <array>

#include "store/names.h"
#include "store/usage_keys.h"

namespace sluice {
namespace {

constexpr std::int64_t kHourSeconds = 3600;
constexpr std::string_view kPools[] = {"primary", "fallback"};

std::uint64_t product(std::int64_t mean, std::uint64_t count) noexcept {
  std::uint64_t result = 0;
  if (mean <= 0) return 0;
  return __builtin_mul_overflow(static_cast<std::uint64_t>(mean), count, &result) ? UINT64_MAX
                                                                                  : result;
}

std::uint64_t amount(std::int64_t value) noexcept {
  return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

std::uint32_t hour_number(std::int64_t unix_seconds) noexcept {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(unix_seconds / kHourSeconds, 0, UINT32_MAX));
}

UsageSums sums_of(const ImportedUsageHour& hour) {
  UsageSums sums;
  sums.requests = sums.attempts = hour.requests;
  sums.errors = sums.failed_attempts = hour.errors;
  sums.prompt_tokens = hour.prompt_tokens;
  sums.completion_tokens = hour.completion_tokens;
  bool fits = true;
  sums.total_tokens =
      std::max(hour.total_tokens, saturating_sum(hour.prompt_tokens, hour.completion_tokens, fits));
  sums.cost_nano_dollars = amount(hour.cost_nano_dollars);
  sums.latency_us = product(hour.latency_mean_us, hour.requests);
  sums.first_token_us = product(hour.first_token_mean_us, hour.requests);
  sums.first_tokens = hour.first_token_mean_us > 0 ? hour.requests : 0;
  return sums;
}

SidecarAccountRef account_of(const SidecarAccounts& accounts, const std::string& id) {
  const auto found = accounts.find(id);
  return found == accounts.end() ? SidecarAccountRef{.name = id} : found->second;
}

// What a day is told twice by: as sums, and by its hours.
using DayAmounts = std::array<std::uint64_t, 4>;

DayAmounts amounts_of(const ImportedDay& day) {
  return {day.requests, day.errors, day.tokens, amount(day.cost_nano_dollars)};
}
DayAmounts amounts_of(const UsageSums& sums) {
  return {sums.requests, sums.errors, sums.total_tokens, sums.cost_nano_dollars};
}

void add(DayAmounts& to, const DayAmounts& more) {
  bool fits = true;
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = saturating_sum(to[i], more[i], fits);
}

struct DayBalance {
  std::array<DayAmounts, 2> told{};   // by pool
  std::array<DayAmounts, 2> hours{};  // by pool, as the accounts belong to them now

  // What the day has beyond its hours in `pool`, and no more than all of it has: an account may
  // have changed its pool since.
  [[nodiscard]] DayAmounts missing(std::size_t pool) const {
    DayAmounts result{};
    for (std::size_t i = 0; i < result.size(); ++i) {
      const auto beyond = [i](const DayAmounts& a, const DayAmounts& b) {
        return a[i] > b[i] ? a[i] - b[i] : 0;
      };
      DayAmounts all_told = told[0], all_hours = hours[0];
      add(all_told, told[1]);
      add(all_hours, hours[1]);
      const std::uint64_t all = beyond(all_told, all_hours);
      const std::uint64_t first = std::min(all, beyond(told[0], hours[0]));
      result[i] = pool == 0 ? first : std::min(all - first, beyond(told[1], hours[1]));
    }
    return result;
  }
};

std::uint64_t fill_days(const SidecarDocument& document, StoreImport& import) {
  std::map<std::uint32_t, DayBalance> days;
  for (const ImportedDay& day : document.days) {
    DayBalance& balance = days[hour_number(day.day_unix_seconds) / kDayHours];
    add(balance.told[day.is_fallback ? 1 : 0], amounts_of(day));
  }
  for (const UsageHour& hour : import.hours) {
    const auto day = days.find(hour.hour / kDayHours);
    if (day != days.end()) add(day->second.hours[hour.pool == kPools[1]], amounts_of(hour.sums));
  }
  std::uint64_t filled = 0;
  for (const auto& [day, balance] : days) {
    bool any = false;
    for (std::size_t pool = 0; pool < std::size(kPools); ++pool) {
      const DayAmounts missing = balance.missing(pool);
      if (missing == DayAmounts{}) continue;
      any = true;
      UsageHour hour{.hour = day * kDayHours,
                     .account = std::string(kNoAccount),
                     .model = std::string(Names::kOther),
                     .pool = std::string(kPools[pool]),
                     .sums = {}};
      hour.sums.requests = hour.sums.attempts = missing[0];
      hour.sums.errors = hour.sums.failed_attempts = missing[1];
      hour.sums.total_tokens = missing[2];
      hour.sums.cost_nano_dollars = missing[3];
      import.hours.push_back(std::move(hour));
    }
    filled += any;
  }
  return filled;
}

StoredCooldown stored_cooldown(const ImportedCooldown& event, const SidecarAccounts& accounts) {
  StoredCooldown row;
  row.account = account_of(accounts, event.account_id).name;
  row.consecutive_count =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(event.consecutive, UINT32_MAX));
  row.cooldown_seconds = amount(event.cooldown_ms) / 1000;
  row.response_summary = event.response_summary;
  row.started_ms = std::max<std::int64_t>(event.started_at_unix_ms.value_or(0), 0);
  row.ended_ms = event.ended_at_unix_ms.value_or(0);
  if (row.ended_ms < row.started_ms) {
    constexpr std::uint64_t kYearSeconds = 366 * 86'400ull;  // nothing cools for longer
    const std::uint64_t seconds = std::min(row.cooldown_seconds, kYearSeconds);
    row.ended_ms = row.started_ms + static_cast<std::int64_t>(seconds) * 1000;
  }
  return row;
}

std::uint64_t take_cooldowns(const SidecarDocument& document, const SidecarAccounts& accounts,
                             StoreImport& import) {
  std::vector<StoredCooldown> rows;
  for (const ImportedCooldown& event : document.cooldowns)
    rows.push_back(stored_cooldown(event, accounts));
  std::ranges::stable_sort(rows, [](const StoredCooldown& a, const StoredCooldown& b) {
    return std::pair(a.account, a.started_ms) < std::pair(b.account, b.started_ms);
  });
  std::uint64_t joined = 0;
  for (StoredCooldown& row : rows) {
    StoredCooldown* const last = import.cooldowns.empty() ? nullptr : &import.cooldowns.back();
    if (last == nullptr || last->account != row.account || row.started_ms >= last->ended_ms) {
      import.cooldowns.push_back(std::move(row));
      continue;
    }
    last->ended_ms = std::max(last->ended_ms, row.ended_ms);
    last->consecutive_count = std::max(last->consecutive_count, row.consecutive_count);
    last->cooldown_seconds = std::max(last->cooldown_seconds, row.cooldown_seconds);
    ++joined;
  }
  return joined;
}

}  // namespace

SidecarHistory take_history(const SidecarDocument& document, const SidecarAccounts& accounts,
                            StoreImport& import) {
  SidecarHistory history;
  for (const ImportedUsageHour& hour : document.usage) {
    const SidecarAccountRef account = account_of(accounts, hour.account_id);
    import.hours.push_back({.hour = hour_number(hour.hour_unix_seconds),
                            .account = account.name,
                            .model = hour.model,
                            .pool = std::string(kPools[account.is_fallback ? 1 : 0]),
                            .sums = sums_of(hour)});
    bool fits = true;
    history.requests = saturating_sum(history.requests, hour.requests, fits);
  }
  history.filled_days = fill_days(document, import);
  history.joined_cooldowns = take_cooldowns(document, accounts, import);
  return history;
}

}  // namespace sluice
