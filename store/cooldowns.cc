#include "store/cooldowns.h"

#include "store/account_rows.h"
#include "store/rows.h"
#include "store/usage_keys.h"

namespace sluice {
namespace {

constexpr std::string_view kCounterKey = "cooldowns";  // in meta: the last number given

StoreResult<std::uint64_t> next_number(WriteTransaction& transaction) {
  const auto bytes = transaction.get(Table::kMeta, kCounterKey);
  if (!bytes) return store_fail(bytes.error());
  std::uint64_t last = 0;
  if (*bytes) {
    KeyReader reader(**bytes);
    last = reader.u64();
    if (!reader.done()) return store_fail(StoreErrc::kMalformed, Table::kMeta);
  }
  KeyBytes counter;
  SL_STORE_TRY(transaction.put(Table::kMeta, kCounterKey, counter.u64(last + 1).view()));
  return last + 1;
}

// The main key at the end of an index key.
constexpr std::size_t kMainKeyBytes = 16;

// Where the cursor stands in the index: the row, if the account is still `account`.
StoreResult<std::optional<StoredCooldown>> indexed(const Transaction& transaction,
                                                   const StoreCursor& cursor,
                                                   std::string_view account) {
  KeyReader reader(cursor.key());
  if (reader.sized_text() != account) return std::nullopt;
  const std::string_view main = reader.rest();
  const auto value = transaction.get(Table::kCooldowns, main);
  if (!value) return store_fail(value.error());
  if (main.size() != kMainKeyBytes || !*value) {
    return store_fail(StoreErrc::kMalformed, Table::kCooldownsByAccount);
  }
  auto row = read_cooldown(main, **value);
  if (!row) return store_fail(row.error());
  return std::optional(std::move(*row));
}

// The account's last cooldown.
StoreResult<std::optional<StoredCooldown>> latest(const Transaction& transaction,
                                                  std::string_view account) {
  auto cursor = StoreCursor::open(transaction, Table::kCooldownsByAccount);
  if (!cursor) return store_fail(cursor.error());
  const auto found =
      cursor->seek_below(cooldown_account_key(account, INT64_MAX, UINT64_MAX).view());
  if (!found) return store_fail(found.error());
  if (!*found) return std::nullopt;
  return indexed(transaction, *cursor, account);
}

StoreResult<void> put_indexed(WriteTransaction& transaction, const StoredCooldown& row) {
  SL_STORE_TRY(transaction.put(Table::kCooldownsByAccount,
                               cooldown_account_key(row.account, row.started_ms, row.number).view(),
                               {}));
  return put_row(transaction, cooldown_key(row.started_ms, row.number).view(), row);
}

bool is_valid(std::string_view account) noexcept {
  return !account.empty() && account.size() <= kStoredNameBytesMax;
}

}  // namespace

KeyBytes cooldown_key(std::int64_t started_ms, std::uint64_t number) {
  KeyBytes key;
  key.u64(key_ms(started_ms)).u64(number);
  return key;
}

KeyBytes cooldown_account_key(std::string_view account, std::int64_t started_ms,
                              std::uint64_t number) {
  KeyBytes key;
  key.sized_text(account).u64(key_ms(started_ms)).u64(number);
  return key;
}

StoreResult<StoredCooldown> read_cooldown(std::string_view key, std::string_view value) {
  auto row = decode_row<StoredCooldown>(value);
  if (!row) return row;
  KeyReader reader(key);
  row->started_ms = static_cast<std::int64_t>(reader.u64());
  row->number = reader.u64();
  if (!reader.done()) return store_fail(StoreErrc::kMalformed, Table::kCooldowns);
  return row;
}

StoreResult<std::uint64_t> begin_cooldown(Writer& writer, const StoredCooldown& cooldown) {
  if (!is_valid(cooldown.account)) return store_fail(StoreErrc::kInvalid, Table::kCooldowns);
  return writer.transact([&](WriteTransaction& transaction) -> StoreResult<std::uint64_t> {
    StoredCooldown row = cooldown;
    row.ended_ms = 0;
    const auto open = latest(transaction, cooldown.account);
    if (!open) return store_fail(open.error());
    if (*open && (*open)->ended_ms == 0) {
      row.number = (*open)->number;
      row.started_ms = (*open)->started_ms;
    } else {
      const auto number = next_number(transaction);
      if (!number) return number;
      row.number = *number;
    }
    SL_STORE_TRY(put_indexed(transaction, row));
    return row.number;
  });
}

StoreResult<void> add_ended_cooldown(WriteTransaction& transaction,
                                     const StoredCooldown& cooldown) {
  if (!is_valid(cooldown.account)) return store_fail(StoreErrc::kInvalid, Table::kCooldowns);
  const auto number = next_number(transaction);
  if (!number) return store_fail(number.error());
  StoredCooldown row = cooldown;
  row.number = *number;
  row.ended_ms = std::max(row.ended_ms, row.started_ms);
  return put_indexed(transaction, row);
}

StoreResult<bool> end_cooldown(Writer& writer, std::string_view account, std::int64_t ended_ms) {
  if (!is_valid(account)) return store_fail(StoreErrc::kInvalid, Table::kCooldowns);
  return writer.transact([&](WriteTransaction& transaction) -> StoreResult<bool> {
    auto open = latest(transaction, account);
    if (!open) return store_fail(open.error());
    if (!*open || (*open)->ended_ms != 0) return false;
    StoredCooldown& row = **open;
    row.ended_ms = std::max(ended_ms, row.started_ms);
    SL_STORE_TRY(put_row(transaction, cooldown_key(row.started_ms, row.number).view(), row));
    return true;
  });
}

StoreResult<std::vector<StoredCooldown>> recent_cooldowns(StoreEnvironment& environment,
                                                          std::optional<std::string_view> account,
                                                          std::size_t limit) {
  std::vector<StoredCooldown> rows;
  if (account && !is_valid(*account)) return rows;
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  auto cursor =
      StoreCursor::open(*transaction, account ? Table::kCooldownsByAccount : Table::kCooldowns);
  if (!cursor) return store_fail(cursor.error());
  auto found =
      account ? cursor->seek_below(cooldown_account_key(*account, INT64_MAX, UINT64_MAX).view())
              : cursor->last();
  for (; found && *found && rows.size() < limit; found = cursor->previous()) {
    if (account) {
      auto row = indexed(*transaction, *cursor, *account);
      if (!row) return store_fail(row.error());
      if (!*row) break;
      rows.push_back(std::move(**row));
    } else {
      auto row = read_cooldown(cursor->key(), cursor->value());
      if (!row) return store_fail(row.error());
      rows.push_back(std::move(*row));
    }
  }
  if (!found) return store_fail(found.error());
  return rows;
}

}  // namespace sluice
