#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/account_rows.h"
#include "store/event_rows.h"
#include "store/usage_rows.h"
#include "store/writer.h"

namespace sluice {

// UsageHour - what was used in an hour of which no single request is known.
struct UsageHour {
  std::uint32_t hour = 0;  // since 1970
  std::string account;     // by its name, as the next two; at most kStoredNameBytesMax bytes
  std::string model;
  std::string pool;
  UsageSums sums;
};

// StoreImport - what another database has for this one.
struct StoreImport {
  std::string origin;  // names that database and its content: its digest; not empty
  // Names of what is in it that a later state of it has too: its accounts' ids.
  std::vector<std::string> parts;
  std::vector<StoredAccount> accounts;
  std::vector<UsageHour> hours;           // the same hour may come more than once
  std::vector<StoredCooldown> cooldowns;  // that are over; their numbers are ignored
  std::vector<StoredSetting> settings;    // those that are here already stay as they are
};

// When `origin` was imported, in milliseconds since 1970; 0: never.
[[nodiscard]] StoreResult<std::int64_t> imported_at(StoreEnvironment& environment,
                                                    std::string_view origin);

// Whether a database that had one of these parts was imported.
[[nodiscard]] StoreResult<bool> any_imported(StoreEnvironment& environment,
                                             const std::vector<std::string>& parts);

// Writes all of it in one transaction, or nothing, and remembers the origin and the parts: usage is
// booked once. kExists of Table::kMeta: this origin or one of the parts was imported before; of
// Table::kAccounts: an id or name is taken. kInvalid: a key or name that is empty or too long.
// Lasts after StoreEnvironment::sync().
// Cost: about 2 us an hour of an account and model, 1 s for 500,000 of them.
[[nodiscard]] StoreResult<void> apply_import(Writer& writer, const StoreImport& import,
                                             std::int64_t now_unix_ms);

}  // namespace sluice
