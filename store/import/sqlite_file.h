#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace sluice {

// SqliteQuery - the rows of one SELECT, one after the other.
//
// Owns      its statement. Move-only.
// Lifetime  within that of its SqliteFile; what text() returned is void after next().
class SqliteQuery {
 public:
  explicit SqliteQuery(sqlite3_stmt* statement) noexcept : statement_(statement) {}
  ~SqliteQuery();
  SqliteQuery(SqliteQuery&& other) noexcept;
  SqliteQuery& operator=(SqliteQuery&&) = delete;
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;

  enum class Step : std::uint8_t { kRow, kEnd, kFailed };
  [[nodiscard]] Step next() noexcept;
  [[nodiscard]] bool is_null(int column) const noexcept;
  // A number as SQLite writes it: a floating-point one with 15 significant digits.
  [[nodiscard]] std::string_view text(int column) const noexcept;

 private:
  sqlite3_stmt* statement_;
};

// SqliteFile - somebody else's database, read and never written: opened as immutable, so that
// SQLite takes no lock, makes no -shm file and replays no journal.
//
// Owns      the connection. Move-only.
// Affinity  one thread. Blocks: never on a shard.
class SqliteFile {
 public:
  // Errors are sentences for people that begin with `path`: no such file, no database, damaged, or
  // a write-ahead log or journal beside it that is not empty. An immutable file is read without
  // these, so the last changes would silently be missing: the predecessor still runs, or was
  // killed.
  [[nodiscard]] static std::expected<SqliteFile, std::string> open(const std::string& path);
  ~SqliteFile();
  SqliteFile(SqliteFile&& other) noexcept;
  SqliteFile& operator=(SqliteFile&&) = delete;
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  // The columns of a table as they are spelt there; none when there is no such table (a view is
  // none: it could name anything).
  [[nodiscard]] std::vector<std::string> columns(std::string_view table) const;
  [[nodiscard]] std::expected<SqliteQuery, std::string> query(std::string_view sql) const;
  // What SQLite says of its last failure.
  [[nodiscard]] std::string last_error() const;

 private:
  SqliteFile(sqlite3* database, std::string path) noexcept
      : database_(database), path_(std::move(path)) {}
  [[nodiscard]] std::expected<void, std::string> prepare() const;

  sqlite3* database_;
  std::string path_;
};

}  // namespace sluice
