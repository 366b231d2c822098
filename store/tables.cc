#include "store/tables.h"

namespace sluice {

std::string_view table_name(Table table) noexcept {
  switch (table) {
    case Table::kMeta: return "meta";
    case Table::kAccounts: return "accounts";
    case Table::kAccountNames: return "account_names";
    case Table::kClientKeys: return "client_keys";
    case Table::kConfig: return "system_config";
    case Table::kCooldowns: return "cooldown_events";
    case Table::kCooldownsByAccount: return "cooldown_events_by_account";
    case Table::kHealth: return "backend_health";
    case Table::kPrices: return "prices";
    case Table::kNames: return "names";
    case Table::kNameTexts: return "name_texts";
    case Table::kUsageHourly: return "usage_hourly";
    case Table::kUsageDaily: return "usage_daily";
    case Table::kDailyAccounts: return "usage_daily_accounts";
    case Table::kUsageTotals: return "usage_totals";
    case Table::kRequests: return "requests";
    case Table::kRequestMinutes: return "request_minutes";
    case Table::kOpenAttempts: return "open_attempts";
    case Table::kJournals: return "journal_positions";
  }
  return "unknown";
}

}  // namespace sluice
