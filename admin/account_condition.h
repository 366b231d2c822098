#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/route/account.h"
#include "engine/route/account_state.h"

namespace sluice {

// What stands between an account and its next request, the full bucket apart.
enum class AccountCondition : std::uint8_t {
  kHealthy,
  kCooling,   // it has answered 429, or said that nothing is left until a certain time
  kFailing,   // its breaker is open, or lets a probe through
  kError,     // its provider has refused the key, or the key does not open
  kDisabled,  // by the configuration
};
inline constexpr std::array<std::string_view, 5> kAccountConditionNames = {
    "healthy", "cooling", "failing", "error", "disabled"};
inline constexpr std::size_t kAccountConditions = kAccountConditionNames.size();

// Any thread.
[[nodiscard]] inline AccountCondition condition_of(const Account& account, Instant now) noexcept {
  const AccountState& state = *account.state;
  if (!account.enabled) return AccountCondition::kDisabled;
  if (state.rejected(account.generation)) return AccountCondition::kError;
  if (state.cooldown().running(now) || state.on_hold(now)) return AccountCondition::kCooling;
  if (state.breaker().read().state(now) != BreakerState::kClosed) return AccountCondition::kFailing;
  return AccountCondition::kHealthy;
}

}  // namespace sluice
