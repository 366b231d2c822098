#pragma once

#include <optional>
#include <string_view>

#include "store/store_error.h"

struct MDB_txn;
struct MDB_cursor;

namespace sluice {

class StoreEnvironment;

// Transaction - one consistent view of the store. Every string_view it hands out lies in the map
// and dies with it, in a WriteTransaction also with the next put or del.
//
// Owns      a transaction of LMDB and its place in the environment's gate.
// Affinity  one thread at a time.
// Lifetime  short: while it lives its pages are not reused and the map cannot grow. Never across
//           I/O or a wait (INVARIANTS L1); a long scan renews it (store/scan.h).
class Transaction {
 public:
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;

  // Nothing when there is no such key.
  [[nodiscard]] StoreResult<std::optional<std::string_view>> get(Table table,
                                                                 std::string_view key) const;
  [[nodiscard]] StoreResult<std::uint64_t> count(Table table) const;

  [[nodiscard]] StoreEnvironment& environment() const noexcept { return *environment_; }
  [[nodiscard]] MDB_txn* raw() const noexcept { return txn_; }

 protected:
  friend class StoreEnvironment;
  Transaction(StoreEnvironment& environment, MDB_txn* txn)
      : environment_(&environment), txn_(txn) {}

  void end() noexcept;  // without effect on the store

  StoreEnvironment* environment_;
  MDB_txn* txn_;
};

using ReadTransaction = Transaction;

// WriteTransaction - the one transaction that changes the store; Writer makes it.
class WriteTransaction : public Transaction {
 public:
  // Keys have 1 to 511 bytes.
  [[nodiscard]] StoreResult<void> put(Table table, std::string_view key, std::string_view value);
  // False when the key was there already; it keeps its value.
  [[nodiscard]] StoreResult<bool> put_new(Table table, std::string_view key,
                                          std::string_view value);
  // False when there was no such key.
  [[nodiscard]] StoreResult<bool> del(Table table, std::string_view key);

 private:
  friend class StoreEnvironment;
  friend class Writer;
  using Transaction::Transaction;
  [[nodiscard]] StoreResult<void> commit();
};

// StoreCursor - walks one table in the order of its keys. Its moves answer whether there is a row;
// key() and value() are that row's.
//
// Owns      a cursor of LMDB.
// Lifetime  within its transaction.
class StoreCursor {
 public:
  [[nodiscard]] static StoreResult<StoreCursor> open(const Transaction& transaction, Table table);
  ~StoreCursor();
  StoreCursor(StoreCursor&& other) noexcept;
  StoreCursor& operator=(StoreCursor&&) = delete;
  StoreCursor(const StoreCursor&) = delete;

  [[nodiscard]] StoreResult<bool> first();
  [[nodiscard]] StoreResult<bool> last();
  [[nodiscard]] StoreResult<bool> next();
  [[nodiscard]] StoreResult<bool> previous();
  // The first row whose key is not below `key`.
  [[nodiscard]] StoreResult<bool> seek(std::string_view key);
  // The last row whose key is below `key`.
  [[nodiscard]] StoreResult<bool> seek_below(std::string_view key);

  [[nodiscard]] std::string_view key() const noexcept { return key_; }
  [[nodiscard]] std::string_view value() const noexcept { return value_; }

  // Only in a WriteTransaction. After del() next() moves to the row behind the deleted one.
  [[nodiscard]] StoreResult<void> del();
  [[nodiscard]] StoreResult<void> put(std::string_view key, std::string_view value);

 private:
  StoreCursor(MDB_cursor* cursor, Table table) : cursor_(cursor), table_(table) {}
  [[nodiscard]] StoreResult<bool> move(int operation, std::string_view key = {});

  MDB_cursor* cursor_;
  Table table_;
  std::string_view key_;
  std::string_view value_;
};

}  // namespace sluice
