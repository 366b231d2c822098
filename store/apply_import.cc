#include "store/apply_import.h"

#include <algorithm>

#include "store/catalog.h"
#include "store/cooldowns.h"
#include "store/names.h"
#include "store/rows.h"
#include "store/usage_batch.h"
#include "tls/digest.h"

namespace sluice {
namespace {

bool is_key(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kStoredNameBytesMax;
}

std::string meta_key(std::string_view origin) { return "import." + std::string(origin); }

StoreResult<std::int64_t> find_import(const Transaction& transaction, std::string_view origin) {
  if (!is_key(origin)) return store_fail(StoreErrc::kInvalid, Table::kMeta);
  const auto bytes = transaction.get(Table::kMeta, meta_key(origin));
  if (!bytes) return store_fail(bytes.error());
  if (!*bytes) return 0;
  KeyReader reader(**bytes);
  const auto at = static_cast<std::int64_t>(reader.u64());
  if (!reader.done()) return store_fail(StoreErrc::kMalformed, Table::kMeta);
  return at;
}

// Of a part, whatever its bytes and length.
std::string part_key(std::string_view part) {
  const Sha256Digest digest = sha256(part);
  std::string digits(2 * digest.size(), '0');
  write_hex(text_of(digest), digits.data());
  return "import-part." + digits;
}

StoreResult<bool> has_any(const Transaction& transaction, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    const auto bytes = transaction.get(Table::kMeta, part_key(part));
    if (!bytes) return store_fail(bytes.error());
    if (*bytes) return true;
  }
  return false;
}

StoreResult<void> add_account(WriteTransaction& transaction, const StoredAccount& account) {
  if (!is_account_id(account.id)) return store_fail(StoreErrc::kInvalid, Table::kAccounts);
  const auto taken = transaction.get(Table::kAccounts, account.id);
  if (!taken) return store_fail(taken.error());
  if (*taken) return store_fail(StoreErrc::kExists, Table::kAccounts);
  return put_account(transaction, account);
}

StoreResult<void> add_hours(WriteTransaction& transaction, const std::vector<UsageHour>& hours) {
  Names names;
  SL_STORE_TRY(names.load(transaction));
  UsageBatch batch;
  for (const UsageHour& hour : hours) {
    const auto account = names.number_of(transaction, NameKind::kOurs, hour.account);
    if (!account) return store_fail(account.error());
    const auto model = names.number_of(transaction, NameKind::kModel, hour.model);
    if (!model) return store_fail(model.error());
    const auto pool = names.number_of(transaction, NameKind::kOurs, hour.pool);
    if (!pool) return store_fail(pool.error());
    batch.add_hour({.hour = hour.hour, .account = *account, .model = *model, .pool = *pool},
                   hour.sums);
  }
  return batch.flush(transaction);
}

StoreResult<void> add_setting(WriteTransaction& transaction, const StoredSetting& setting) {
  if (!is_key(setting.key)) return store_fail(StoreErrc::kInvalid, Table::kConfig);
  std::string bytes;
  encode_row(setting, bytes);
  const auto is_new = transaction.put_new(Table::kConfig, setting.key, bytes);
  if (!is_new) return store_fail(is_new.error());
  return {};
}

}  // namespace

StoreResult<std::int64_t> imported_at(StoreEnvironment& environment, std::string_view origin) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  return find_import(*transaction, origin);
}

StoreResult<bool> any_imported(StoreEnvironment& environment,
                               const std::vector<std::string>& parts) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  return has_any(*transaction, parts);
}

StoreResult<void> apply_import(Writer& writer, const StoreImport& import,
                               std::int64_t now_unix_ms) {
  return writer.transact([&](WriteTransaction& transaction) -> StoreResult<void> {
    const auto before = find_import(transaction, import.origin);
    if (!before) return store_fail(before.error());
    const auto part = has_any(transaction, import.parts);
    if (!part) return store_fail(part.error());
    if (*before != 0 || *part) return store_fail(StoreErrc::kExists, Table::kMeta);
    KeyBytes now;
    now.u64(static_cast<std::uint64_t>(std::max<std::int64_t>(now_unix_ms, 1)));
    SL_STORE_TRY(transaction.put(Table::kMeta, meta_key(import.origin), now.view()));
    for (const std::string& part : import.parts)
      SL_STORE_TRY(transaction.put(Table::kMeta, part_key(part), now.view()));
    for (const StoredAccount& account : import.accounts)
      SL_STORE_TRY(add_account(transaction, account));
    SL_STORE_TRY(add_hours(transaction, import.hours));
    for (const StoredCooldown& cooldown : import.cooldowns)
      SL_STORE_TRY(add_ended_cooldown(transaction, cooldown));
    for (const StoredSetting& setting : import.settings)
      SL_STORE_TRY(add_setting(transaction, setting));
    return {};
  });
}

}  // namespace sluice
