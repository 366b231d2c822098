#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// The tables of the store, each a named database of LMDB. Numbers are part of error texts only;
// on the disk a table goes by its name.
enum class Table : std::uint8_t {
  kMeta,                // counters and the schema's version
  kAccounts,            // id -> StoredAccount
  kAccountNames,        // name -> id
  kClientKeys,          // name -> StoredClientKey
  kConfig,              // key -> StoredSetting
  kCooldowns,           // begin ms, number -> StoredCooldown
  kCooldownsByAccount,  // account, begin ms, number -> nothing
  kHealth,              // account -> StoredHealth
  kPrices,              // model, valid from ms -> StoredPrice
  kNames,               // kind, text -> number: what usage keys say instead of the text
  kNameTexts,           // number -> text
  kUsageHourly,         // hour, account, model, client key, pool -> UsageSums
  kUsageDaily,          // day, pool -> DailySums
  kDailyAccounts,       // day, pool, account -> nothing
  kUsageTotals,         // what, its number -> UsageSums
  kRequests,            // ms, journal, sequence -> StoredRequest
  kRequestMinutes,      // minute, what, its number -> nothing: where a filter has to look
  kOpenAttempts,        // journal, sequence -> StoredRequest, as far as known
  kJournals,            // journal -> JournalPosition
};
inline constexpr std::size_t kTableCount = 19;

// The table's name on the disk and in messages: "usage_hourly". Static storage.
[[nodiscard]] std::string_view table_name(Table table) noexcept;

}  // namespace sluice
