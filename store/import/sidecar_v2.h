#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "store/import/model_mappings.h"
#include "store/import/table_reader.h"
#include "store/vault/master_key.h"

namespace sluice {

// What the predecessor's database holds, as plain values (docs/COMPAT.md). Nothing is judged here
// but what a value is: whether an account may be served is said by engine/config/account_fields.h.
// fields() is for store/codec.h: one process reads them, another one may write them.

struct ImportedAccount {
  std::string id, name, label;
  std::string base_url;
  Secret api_key;
  std::string api;  // "openai-completions"
  std::uint64_t timeout_seconds = 120;
  std::uint64_t rpm_limit = 40;
  std::uint64_t tpm_limit = 0;  // 0: no limit
  bool is_fallback = false;
  bool enabled = true;
  std::string model_prefix;
  std::vector<StoredMapping> models;
  std::string source;         // "webui", "env", "import", "file"
  std::string metadata_json;  // as it stands there
  std::optional<std::int64_t> created_at_unix_ms, updated_at_unix_ms;

  // Without the key, which lies in no other memory than a Secret's.
  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.id, row.name, row.label, row.base_url, row.api, row.timeout_seconds, row.rpm_limit,
          row.tpm_limit, row.is_fallback, row.enabled, row.model_prefix, row.models, row.source,
          row.metadata_json, row.created_at_unix_ms, row.updated_at_unix_ms);
  }
};

struct ImportedUsageHour {
  std::string account_id, model;
  std::int64_t hour_unix_seconds = 0;
  std::uint64_t prompt_tokens = 0, completion_tokens = 0, total_tokens = 0;
  std::int64_t cost_nano_dollars = 0;
  std::uint64_t requests = 0, errors = 0;
  std::int64_t latency_mean_us = 0, first_token_mean_us = 0;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.account_id, row.model, row.hour_unix_seconds, row.prompt_tokens,
          row.completion_tokens, row.total_tokens, row.cost_nano_dollars, row.requests, row.errors,
          row.latency_mean_us, row.first_token_mean_us);
  }
};

struct ImportedDay {
  std::int64_t day_unix_seconds = 0;
  bool is_fallback = false;
  std::uint64_t requests = 0, errors = 0, tokens = 0;
  std::int64_t cost_nano_dollars = 0;
  std::uint64_t accounts = 0;  // that were used

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.day_unix_seconds, row.is_fallback, row.requests, row.errors, row.tokens,
          row.cost_nano_dollars, row.accounts);
  }
};

struct ImportedCooldown {
  std::string account_id;
  std::uint64_t consecutive = 0;
  std::int64_t cooldown_ms = 0;
  std::string response_summary;
  std::optional<std::int64_t> started_at_unix_ms, ended_at_unix_ms;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.account_id, row.consecutive, row.cooldown_ms, row.response_summary,
          row.started_at_unix_ms, row.ended_at_unix_ms);
  }
};

struct ImportedHealth {
  std::string account_id;
  std::string state;  // "healthy", "degraded", "down"
  std::int64_t last_latency_us = 0;
  std::uint64_t last_status = 0;
  std::uint64_t consecutive_failures = 0;
  std::optional<std::int64_t> checked_at_unix_ms;
};

struct ImportedSetting {
  std::string key, value, description;
  std::optional<std::int64_t> updated_at_unix_ms;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.key, row.value, row.description, row.updated_at_unix_ms);
  }
};

struct SidecarV2 {
  std::vector<ImportedAccount> accounts;
  std::vector<ImportedUsageHour> usage;
  std::vector<ImportedDay> days;
  std::vector<ImportedCooldown> cooldowns;
  std::vector<ImportedHealth> health;
  std::vector<ImportedSetting> settings;
  std::vector<std::string> missing_tables;  // nothing came from these
  std::vector<ImportFault> skipped;         // why rows were left out: SidecarV2Options
};

struct SidecarV2Options {
  // Leave out rows that cannot be taken over, and take the others. By default one of them is
  // enough to import nothing.
  bool skip_unreadable = false;
};

struct SidecarV2Failure {
  std::string message;              // a sentence for people
  std::vector<ImportFault> faults;  // all that was found; none when the file could not be opened

  // The message and a line for each fault.
  [[nodiscard]] std::string text() const;
};

// Reads the database at `path`, and opens its API keys with `key`, the predecessor's
// SIDECAR_ENCRYPTION_KEY. Writes nothing, there or anywhere. Blocks.
//
// Costs were floating-point dollars. They are read as SQLite writes them, 15 significant digits,
// and turned into nano-dollars in decimal: 0.1 + 0.2 stands there as 0.30000000000000004, is
// written 0.3 and becomes 300,000,000. Up to a million dollars in an hour that is exact to a
// nano-dollar of what was meant; half a nano-dollar goes to the even side.
[[nodiscard]] std::expected<SidecarV2, SidecarV2Failure> read_sidecar_v2(
    const std::string& path, const MasterKey& key, const SidecarV2Options& options);

}  // namespace sluice
