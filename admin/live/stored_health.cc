#include "admin/live/stored_health.h"

#include "store/catalog.h"

namespace sluice {
namespace {

constexpr std::uint64_t kUsPerMs = 1'000;

HealthState stored_state(Health health) {
  switch (health) {
    case Health::kDegraded: return HealthState::kDegraded;
    case Health::kDown: return HealthState::kDown;
    case Health::kUnknown:
    case Health::kHealthy: break;
  }
  return HealthState::kHealthy;
}

Health state_of(HealthState stored) {
  switch (stored) {
    case HealthState::kDegraded: return Health::kDegraded;
    case HealthState::kDown: return Health::kDown;
    case HealthState::kHealthy: break;
  }
  return Health::kHealthy;
}

}  // namespace

void read_health(StoreEnvironment& store, HealthBoard& board) {
  const auto rows = list_health(store);
  if (!rows) return;
  for (const StoredHealth& row : *rows) {
    // The rate is of attempts of the last minutes: those are not known here.
    board.restore(row.account, {.state = state_of(row.state),
                                .failures = row.consecutive_failures,
                                .last_check_ms = row.last_check_ms,
                                .last_status = row.last_status_code,
                                .last_latency_us = row.last_latency_ms * kUsPerMs,
                                .success_rate = {},
                                .restored = true});
  }
}

void write_health(Writer& writer,
                  const std::vector<std::pair<std::string, AccountHealth>>& changes) {
  for (const auto& [name, health] : changes) {
    const StoredHealth row{.account = name,
                           .state = stored_state(health.state),
                           // Rounded up: no answer takes nothing.
                           .last_latency_ms = (health.last_latency_us + kUsPerMs - 1) / kUsPerMs,
                           .last_status_code = health.last_status,
                           .success_rate_5m_permil =
                               static_cast<std::uint32_t>(health.success_rate.value_or(1) * 1000),
                           .consecutive_failures = health.failures,
                           .last_check_ms = health.last_check_ms};
    static_cast<void>(put_health(writer, row));
  }
}

}  // namespace sluice
