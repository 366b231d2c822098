#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "store/transaction.h"
#include "store/usage_keys.h"
#include "store/usage_rows.h"

namespace sluice {

// UsageBatch - the sums of a batch, folded in memory, so that a table row is read and written once
// a batch and not once a request. Single requests go to their table at once.
//
// Owns      the folded sums; clear() keeps nothing.
// Affinity  the Writer's thread.
// Lifetime  add() and flush() within one transaction.
class UsageBatch {
 public:
  void clear();

  // Books one ended, refused or unknown attempt: its row under `key`, and `sums` to all that it is
  // part of. `row.unix_ms` decides minute, hour and day.
  [[nodiscard]] StoreResult<void> add(WriteTransaction& transaction, const RequestKey& key,
                                      const StoredRequest& row, const UsageSums& sums);
  // The same for the sums of a whole hour whose single requests are not known.
  void add_hour(const HourlyKey& key, const UsageSums& sums) noexcept { fold(hourly_[key], sums); }
  [[nodiscard]] StoreResult<void> flush(WriteTransaction& transaction);

  // Sums that stand at their largest number since clear().
  [[nodiscard]] std::uint64_t saturated() const noexcept { return saturated_; }

 private:
  [[nodiscard]] StoreResult<void> flush_daily(WriteTransaction& transaction);
  [[nodiscard]] StoreResult<void> add_to(WriteTransaction& transaction, Table table,
                                         std::string_view key, const UsageSums& sums);
  void fold(UsageSums& into, const UsageSums& sums) noexcept;

  std::map<HourlyKey, UsageSums> hourly_;
  std::set<MinuteKey> minutes_;
  std::string bytes_;
  std::uint64_t saturated_ = 0;
};

}  // namespace sluice
