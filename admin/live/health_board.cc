#include "admin/live/health_board.h"

namespace sluice {
namespace {

constexpr std::uint32_t kDownAfter = 3;  // probes in a row; one or two may be a hiccup
constexpr Duration kSlow = 5s;           // for a list of models

enum class Says : std::uint8_t { kGood, kBad, kKeyRefused, kNothing };

Says meaning_of(int status) noexcept {
  if (status >= 200 && status < 300) return Says::kGood;
  switch (status) {
    case 401: return Says::kKeyRefused;
    case 403:  // of the list of models, not of requests
    case 404:
    case 405:
    case 429:
    case 501: return Says::kNothing;
    default: return Says::kBad;
  }
}

}  // namespace

AccountHealth judge_health(AccountHealth before, const ProbeFinding& finding) noexcept {
  AccountHealth after = before;
  after.restored = false;
  after.last_check_ms = finding.unix_ms;
  after.last_status = static_cast<std::uint16_t>(finding.status);
  after.last_latency_us = static_cast<std::uint64_t>(finding.took / 1us);
  switch (meaning_of(finding.status)) {
    case Says::kGood:
      after.failures = 0;
      after.state =
          finding.took > kSlow || before.rate_is_poor() ? Health::kDegraded : Health::kHealthy;
      break;
    case Says::kBad:
      ++after.failures;
      after.state = after.failures >= kDownAfter ? Health::kDown : Health::kDegraded;
      break;
    case Says::kKeyRefused:
      ++after.failures;
      after.state = Health::kDown;
      break;
    case Says::kNothing:
      if (before.success_rate)
        after.state = before.rate_is_poor() ? Health::kDegraded : Health::kHealthy;
      break;
  }
  return after;
}

void HealthBoard::note(std::string_view account, const ProbeFinding& finding) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[std::string(account)];
  entry.health = judge_health(entry.health, finding);
  entry.changed = true;
}

void HealthBoard::restore(std::string account, const AccountHealth& health) {
  const std::lock_guard lock(mutex_);
  entries_.try_emplace(std::move(account), Entry{health, false});
}

void HealthBoard::note_rate(std::string_view account, std::optional<double> rate) {
  const std::lock_guard lock(mutex_);
  entries_[std::string(account)].health.success_rate = rate;
}

AccountHealth HealthBoard::find(std::string_view account) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(account);
  return found == entries_.end() ? AccountHealth{} : found->second.health;
}

std::vector<std::pair<std::string, AccountHealth>> HealthBoard::take_changes() {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, AccountHealth>> changes;
  for (auto& [name, entry] : entries_) {
    if (entry.changed) changes.emplace_back(name, entry.health);
    entry.changed = false;
  }
  return changes;
}

}  // namespace sluice
