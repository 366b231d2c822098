#include "admin/sealed_rows.h"

#include <algorithm>

#include "admin/key_ring.h"
#include "store/catalog.h"
#include "store/rows.h"

namespace sluice {

std::unexpected<Error> SealedRows::fail(const StoreError& error) {
  failure_ = error;
  return sluice::fail(Errc::kOs, Side::kOurs);
}

Result<std::vector<SealedField>> SealedRows::page(std::string_view after, std::size_t max) {
  auto accounts = list_accounts(writer_->environment());
  if (!accounts) return fail(accounts.error());
  std::ranges::sort(*accounts, {}, &StoredAccount::id);
  std::vector<SealedField> fields;
  for (const StoredAccount& account : *accounts) {
    if (account.id <= after) continue;
    if (fields.size() == max) break;
    fields.push_back({.key = account.id,
                      .table = std::string(table_name(Table::kAccounts)),
                      .record = account.id,
                      .field = "api_key",
                      .revision = account.key_revision,
                      .sealed = account.api_key_sealed});
  }
  return fields;
}

Result<void> SealedRows::replace(const SealedField& field, std::string_view sealed) {
  const auto account = get_account(writer_->environment(), field.record);
  if (!account) return fail(account.error());
  if (!*account) return fail({.code = StoreErrc::kNotFound, .table = Table::kAccounts});
  StoredAccount changed = **account;
  changed.api_key_sealed = sealed;
  accounts_[changed.id] = std::move(changed);
  return {};
}

Result<std::optional<std::string>> SealedRows::meta(std::string_view key) {
  if (const auto pending = meta_.find(key); pending != meta_.end()) return pending->second;
  auto value = read_meta(writer_->environment(), key);
  if (!value) return fail(value.error());
  return std::move(*value);
}

Result<std::optional<RotationState>> SealedRows::rotation() {
  const auto bytes = meta(kRotationKey);
  if (!bytes) return std::unexpected(bytes.error());
  if (!*bytes) return std::nullopt;
  return parse_rotation_state(**bytes);
}

Result<void> SealedRows::set_rotation(const std::optional<RotationState>& state) {
  auto& value = meta_[std::string(kRotationKey)];
  if (state) value = encode_rotation_state(*state);
  else value.reset();
  return {};
}

Result<std::string> SealedRows::key_check() {
  auto bytes = meta(kKeyCheckKey);
  if (!bytes) return std::unexpected(bytes.error());
  return std::move(*bytes).value_or("");
}

Result<void> SealedRows::set_key_check(std::string_view value) {
  meta_[std::string(kKeyCheckKey)] = std::string(value);
  return {};
}

Result<void> SealedRows::commit() {
  const auto committed =
      writer_->transact([this](WriteTransaction& transaction) -> StoreResult<void> {
        for (const auto& [id, account] : accounts_) SL_STORE_TRY(put_row(transaction, id, account));
        for (const auto& [key, value] : meta_) {
          if (value) SL_STORE_TRY(transaction.put(Table::kMeta, key, *value));
          else SL_STORE_TRY(transaction.del(Table::kMeta, key));
        }
        return {};
      });
  if (!committed) return fail(committed.error());
  if (const auto synced = writer_->environment().sync(); !synced) return fail(synced.error());
  accounts_.clear();
  meta_.clear();
  return {};
}

}  // namespace sluice
