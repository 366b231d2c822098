#include "engine/cooldown_record.h"

#include <algorithm>

#include "store/cooldowns.h"

namespace sluice {
namespace {

std::uint64_t seconds_of(Duration span) noexcept {
  return static_cast<std::uint64_t>((span + 999ms) / 1s);
}

}  // namespace

StoreResult<void> CooldownRecord::begin(Writer& writer, const Account& account, Instant now,
                                        std::int64_t now_unix_ms) {
  const Cooldown& cooldown = account.state->cooldown();
  const Instant until = cooldown.until();
  const auto known = running_.find(account.name);
  const bool goes_on = known != running_.end();
  if (goes_on && known->second.until == until) return {};
  const std::int64_t started_ms = goes_on ? known->second.started_ms : now_unix_ms;
  const auto before_now = std::chrono::milliseconds(now_unix_ms - started_ms);
  StoredCooldown row;
  row.account = account.name;
  row.consecutive_count = cooldown.count();
  row.cooldown_seconds = seconds_of(until - now + before_now);
  row.response_summary = "429";
  row.started_ms = started_ms;
  if (const auto begun = begin_cooldown(writer, row); !begun) return store_fail(begun.error());
  running_[account.name] = {.started_ms = started_ms, .until = until};
  return {};
}

StoreResult<void> CooldownRecord::end_those_over(Writer& writer, Instant now,
                                                 std::int64_t now_unix_ms) {
  for (auto one = running_.begin(); one != running_.end();) {
    if (now < one->second.until) {
      ++one;
      continue;
    }
    const auto ended =
        end_cooldown(writer, one->first, now_unix_ms - (now - one->second.until) / 1ms);
    if (!ended) return store_fail(ended.error());
    one = running_.erase(one);
  }
  return {};
}

StoreResult<void> CooldownRecord::look(Writer& writer, const Directory& directory, Instant now,
                                       std::int64_t now_unix_ms) {
  // First the ends: an account may cool again.
  SL_STORE_TRY(end_those_over(writer, now, now_unix_ms));
  for (const auto& account : directory.accounts) {
    if (!account->state->cooldown().running(now)) continue;
    SL_STORE_TRY(begin(writer, *account, now, now_unix_ms));
  }
  return {};
}

StoreResult<std::uint64_t> CooldownRecord::restore(Writer& writer, const Directory& directory,
                                                   Instant now, std::int64_t now_unix_ms) {
  std::uint64_t cooling = 0;
  for (const auto& account : directory.accounts) {
    const auto last = recent_cooldowns(writer.environment(), account->name, 1);
    if (!last) return store_fail(last.error());
    if (last->empty() || last->front().ended_ms != 0) continue;
    const StoredCooldown& row = last->front();
    const auto length_ms = static_cast<std::int64_t>(row.cooldown_seconds) * 1000;
    // Not before its begin, which somebody has put into the future by setting the clock back.
    const std::int64_t past_ms = std::max<std::int64_t>(now_unix_ms - row.started_ms, 0);
    const Instant until = now + std::chrono::milliseconds(length_ms - past_ms);
    running_[account->name] = {.started_ms = row.started_ms, .until = until};
    if (until <= now) continue;
    account->state->cooldown().resume(until, row.consecutive_count);
    // As the deadline is kept, so that the next look finds nothing new.
    running_[account->name].until = account->state->cooldown().until();
    ++cooling;
  }
  SL_STORE_TRY(end_those_over(writer, now, now_unix_ms));
  return cooling;
}

}  // namespace sluice
