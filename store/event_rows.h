#pragma once

#include <cstdint>
#include <string>

#include "store/tables.h"

namespace sluice {

// What happened to accounts. Times are milliseconds since 1970.

// StoredCooldown - one cooldown of one account, from its first refusal to its end.
struct StoredCooldown {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr Table kTable = Table::kCooldowns;

  std::uint64_t number = 0;  // never used twice
  std::string account;       // by its name: the event outlives the account
  std::uint32_t consecutive_count = 0;
  std::uint64_t cooldown_seconds = 0;
  std::string response_summary;
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;  // 0: not yet

  // Number and begin are in the key alone.
  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.account, row.consecutive_count, row.cooldown_seconds, row.response_summary,
          row.ended_ms);
  }
  friend bool operator==(const StoredCooldown&, const StoredCooldown&) = default;
};

enum class HealthState : std::uint8_t { kHealthy, kDegraded, kDown, kLast = kDown };

// StoredHealth - what the health probe last found of an account, by the account's name.
struct StoredHealth {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr Table kTable = Table::kHealth;

  std::string account;
  HealthState state = HealthState::kHealthy;
  std::uint64_t last_latency_ms = 0;
  std::uint16_t last_status_code = 0;        // 0: no answer
  std::uint32_t success_rate_5m_permil = 0;  // of a thousand probes
  std::uint32_t consecutive_failures = 0;
  std::int64_t last_check_ms = 0;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.state, row.last_latency_ms, row.last_status_code, row.success_rate_5m_permil,
          row.consecutive_failures, row.last_check_ms);
  }
  friend bool operator==(const StoredHealth&, const StoredHealth&) = default;
};

}  // namespace sluice
