#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/account_rows.h"
#include "store/event_rows.h"
#include "store/writer.h"

namespace sluice {

// What the administrator keeps, row by row. Lists are in the order of their keys. Every put adds
// or replaces; every delete answers whether there was something. kInvalid: a key or name that is
// empty or longer than kStoredNameBytesMax.

// "bkd_" and 12 lower-case hexadecimal digits.
[[nodiscard]] bool is_account_id(std::string_view id) noexcept;

// kInvalid also: the id is none. kExists: another account has the name.
[[nodiscard]] StoreResult<void> put_account(Writer& writer, const StoredAccount& account);
// The same as a part of `transaction`.
[[nodiscard]] StoreResult<void> put_account(WriteTransaction& transaction,
                                            const StoredAccount& account);
// All of them in one transaction, or none: an import.
[[nodiscard]] StoreResult<void> put_accounts(Writer& writer,
                                             const std::vector<StoredAccount>& accounts);
// What it used and its cooldowns stay; its health goes.
[[nodiscard]] StoreResult<bool> delete_account(Writer& writer, std::string_view id);
[[nodiscard]] StoreResult<std::optional<StoredAccount>> get_account(StoreEnvironment& environment,
                                                                    std::string_view id);
[[nodiscard]] StoreResult<std::optional<StoredAccount>> find_account(StoreEnvironment& environment,
                                                                     std::string_view name);
// In the order in which they were added, those of one import by their names.
[[nodiscard]] StoreResult<std::vector<StoredAccount>> list_accounts(StoreEnvironment& environment);

[[nodiscard]] StoreResult<void> put_client_key(Writer& writer, const StoredClientKey& key);
[[nodiscard]] StoreResult<bool> delete_client_key(Writer& writer, std::string_view name);
[[nodiscard]] StoreResult<std::optional<StoredClientKey>> get_client_key(
    StoreEnvironment& environment, std::string_view name);
[[nodiscard]] StoreResult<std::vector<StoredClientKey>> list_client_keys(
    StoreEnvironment& environment);

[[nodiscard]] StoreResult<void> put_setting(Writer& writer, const StoredSetting& setting);
// All of them in one transaction.
[[nodiscard]] StoreResult<void> put_settings(Writer& writer,
                                             const std::vector<StoredSetting>& settings);
[[nodiscard]] StoreResult<bool> delete_setting(Writer& writer, std::string_view key);
[[nodiscard]] StoreResult<std::optional<StoredSetting>> get_setting(StoreEnvironment& environment,
                                                                    std::string_view key);
[[nodiscard]] StoreResult<std::vector<StoredSetting>> list_settings(StoreEnvironment& environment);

[[nodiscard]] StoreResult<void> put_health(Writer& writer, const StoredHealth& health);
[[nodiscard]] StoreResult<std::vector<StoredHealth>> list_health(StoreEnvironment& environment);

}  // namespace sluice
