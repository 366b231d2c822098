#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "store/import/sealed_text.h"
#include "store/import/sidecar_v2.h"
#include "tests/unit/vault/keys.h"
#include "tls/aead.h"
#include "tls/digest.h"

namespace sluice {

// The predecessor's tables, with the columns that docs/COMPAT.md names.
inline constexpr std::string_view kSidecarSchema = R"sql(
  CREATE TABLE backends (id TEXT PRIMARY KEY, name TEXT NOT NULL, label TEXT, api_base_url TEXT,
    api_key TEXT, api TEXT, timeout_seconds INTEGER, rpm_limit INTEGER, pool TEXT, enabled INTEGER,
    status TEXT, model_mappings TEXT, source TEXT, metadata TEXT, created_at TEXT, updated_at TEXT);
  CREATE TABLE usage (id INTEGER PRIMARY KEY, backend_id TEXT, model TEXT, prompt_tokens INTEGER,
    completion_tokens INTEGER, total_tokens INTEGER, cost REAL, request_count INTEGER,
    error_count INTEGER, avg_latency_ms REAL, ttft_ms REAL, hour_bucket TEXT, created_at TEXT);
  CREATE TABLE cooldown_events (id INTEGER PRIMARY KEY, backend_id TEXT, consecutive_count INTEGER,
    cooldown_seconds REAL, response_summary TEXT, started_at TEXT, ended_at TEXT);
  CREATE TABLE backend_health (backend_id TEXT PRIMARY KEY, state TEXT, last_latency_ms REAL,
    last_status_code INTEGER, success_rate_5m REAL, consecutive_failures INTEGER,
    last_check_at TEXT);
  CREATE TABLE daily_stats (id INTEGER PRIMARY KEY, date TEXT, pool TEXT, total_requests INTEGER,
    total_errors INTEGER, total_tokens INTEGER, total_cost REAL, unique_backends INTEGER,
    created_at TEXT);
  CREATE TABLE system_config (key TEXT PRIMARY KEY, value TEXT, description TEXT, updated_at TEXT);
)sql";

// `clear` sealed as the predecessor did, under the key that is `digit` 64 times.
inline std::string sidecar_sealed(std::string_view clear, char digit = '1') {
  const Secret key = raw_key_of(key_of(digit));
  const std::string nonce(kAeadNonceBytes, 'n');
  std::string sealed(clear.size() + kAeadTagBytes, '\0');
  aead_seal(AeadKey(key.reveal().data(), kAeadKeyBytes), AeadNonce(nonce.data(), kAeadNonceBytes),
            "", clear, sealed);
  std::string out(2 * nonce.size() + 1 + 2 * sealed.size(), ':');
  write_hex(nonce, out.data());
  write_hex(sealed, out.data() + 2 * nonce.size() + 1);
  return out;
}

// SidecarDatabase - a database of the predecessor in a file of its own, made by SQLite itself.
class SidecarDatabase {
 public:
  explicit SidecarDatabase(std::string_view schema = kSidecarSchema) {
    path_ = testing::TempDir() + "sluice sidecar?#%XXXXXX";  // a path that needs care in a URI
    close(mkstemp(path_.data()));
    run(schema);
  }
  ~SidecarDatabase() {
    for (const char* const suffix : {"", "-wal", "-journal", "-shm"})
      unlink((path_ + suffix).c_str());
  }
  SidecarDatabase(const SidecarDatabase&) = delete;
  SidecarDatabase& operator=(const SidecarDatabase&) = delete;

  void run(std::string_view sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    char* message = nullptr;
    // Nobody turns the power off here, and a disk that is busy would make the tests slow.
    const std::string all = "PRAGMA synchronous = OFF;" + std::string(sql);
    EXPECT_EQ(sqlite3_exec(database, all.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << message;
    sqlite3_free(message);
    sqlite3_close(database);
  }
  // The one number that a SELECT gives.
  int number(const char* sql) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database, sql, -1, &statement, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    const int value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
  }
  // An account with a key that opens; `columns` and `values` add to it.
  void add_account(const std::string& id, const std::string& columns = "",
                   const std::string& values = "") {
    run("INSERT INTO backends (id, name, api_base_url, api_key" + columns + ") VALUES ('" + id +
        "', 'name of " + id + "', 'https://api.example.com/v1', '" +
        sidecar_sealed("sk-test-" + id) + "'" + values + ")");
  }
  [[nodiscard]] std::expected<SidecarV2, SidecarV2Failure> read(
      const SidecarV2Options& options = {}, char key = '1') const {
    return read_sidecar_v2(path_, key_of(key), options);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sluice
