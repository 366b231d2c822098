#include "store/catalog.h"

#include <algorithm>

#include "store/rows.h"
#include "store/scan.h"

namespace sluice {
namespace {

constexpr std::string_view kAccountIdPrefix = "bkd_";
constexpr std::size_t kAccountIdDigits = 12;

bool is_valid(std::string_view key) noexcept {
  return !key.empty() && key.size() <= kStoredNameBytesMax;
}

// The rest of this namespace is the same for every row whose key is one text, kept in `key_of`.
template <Row T>
StoreResult<void> put_by(Writer& writer, std::string T::*key_of, const T& row) {
  if (!is_valid(row.*key_of)) return store_fail(StoreErrc::kInvalid, T::kTable);
  return writer.transact(
      [&](WriteTransaction& transaction) { return put_row(transaction, row.*key_of, row); });
}

StoreResult<bool> delete_by(Writer& writer, Table table, std::string_view key) {
  if (!is_valid(key)) return false;
  return writer.transact(
      [&](WriteTransaction& transaction) { return transaction.del(table, key); });
}

template <Row T>
StoreResult<std::optional<T>> get_in(const Transaction& transaction, std::string T::*key_of,
                                     std::string_view key) {
  if (!is_valid(key)) return std::nullopt;
  auto row = get_row<T>(transaction, key);
  if (row && *row) (**row).*key_of = key;
  return row;
}

template <Row T>
StoreResult<std::optional<T>> get_by(StoreEnvironment& environment, std::string T::*key_of,
                                     std::string_view key) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  return get_in(*transaction, key_of, key);
}

template <Row T>
StoreResult<std::vector<T>> list_by(StoreEnvironment& environment, std::string T::*key_of) {
  std::vector<T> rows;
  SL_STORE_TRY(scan(environment, T::kTable, {}, {},
                    [&](std::string_view key, std::string_view value) -> StoreResult<bool> {
                      auto row = decode_row<T>(value);
                      if (!row) return store_fail(row.error());
                      (*row).*key_of = key;
                      rows.push_back(std::move(*row));
                      return true;
                    }));
  return rows;
}

}  // namespace

bool is_account_id(std::string_view id) noexcept {
  if (!id.starts_with(kAccountIdPrefix)) return false;
  id.remove_prefix(kAccountIdPrefix.size());
  return id.size() == kAccountIdDigits && std::ranges::all_of(id, [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
         });
}

StoreResult<void> put_account(WriteTransaction& transaction, const StoredAccount& account) {
  if (!is_account_id(account.id) || !is_valid(account.name)) {
    return store_fail(StoreErrc::kInvalid, Table::kAccounts);
  }
  const auto owner = transaction.get(Table::kAccountNames, account.name);
  if (!owner) return store_fail(owner.error());
  if (*owner && **owner != account.id) return store_fail(StoreErrc::kExists, Table::kAccounts);
  const auto before = get_in(transaction, &StoredAccount::id, account.id);
  if (!before) return store_fail(before.error());
  if (*before && (*before)->name != account.name) {
    const auto gone = transaction.del(Table::kAccountNames, (*before)->name);
    if (!gone) return store_fail(gone.error());
  }
  SL_STORE_TRY(transaction.put(Table::kAccountNames, account.name, account.id));
  return put_row(transaction, account.id, account);
}

StoreResult<void> put_account(Writer& writer, const StoredAccount& account) {
  return writer.transact(
      [&](WriteTransaction& transaction) { return put_account(transaction, account); });
}

StoreResult<void> put_accounts(Writer& writer, const std::vector<StoredAccount>& accounts) {
  return writer.transact([&](WriteTransaction& transaction) -> StoreResult<void> {
    for (const StoredAccount& account : accounts) SL_STORE_TRY(put_account(transaction, account));
    return {};
  });
}

StoreResult<bool> delete_account(Writer& writer, std::string_view id) {
  return writer.transact([&](WriteTransaction& transaction) -> StoreResult<bool> {
    const auto account = get_in(transaction, &StoredAccount::id, id);
    if (!account) return store_fail(account.error());
    if (!*account) return false;
    for (const Table table : {Table::kAccountNames, Table::kHealth}) {
      const auto gone = transaction.del(table, (*account)->name);
      if (!gone) return gone;
    }
    return transaction.del(Table::kAccounts, id);
  });
}

StoreResult<std::optional<StoredAccount>> get_account(StoreEnvironment& environment,
                                                      std::string_view id) {
  return get_by(environment, &StoredAccount::id, id);
}

StoreResult<std::optional<StoredAccount>> find_account(StoreEnvironment& environment,
                                                       std::string_view name) {
  if (!is_valid(name)) return std::nullopt;
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  const auto id = transaction->get(Table::kAccountNames, name);
  if (!id) return store_fail(id.error());
  if (!*id) return std::nullopt;
  return get_in(*transaction, &StoredAccount::id, **id);
}

StoreResult<std::vector<StoredAccount>> list_accounts(StoreEnvironment& environment) {
  auto accounts = list_by(environment, &StoredAccount::id);
  if (accounts) {
    std::ranges::sort(*accounts, {}, [](const StoredAccount& account) {
      return std::tie(account.created_ms, account.name);
    });
  }
  return accounts;
}

StoreResult<void> put_client_key(Writer& writer, const StoredClientKey& key) {
  return put_by(writer, &StoredClientKey::name, key);
}
StoreResult<bool> delete_client_key(Writer& writer, std::string_view name) {
  return delete_by(writer, Table::kClientKeys, name);
}
StoreResult<std::optional<StoredClientKey>> get_client_key(StoreEnvironment& environment,
                                                           std::string_view name) {
  return get_by(environment, &StoredClientKey::name, name);
}
StoreResult<std::vector<StoredClientKey>> list_client_keys(StoreEnvironment& environment) {
  return list_by(environment, &StoredClientKey::name);
}

StoreResult<void> put_setting(Writer& writer, const StoredSetting& setting) {
  return put_by(writer, &StoredSetting::key, setting);
}
StoreResult<void> put_settings(Writer& writer, const std::vector<StoredSetting>& settings) {
  for (const StoredSetting& setting : settings)
    if (!is_valid(setting.key)) return store_fail(StoreErrc::kInvalid, Table::kConfig);
  return writer.transact([&](WriteTransaction& transaction) -> StoreResult<void> {
    for (const StoredSetting& setting : settings)
      SL_STORE_TRY(put_row(transaction, setting.key, setting));
    return {};
  });
}
StoreResult<bool> delete_setting(Writer& writer, std::string_view key) {
  return delete_by(writer, Table::kConfig, key);
}
StoreResult<std::optional<StoredSetting>> get_setting(StoreEnvironment& environment,
                                                      std::string_view key) {
  return get_by(environment, &StoredSetting::key, key);
}
StoreResult<std::vector<StoredSetting>> list_settings(StoreEnvironment& environment) {
  return list_by(environment, &StoredSetting::key);
}

StoreResult<void> put_health(Writer& writer, const StoredHealth& health) {
  return put_by(writer, &StoredHealth::account, health);
}
StoreResult<std::vector<StoredHealth>> list_health(StoreEnvironment& environment) {
  return list_by(environment, &StoredHealth::account);
}

}  // namespace sluice
