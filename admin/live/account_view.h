#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/route/account.h"
#include "engine/route/account_state.h"
#include "engine/route/directory.h"

namespace sluice {

// How an account is called in a list; the first that holds, from the end.
enum class AccountStatus : std::uint8_t { kHealthy, kCooling, kError, kDisabled };
inline constexpr std::array<std::string_view, 4> kAccountStatusNames = {"healthy", "cooling",
                                                                        "error", "disabled"};
inline constexpr std::array<std::string_view, 3> kRetreatNames = {"normal", "retreat", "recover"};
inline constexpr std::array<std::string_view, 3> kBreakerNames = {"closed", "open", "half_open"};

// AccountView - an account at one moment, as the administrator sees it. Times are milliseconds
// since 1970.
struct AccountView {
  Instant at{};  // of this look
  Instant
      cooled_until{};  // of the latest cooldown, also when it is over; Instant{}: there was none
  AccountStatus status = AccountStatus::kHealthy;
  std::int64_t cooldown_until_ms = 0;  // 0: it has answered no 429 that still counts
  std::int64_t hold_until_ms = 0;      // 0: its provider has not said that nothing is left
  std::uint32_t cooldowns = 0;         // in a row
  std::uint32_t tokens = 0;            // requests that could be sent now
  std::uint32_t capacity = 0;          // requests in a window, as limited now
  double rate_per_minute = 0;          // capacity, for 60 s
  std::uint32_t in_flight = 0;
  struct TokenLimit {
    std::int64_t tokens = 0;  // below 0: a debt
    std::uint64_t capacity = 0;
  };
  std::optional<TokenLimit> token_limit;
  Retreat::State retreat = Retreat::State::kNormal;
  BreakerState breaker = BreakerState::kClosed;
  std::uint32_t failures = 0;           // in a row, while the breaker is closed
  std::int64_t breaker_open_until = 0;  // 0: it is not open
  struct Fault {
    std::int64_t at_ms = 0;
    std::uint16_t status = 0;  // 0: no answer came
    std::string_view kind;     // a word for programs
    std::string_view summary;  // a sentence for people
  };
  std::optional<Fault> last_fault;

  // Its breaker is open, or lets only a probe through. The status, which has the predecessor's
  // words, does not say so.
  [[nodiscard]] bool failing() const noexcept {
    return status == AccountStatus::kHealthy && breaker != BreakerState::kClosed;
  }
  // Whether `tokens` can be had of it now.
  [[nodiscard]] bool usable() const noexcept {
    return status == AccountStatus::kHealthy && breaker == BreakerState::kClosed;
  }
  [[nodiscard]] double utilization() const noexcept {
    return capacity == 0 ? 1.0 : 1.0 - static_cast<double>(tokens) / capacity;
  }
};

// Any thread. `now` and `unix_ms` are the same instant.
[[nodiscard]] AccountView view_account(const Account& account, Instant now, std::int64_t unix_ms);
// In error since it was found, unless it is disabled.
[[nodiscard]] AccountView view_unopened(const UnopenedAccount& account, Instant now,
                                        std::int64_t unix_ms);

}  // namespace sluice
