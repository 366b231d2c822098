#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "store/event_rows.h"
#include "store/key_bytes.h"
#include "store/writer.h"

namespace sluice {

// One cooldown is one row, however many refusals it was told by.

// Of cooldown_events and, with the account before it, of its index.
[[nodiscard]] KeyBytes cooldown_key(std::int64_t started_ms, std::uint64_t number);
[[nodiscard]] KeyBytes cooldown_account_key(std::string_view account, std::int64_t started_ms,
                                            std::uint64_t number);

// Books that `cooldown.account` (1 to kStoredNameBytesMax bytes) began to cool at `started_ms`; its
// number and end are ignored. An account that is cooling still keeps its row, which takes the new
// count, length and summary over. The row's number.
[[nodiscard]] StoreResult<std::uint64_t> begin_cooldown(Writer& writer,
                                                        const StoredCooldown& cooldown);
// False when the account was not cooling.
[[nodiscard]] StoreResult<bool> end_cooldown(Writer& writer, std::string_view account,
                                             std::int64_t ended_ms);

// Books one that is over, as a part of `transaction`: an import. Its number is ignored; its end is
// told.
[[nodiscard]] StoreResult<void> add_ended_cooldown(WriteTransaction& transaction,
                                                   const StoredCooldown& cooldown);

// The last `limit` cooldowns, of one account or of all, latest begin first.
[[nodiscard]] StoreResult<std::vector<StoredCooldown>> recent_cooldowns(
    StoreEnvironment& environment, std::optional<std::string_view> account, std::size_t limit);

// For those who walk the table. kMalformed: no row of it.
[[nodiscard]] StoreResult<StoredCooldown> read_cooldown(std::string_view key,
                                                        std::string_view value);

}  // namespace sluice
