#include "store/check.h"

#include <map>
#include <set>

#include "store/account_rows.h"
#include "store/cooldowns.h"
#include "store/key_bytes.h"
#include "store/prices.h"
#include "store/rows.h"
#include "store/usage_keys.h"
#include "store/usage_rows.h"

namespace sluice {
namespace {

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text.push_back(kDigits[static_cast<std::uint8_t>(byte) >> 4]);
    text.push_back(kDigits[static_cast<std::uint8_t>(byte) & 15]);
  }
  return text;
}

// StoreCheck - one check, in one transaction.
class StoreCheck {
 public:
  explicit StoreCheck(const Transaction& transaction) : transaction_(&transaction) {}

  StoreResult<CheckReport> run() {
    SL_STORE_TRY(check_names());
    SL_STORE_TRY(check_catalog());
    SL_STORE_TRY(check_cooldowns());
    SL_STORE_TRY(check_hourly());
    SL_STORE_TRY(check_daily());
    SL_STORE_TRY(check_totals());
    SL_STORE_TRY(check_requests());
    return std::move(report_);
  }

 private:
  void fault(Table table, std::string_view key, std::string text) {
    report_.add({table, hex(key), std::move(text)});
  }
  void fault(Table table, std::string_view key, const StoreError& error) {
    fault(table, key,
          error.code == StoreErrc::kUnknownVersion
              ? "version " + std::to_string(error.detail) + " is not known here"
              : "does not decode");
  }
  bool good_key(Table table, std::string_view key, bool good) {
    if (!good) fault(table, key, "is no key of this table");
    return good;
  }

  template <class OnRow>
  StoreResult<void> walk(Table table, OnRow&& on_row) {
    auto cursor = StoreCursor::open(*transaction_, table);
    if (!cursor) return store_fail(cursor.error());
    auto found = cursor->first();
    std::string_view before;
    for (; found && *found; found = cursor->next()) {
      // In damaged pages a branch may lead back to one above it, without an end.
      if (cursor->key() <= before) {
        fault(table, cursor->key(), "is not in the order of keys: what follows is not read");
        return {};
      }
      before = cursor->key();  // in the map, which stays as long as the transaction
      ++report_.rows;
      on_row(cursor->key(), cursor->value());
    }
    if (!found) return store_fail(found.error());
    return {};
  }
  // Walks a table whose keys need no look; `on_row` takes the decoded value.
  template <Row T, class OnRow>
  StoreResult<void> walk_rows(Table table, OnRow&& on_row) {
    return walk(table, [&](std::string_view key, std::string_view value) {
      const auto row = decode_row<T>(value, table);
      if (row) {
        on_row(key, *row);
      } else {
        fault(table, key, row.error());
      }
    });
  }
  [[nodiscard]] bool leads_to(Table table, std::string_view key, std::string_view value) const {
    const auto found = transaction_->get(table, key);
    return found && *found && **found == value;
  }
  [[nodiscard]] bool is_there(Table table, std::string_view key) const {
    const auto found = transaction_->get(table, key);
    return found && *found;
  }
  void check_name(Table table, std::string_view key, std::uint32_t number) {
    if (number == 0 || named_.contains(number)) return;
    fault(table, key, "name " + std::to_string(number) + " has no text");
  }

  StoreResult<void> check_names() {
    SL_STORE_TRY(walk(Table::kNameTexts, [&](std::string_view key, std::string_view text) {
      KeyReader reader(key);
      const std::uint32_t number = reader.u32();
      if (!good_key(Table::kNameTexts, key, reader.done())) return;
      named_.insert(number);
      const auto refers = [&](char kind) {
        return leads_to(Table::kNames, std::string(1, kind).append(text), key);
      };
      if (!refers(1) && !refers(2)) fault(Table::kNameTexts, key, "its text has another number");
    }));
    return walk(Table::kNames, [&](std::string_view key, std::string_view number) {
      if (!leads_to(Table::kNameTexts, number, key.substr(1))) {
        fault(Table::kNames, key, "its number has another text");
      }
    });
  }

  StoreResult<void> check_catalog() {
    SL_STORE_TRY(walk_rows<StoredAccount>(
        Table::kAccounts, [&](std::string_view key, const StoredAccount& account) {
          if (!leads_to(Table::kAccountNames, account.name, key)) {
            fault(Table::kAccounts, key, "is not found by its name");
          }
        }));
    SL_STORE_TRY(walk(Table::kAccountNames, [&](std::string_view key, std::string_view id) {
      if (!is_there(Table::kAccounts, id)) fault(Table::kAccountNames, key, "has no account");
    }));
    const auto nothing_more = [](std::string_view, const auto&) {};
    SL_STORE_TRY(walk_rows<StoredClientKey>(Table::kClientKeys, nothing_more));
    SL_STORE_TRY(walk_rows<StoredSetting>(Table::kConfig, nothing_more));
    SL_STORE_TRY(walk_rows<StoredHealth>(Table::kHealth, nothing_more));
    return walk_rows<StoredPrice>(Table::kPrices, [&](std::string_view key, const StoredPrice&) {
      KeyReader reader(key);
      reader.sized_text();
      reader.u64();
      good_key(Table::kPrices, key, reader.done());
    });
  }

  StoreResult<void> check_cooldowns() {
    std::uint64_t rows = 0;
    SL_STORE_TRY(walk(Table::kCooldowns, [&](std::string_view key, std::string_view value) {
      ++rows;
      const auto row = read_cooldown(key, value);
      if (!row) return fault(Table::kCooldowns, key, row.error());
      if (!is_there(Table::kCooldownsByAccount,
                    cooldown_account_key(row->account, row->started_ms, row->number).view())) {
        fault(Table::kCooldowns, key, "is not in the index by account");
      }
    }));
    std::uint64_t indexed = 0;
    SL_STORE_TRY(
        walk(Table::kCooldownsByAccount, [&](std::string_view, std::string_view) { ++indexed; }));
    if (rows != indexed) {
      fault(Table::kCooldownsByAccount, {}, "has other rows than the table that it is of");
    }
    return {};
  }

  StoreResult<void> check_hourly() {
    return walk_rows<UsageSums>(
        Table::kUsageHourly, [&](std::string_view bytes, const UsageSums& sums) {
          HourlyKey key;
          if (!good_key(Table::kUsageHourly, bytes, key.read(bytes))) return;
          for (const auto number : {key.account, key.model, key.client_key, key.pool}) {
            check_name(Table::kUsageHourly, bytes, number);
          }
          const DailyKey day{.day = day_of_hour(key.hour), .pool = key.pool};
          daily_[day].add(sums);
          if (key.account != 0) accounts_[day].insert(key.account);
          totals_[{UsageSide::kAll, 0}].add(sums);
          totals_[{UsageSide::kAccount, key.account}].add(sums);
          totals_[{UsageSide::kModel, key.model}].add(sums);
          totals_[{UsageSide::kClientKey, key.client_key}].add(sums);
        });
  }

  StoreResult<void> check_daily() {
    SL_STORE_TRY(
        walk_rows<DailySums>(Table::kUsageDaily, [&](std::string_view bytes, const DailySums& row) {
          DailyKey key;
          if (!good_key(Table::kUsageDaily, bytes, key.read(bytes))) return;
          const auto sums = daily_.find(key);
          if (sums == daily_.end() || sums->second != row.sums) {
            fault(Table::kUsageDaily, bytes, "is not the sum of its hours");
          }
          if (row.unique_accounts != accounts_[key].size()) {
            fault(Table::kUsageDaily, bytes, "counts other accounts than its hours have");
          }
          if (sums != daily_.end()) daily_.erase(sums);
        }));
    for (const auto& [key, sums] : daily_) {
      fault(Table::kUsageDaily, key.bytes().view(), "is missing, though there are hours of it");
    }
    return walk(Table::kDailyAccounts, [&](std::string_view bytes, std::string_view) {
      DailyKey key;
      const bool whole = bytes.size() == 12 && key.read(bytes.substr(0, 8));
      if (!good_key(Table::kDailyAccounts, bytes, whole)) return;
      KeyReader account(bytes.substr(8));
      if (!accounts_[key].contains(account.u32())) {
        fault(Table::kDailyAccounts, bytes, "has no hour");
      }
    });
  }

  StoreResult<void> check_totals() {
    SL_STORE_TRY(walk_rows<UsageSums>(
        Table::kUsageTotals, [&](std::string_view bytes, const UsageSums& sums) {
          TotalKey key;
          if (!good_key(Table::kUsageTotals, bytes, key.read(bytes))) return;
          const auto found = totals_.find(key);
          if (found == totals_.end() || found->second != sums) {
            fault(Table::kUsageTotals, bytes, "is not the sum of its hours");
          }
          if (found != totals_.end()) totals_.erase(found);
        }));
    for (const auto& [key, sums] : totals_) {
      fault(Table::kUsageTotals, key.bytes().view(), "is missing, though there are hours of it");
    }
    return {};
  }

  void check_request(std::string_view bytes, const StoredRequest& row) {
    RequestKey key;
    if (!good_key(Table::kRequests, bytes, key.read(bytes))) return;
    if (key.unix_ms != key_ms(row.unix_ms)) {
      fault(Table::kRequests, bytes, "lies at another time than its own");
    }
    for (const auto number : {row.account, row.model, row.client_key, row.pool, row.native_model}) {
      check_name(Table::kRequests, bytes, number);
    }
    const std::uint32_t minute = minute_of(row.unix_ms);
    for (const MinuteKey wanted : {MinuteKey{minute, UsageSide::kAccount, row.account},
                                   MinuteKey{minute, UsageSide::kModel, row.model},
                                   MinuteKey{minute, UsageSide::kClientKey, row.client_key},
                                   MinuteKey{minute, UsageSide::kStatus, row.status}}) {
      if (!is_there(Table::kRequestMinutes, wanted.bytes().view())) {
        fault(Table::kRequests, bytes, "is not in the index by minute");
      }
    }
  }

  StoreResult<void> check_requests() {
    SL_STORE_TRY(walk_rows<StoredRequest>(
        Table::kRequests,
        [&](std::string_view bytes, const StoredRequest& row) { check_request(bytes, row); }));
    SL_STORE_TRY(walk(Table::kRequestMinutes, [&](std::string_view bytes, std::string_view) {
      good_key(Table::kRequestMinutes, bytes, MinuteKey{}.read(bytes));
    }));
    SL_STORE_TRY(walk_rows<StoredRequest>(
        Table::kOpenAttempts, [&](std::string_view bytes, const StoredRequest&) {
          good_key(Table::kOpenAttempts, bytes, OpenKey{}.read(bytes));
        }));
    return walk_rows<JournalPosition>(Table::kJournals,
                                      [](std::string_view, const JournalPosition&) {});
  }

  const Transaction* transaction_;
  CheckReport report_;
  std::set<std::uint32_t> named_;
  std::map<DailyKey, UsageSums> daily_;
  std::map<DailyKey, std::set<std::uint32_t>> accounts_;
  std::map<TotalKey, UsageSums> totals_;
};

}  // namespace

StoreResult<CheckReport> check_store(StoreEnvironment& environment) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  return StoreCheck(*transaction).run();
}

}  // namespace sluice
