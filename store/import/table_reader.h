#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/import/sqlite_file.h"

namespace sluice {

// ImportFault - what in the predecessor's database cannot be taken over.
struct ImportFault {
  std::string table;
  std::uint64_t row = 0;  // from 1, as they came; 0: the table as a whole
  std::string row_name;   // its first column
  std::string column;     // "": the table as a whole
  std::string problem;

  // `backends row 3 "bkd_1" rpm_limit: "abc" is not a whole number`.
  [[nodiscard]] std::string text() const;
};

// More than anybody reads; a table in which every row is bad is told in the first of them.
inline constexpr std::size_t kRowFaultsMax = 1000;

struct ImportColumn {
  std::string_view name;
  bool required = false;  // the table must have it, and no row may lack a value
};

// ImportTable - a table as it is known here. The first column names a row in messages.
struct ImportTable {
  std::string_view name;
  std::span<const ImportColumn> columns;
};

// TableReader - the rows of one table, read by the names of columns, values checked strictly. A
// fault is noted and the row counts as bad, the rest of it is read nevertheless: all faults are
// told at once.
//
// SQLite does not hold a column to its type, and the predecessor checked nothing (COMPAT, fault
// 33), so a number is read as the text that it is.
//
// Lifetime  within that of `file` and `faults`.
class TableReader {
 public:
  TableReader(const SqliteFile& file, const ImportTable& table, std::vector<ImportFault>& faults);

  // Whether the table is there; one that is there and lacks required columns is a fault.
  [[nodiscard]] bool exists() const noexcept { return exists_; }
  // Steps to the next row; false at the end, and after a failure, which is a fault.
  [[nodiscard]] bool next();
  // Whether all that was read of the present row was sound.
  [[nodiscard]] bool row_is_sound() const noexcept { return row_is_sound_; }

  // The value in the column with the index `at` of ImportTable::columns.
  [[nodiscard]] bool has(std::size_t at) const;
  [[nodiscard]] std::string_view bytes(std::size_t at) const;  // as they are; "" for NULL
  [[nodiscard]] std::string text(std::size_t at, std::string_view fallback = {});
  [[nodiscard]] std::uint64_t integer(std::size_t at, std::uint64_t fallback = 0);
  [[nodiscard]] bool boolean(std::size_t at, bool fallback);
  // A decimal number times 10^places, not negative (base/decimal.h).
  [[nodiscard]] std::int64_t scaled(std::size_t at, int places);
  // Milliseconds since 1970. Besides RFC 3339 what Python and SQLite write: a space instead of the
  // T, no zone (taken for UTC), or seconds as a number.
  [[nodiscard]] std::optional<std::int64_t> time(std::size_t at);
  // Seconds since 1970 of "YYYY-MM-DDTHH:00:00Z" and of "YYYY-MM-DD", as these alone.
  [[nodiscard]] std::int64_t hour(std::size_t at);
  [[nodiscard]] std::int64_t day(std::size_t at);

  // Notes a fault of the present row. Never show what may be a secret.
  void refuse(std::size_t at, std::string problem);
  // `"abc" is not a whole number`, controls replaced, cut at 40 bytes.
  void refuse_value(std::size_t at, std::string_view problem);

 private:
  void refuse_table(std::string_view column, std::string problem);

  const SqliteFile* file_;
  const ImportTable* table_;
  std::vector<ImportFault>* faults_;
  std::optional<SqliteQuery> rows_;
  std::uint64_t row_ = 0;
  bool exists_ = false;
  bool row_is_sound_ = true;
};

}  // namespace sluice
