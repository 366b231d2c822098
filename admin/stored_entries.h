#pragma once

#include <expected>
#include <string>
#include <vector>

#include "engine/config/build_directory.h"
#include "store/account_rows.h"
#include "store/environment.h"
#include "store/vault/vault.h"

namespace sluice {

// The accounts and client keys of the store.
// The error is a text for a person: the database, or a key that the vault does not open.
[[nodiscard]] std::expected<StoredEntries, std::string> load_stored_entries(
    StoreEnvironment& environment, const Vault& vault);

// An account as the store keeps it, its key sealed. `id` as make_account_id() gives it.
[[nodiscard]] StoredAccount to_stored(const AccountConfig& account, std::string id,
                                      const Vault& vault, std::int64_t now_unix_ms);
[[nodiscard]] AccountConfig from_stored(const StoredAccount& stored, Secret api_key);
[[nodiscard]] std::expected<Secret, VaultFailure> open_api_key(const StoredAccount& stored,
                                                               const Vault& vault);
// "bkd_" and 12 random hexadecimal digits.
[[nodiscard]] std::string make_account_id();

}  // namespace sluice
