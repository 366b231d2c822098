#include "store/transaction.h"

#include <lmdb.h>

#include <utility>

#include "store/environment.h"

namespace sluice {
namespace {

MDB_val val_of(std::string_view bytes) noexcept {
  return {.mv_size = bytes.size(), .mv_data = const_cast<char*>(bytes.data())};
}

std::string_view view_of(const MDB_val& val) noexcept {
  return {static_cast<const char*>(val.mv_data), val.mv_size};
}

}  // namespace

Transaction::~Transaction() { end(); }

Transaction::Transaction(Transaction&& other) noexcept
    : environment_(other.environment_), txn_(std::exchange(other.txn_, nullptr)) {}

void Transaction::end() noexcept {
  if (txn_ == nullptr) return;
  mdb_txn_abort(std::exchange(txn_, nullptr));
  environment_->gate().leave();
}

StoreResult<std::optional<std::string_view>> Transaction::get(Table table,
                                                              std::string_view key) const {
  MDB_val key_val = val_of(key);
  MDB_val value{};
  const int rc = mdb_get(txn_, environment_->handle(table), &key_val, &value);
  if (rc == MDB_NOTFOUND) return std::nullopt;
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc, table));
  return view_of(value);
}

StoreResult<std::uint64_t> Transaction::count(Table table) const {
  MDB_stat stat{};
  const int rc = mdb_stat(txn_, environment_->handle(table), &stat);
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc, table));
  return stat.ms_entries;
}

StoreResult<void> WriteTransaction::put(Table table, std::string_view key, std::string_view value) {
  MDB_val key_val = val_of(key);
  MDB_val value_val = val_of(value);
  const int rc = mdb_put(txn_, environment_->handle(table), &key_val, &value_val, 0);
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc, table));
  return {};
}

StoreResult<bool> WriteTransaction::put_new(Table table, std::string_view key,
                                            std::string_view value) {
  MDB_val key_val = val_of(key);
  MDB_val value_val = val_of(value);
  const int rc = mdb_put(txn_, environment_->handle(table), &key_val, &value_val, MDB_NOOVERWRITE);
  if (rc == MDB_KEYEXIST) return false;
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc, table));
  return true;
}

StoreResult<bool> WriteTransaction::del(Table table, std::string_view key) {
  MDB_val key_val = val_of(key);
  const int rc = mdb_del(txn_, environment_->handle(table), &key_val, nullptr);
  if (rc == MDB_NOTFOUND) return false;
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc, table));
  return true;
}

StoreResult<void> WriteTransaction::commit() {
  // Whatever comes of it, LMDB has freed the transaction.
  const int rc = mdb_txn_commit(std::exchange(txn_, nullptr));
  environment_->gate().leave();
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc));
  return {};
}

StoreResult<StoreCursor> StoreCursor::open(const Transaction& transaction, Table table) {
  MDB_cursor* cursor = nullptr;
  const int rc =
      mdb_cursor_open(transaction.raw(), transaction.environment().handle(table), &cursor);
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc, table));
  return StoreCursor(cursor, table);
}

StoreCursor::~StoreCursor() {
  if (cursor_ != nullptr) mdb_cursor_close(cursor_);
}

StoreCursor::StoreCursor(StoreCursor&& other) noexcept
    : cursor_(std::exchange(other.cursor_, nullptr)),
      table_(other.table_),
      key_(other.key_),
      value_(other.value_) {}

StoreResult<bool> StoreCursor::move(int operation, std::string_view key) {
  MDB_val key_val = val_of(key);
  MDB_val value{};
  const int rc = mdb_cursor_get(cursor_, &key_val, &value, static_cast<MDB_cursor_op>(operation));
  if (rc == MDB_NOTFOUND) return false;
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc, table_));
  key_ = view_of(key_val);
  value_ = view_of(value);
  return true;
}

StoreResult<bool> StoreCursor::first() { return move(MDB_FIRST); }
StoreResult<bool> StoreCursor::last() { return move(MDB_LAST); }
StoreResult<bool> StoreCursor::next() { return move(MDB_NEXT); }
StoreResult<bool> StoreCursor::previous() { return move(MDB_PREV); }
StoreResult<bool> StoreCursor::seek(std::string_view key) { return move(MDB_SET_RANGE, key); }

StoreResult<bool> StoreCursor::seek_below(std::string_view key) {
  const auto found = seek(key);
  if (!found) return found;
  return *found ? previous() : last();
}

StoreResult<void> StoreCursor::del() {
  const int rc = mdb_cursor_del(cursor_, 0);
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc, table_));
  return {};
}

StoreResult<void> StoreCursor::put(std::string_view key, std::string_view value) {
  MDB_val key_val = val_of(key);
  MDB_val value_val = val_of(value);
  const int rc = mdb_cursor_put(cursor_, &key_val, &value_val, 0);
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc, table_));
  return {};
}

}  // namespace sluice
