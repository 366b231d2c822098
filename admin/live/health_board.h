#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/route/string_hash.h"

namespace sluice {

enum class Health : std::uint8_t { kUnknown, kHealthy, kDegraded, kDown };
inline constexpr std::array<std::string_view, 4> kHealthNames = {"unknown", "healthy", "degraded",
                                                                 "down"};

// AccountHealth - what probes and real traffic say of an account.
struct AccountHealth {
  static constexpr double kGoodRate = 0.9;  // of attempts: below, clients notice

  Health state = Health::kUnknown;
  std::uint32_t failures = 0;      // of probes, in a row
  std::int64_t last_check_ms = 0;  // since 1970; 0: never
  std::uint16_t last_status = 0;   // 0: no answer
  std::uint64_t last_latency_us = 0;
  std::optional<double>
      success_rate;  // of attempts in the last 5 minutes; nothing: there were none

  bool restored = false;  // of an earlier process, and nothing has been found since

  [[nodiscard]] bool rate_is_poor() const noexcept {
    return success_rate && *success_rate < kGoodRate;
  }
};

// What one probe has found.
struct ProbeFinding {
  int status = 0;  // 0: no answer came
  Duration took{};
  std::int64_t unix_ms = 0;
};

// What becomes of an account's health with that finding. Only an answer of 2xx is a success, and
// ends the row of failures; what says nothing of the account (no list of models there, a limit that
// is used up) neither counts nor ends it. Pure.
[[nodiscard]] AccountHealth judge_health(AccountHealth before,
                                         const ProbeFinding& finding) noexcept;

// HealthBoard - the health of all accounts, by name.
//
// Affinity  any thread but a shard's that serves requests.
class HealthBoard {
 public:
  void note(std::string_view account, const ProbeFinding& finding);
  // What was known before this process; what it has found itself stands.
  void restore(std::string account, const AccountHealth& health);
  void note_rate(std::string_view account, std::optional<double> rate);
  [[nodiscard]] AccountHealth find(std::string_view account) const;
  // Those that probes have changed since the last call, with their names; for the store.
  [[nodiscard]] std::vector<std::pair<std::string, AccountHealth>> take_changes();

 private:
  struct Entry {
    AccountHealth health;
    bool changed = false;
  };
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry, StringHash, std::equal_to<>> entries_;  // under mutex_
};

}  // namespace sluice
