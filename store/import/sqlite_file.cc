#include "store/import/sqlite_file.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "tls/digest.h"

namespace sluice {
namespace {

// A longer text or row is no account and no count; what damage claims to be one is not allocated.
constexpr int kValueBytesMax = 16 * 1024 * 1024;

// The path as a URI, in which '?', '#' and '%' mean something.
std::string uri_of(const std::string& path) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string uri = "file:";
  for (const char c : path) {
    if (kPlain.find(c) != std::string_view::npos) {
      uri += c;
      continue;
    }
    char digits[2];
    write_hex({&c, 1}, digits);
    uri.append("%").append(digits, 2);
  }
  return uri + "?mode=ro&immutable=1";
}

std::expected<void, std::string> check_files(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0)
    return std::unexpected(path + ": cannot be read: " + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return std::unexpected(path + ": is no regular file");
  for (const char* const suffix : {"-wal", "-journal"}) {
    const std::string beside = path + suffix;
    if (stat(beside.c_str(), &status) != 0 || status.st_size == 0) continue;
    return std::unexpected(
        path + ": " + beside +
        " holds changes that are not in the database yet: the predecessor still runs, or was "
        "killed. Stop it, then run: sqlite3 " +
        path + " 'PRAGMA wal_checkpoint(TRUNCATE);' (or start and stop the predecessor once)");
  }
  return {};
}

}  // namespace

SqliteQuery::~SqliteQuery() { sqlite3_finalize(statement_); }

SqliteQuery::SqliteQuery(SqliteQuery&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)) {}

SqliteQuery::Step SqliteQuery::next() noexcept {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return Step::kRow;
  return code == SQLITE_DONE ? Step::kEnd : Step::kFailed;
}

bool SqliteQuery::is_null(int column) const noexcept {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string_view SqliteQuery::text(int column) const noexcept {
  const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::expected<SqliteFile, std::string> SqliteFile::open(const std::string& path) {
  if (auto checked = check_files(path); !checked) return std::unexpected(checked.error());
  sqlite3* database = nullptr;
  const int code =
      sqlite3_open_v2(uri_of(path).c_str(), &database,
                      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteFile file(database, path);
  if (code != SQLITE_OK) return std::unexpected(path + ": cannot be opened: " + file.last_error());
  if (auto prepared = file.prepare(); !prepared) return std::unexpected(prepared.error());
  return file;
}

// Nothing of what a file may bring with it is run, and a damaged one is not half read.
std::expected<void, std::string> SqliteFile::prepare() const {
  sqlite3_limit(database_, SQLITE_LIMIT_LENGTH, kValueBytesMax);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  auto check = query("PRAGMA quick_check(1)");
  if (!check) return std::unexpected(path_ + ": " + check.error());
  if (check->next() != SqliteQuery::Step::kRow) return std::unexpected(path_ + ": " + last_error());
  if (check->text(0) != "ok")
    return std::unexpected(path_ + ": is damaged: " + std::string(check->text(0)));
  return {};
}

SqliteFile::~SqliteFile() { sqlite3_close(database_); }

SqliteFile::SqliteFile(SqliteFile&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)), path_(std::move(other.path_)) {}

std::vector<std::string> SqliteFile::columns(std::string_view table) const {
  std::vector<std::string> names;
  const std::string quoted = "'" + std::string(table) + "'";  // names of ours, without quotes
  auto rows = query("SELECT c.name FROM pragma_table_info(" + quoted +
                    ") AS c WHERE EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND "
                    "lower(name) = " +
                    quoted + ")");
  if (!rows) return names;
  while (rows->next() == SqliteQuery::Step::kRow) names.emplace_back(rows->text(0));
  return names;
}

std::expected<SqliteQuery, std::string> SqliteFile::query(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return std::unexpected(last_error());
  return SqliteQuery(statement);
}

std::string SqliteFile::last_error() const { return sqlite3_errmsg(database_); }

}  // namespace sluice
