#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "engine/config/account_fields.h"
#include "engine/config/build_directory.h"
#include "store/account_rows.h"
#include "store/environment.h"
#include "store/store_error.h"
#include "store/vault/vault.h"

namespace sluice {

// The accounts and client keys of the store; an account whose key the vault does not open is one
// that is not used. The error is a text for a person, of the database.
[[nodiscard]] std::expected<StoredEntries, std::string> load_stored_entries(
    StoreEnvironment& environment, const Vault& vault);

// Names what is stored of a setting; null: nothing is.
[[nodiscard]] std::string setting_tag(const StoredSetting* setting);
// Names what is stored of all that stored_settings() would give; in the order of their keys.
[[nodiscard]] std::string settings_tag(std::span<const StoredSetting> settings);

// Those settings of the store that are of this configuration: who came from the predecessor brought
// some that say nothing here.
[[nodiscard]] StoreResult<std::vector<StoredSetting>> stored_settings(
    StoreEnvironment& environment);

// What `fields` say themselves, whose values are in `account`.
[[nodiscard]] AccountOverrides overrides_in(std::span<const AccountField> fields,
                                            const AccountConfig& account);

// An account as the store keeps it, its key sealed. `id` as make_account_id() gives it.
[[nodiscard]] StoredAccount to_stored(const AccountConfig& account,
                                      const AccountOverrides& overrides, const AccountNotes& notes,
                                      std::string id, const Vault& vault, std::int64_t now_unix_ms);
// Of its id and key_revision.
void seal_api_key(StoredAccount& stored, const Vault& vault, const Secret& api_key);
[[nodiscard]] AccountNotes notes_of(const StoredAccount& stored);
[[nodiscard]] AccountOverrides overrides_of(const StoredAccount& stored);
// Without what overrides_of() has: complete() puts that in.
[[nodiscard]] AccountConfig from_stored(const StoredAccount& stored, Secret api_key);
[[nodiscard]] std::expected<Secret, VaultFailure> open_api_key(const StoredAccount& stored,
                                                               const Vault& vault);
// As one is shown that nobody has opened.
inline constexpr std::string_view kUnknownKey = "****";
// Why it does not open, in a sentence.
[[nodiscard]] std::string explain(const VaultFailure& failure, const StoredAccount& stored);
// "bkd_" and 12 random hexadecimal digits.
[[nodiscard]] std::string make_account_id();

}  // namespace sluice
