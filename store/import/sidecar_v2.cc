#include "store/import/sidecar_v2.h"

#include <algorithm>
#include <utility>

#include "store/import/sealed_text.h"
#include "store/import/sqlite_file.h"

namespace sluice {
namespace {

// Each table with its columns, and an enumerator for each column in the same order.

constexpr ImportColumn kAccountColumns[] = {
    {"id", true},   {"name", true},      {"api_base_url", true}, {"api_key", true}, {"label"},
    {"api"},        {"timeout_seconds"}, {"rpm_limit"},          {"tpm_limit"},     {"pool"},
    {"enabled"},    {"model_prefix"},    {"model_mappings"},     {"source"},        {"metadata"},
    {"created_at"}, {"updated_at"}};
enum AccountColumn : std::size_t {
  kId,
  kName,
  kBaseUrl,
  kApiKey,
  kLabel,
  kApi,
  kTimeout,
  kRpm,
  kTpm,
  kPool,
  kEnabled,
  kPrefix,
  kMappings,
  kSource,
  kMetadata,
  kCreatedAt,
  kUpdatedAt
};
constexpr ImportTable kAccounts{"backends", kAccountColumns};

constexpr ImportColumn kUsageColumns[] = {{"backend_id", true},
                                          {"model", true},
                                          {"hour_bucket", true},
                                          {"prompt_tokens"},
                                          {"completion_tokens"},
                                          {"total_tokens"},
                                          {"cost"},
                                          {"request_count"},
                                          {"error_count"},
                                          {"avg_latency_ms"},
                                          {"ttft_ms"}};
constexpr ImportTable kUsage{"usage", kUsageColumns};

constexpr ImportColumn kDayColumns[] = {{"date", true},     {"pool", true},   {"total_requests"},
                                        {"total_errors"},   {"total_tokens"}, {"total_cost"},
                                        {"unique_backends"}};
constexpr ImportTable kDays{"daily_stats", kDayColumns};

constexpr ImportColumn kCooldownColumns[] = {{"backend_id", true}, {"started_at", true},
                                             {"ended_at"},         {"consecutive_count"},
                                             {"cooldown_seconds"}, {"response_summary"}};
constexpr ImportTable kCooldowns{"cooldown_events", kCooldownColumns};

constexpr ImportColumn kHealthColumns[] = {{"backend_id", true},     {"state", true},
                                           {"last_latency_ms"},      {"last_status_code"},
                                           {"consecutive_failures"}, {"last_check_at"}};
constexpr ImportTable kHealth{"backend_health", kHealthColumns};

constexpr ImportColumn kSettingColumns[] = {
    {"key", true}, {"value", true}, {"description"}, {"updated_at"}};
constexpr ImportTable kSettings{"system_config", kSettingColumns};

bool read_pool(TableReader& row, std::size_t at) {
  const std::string pool = row.text(at, "primary");
  if (pool != "primary" && pool != "main" && pool != "fallback")
    row.refuse_value(at, "is neither primary nor fallback");
  return pool == "fallback";
}

// Importer - one call of read_sidecar_v2().
class Importer {
 public:
  Importer(const SqliteFile& file, const MasterKey& key) : file_(&file), key_(raw_key_of(key)) {}

  void read_all();
  [[nodiscard]] std::string summary() const;

  SidecarV2 out;
  std::vector<ImportFault> faults;

 private:
  // Reads each row of `table` with `read(TableReader&)` and keeps the sound ones.
  template <class T, class Read>
  void read(const ImportTable& table, std::vector<T>& into, Read&& read);
  ImportedAccount account(TableReader& row);

  const SqliteFile* file_;
  Secret key_;
  std::size_t keys_ = 0, keys_shut_ = 0;
};

template <class T, class Read>
void Importer::read(const ImportTable& table, std::vector<T>& into, Read&& read) {
  TableReader rows(*file_, table, faults);
  if (!rows.exists()) out.missing_tables.emplace_back(table.name);
  while (rows.next()) {
    T value = read(rows);
    if (rows.row_is_sound()) into.push_back(std::move(value));
  }
}

std::string texts_of(const std::vector<MappingFault>& faults) {
  std::string all;
  for (const MappingFault& fault : faults) all += (all.empty() ? "" : ". ") + fault.text();
  return all;
}

ImportedAccount Importer::account(TableReader& row) {
  ImportedAccount account;
  account.id = row.text(kId);
  account.name = row.text(kName);
  account.label = row.text(kLabel);
  account.base_url = row.text(kBaseUrl);
  account.api = row.text(kApi, "openai-completions");
  account.timeout_seconds = row.integer(kTimeout, account.timeout_seconds);
  account.rpm_limit = row.integer(kRpm, account.rpm_limit);
  account.tpm_limit = row.integer(kTpm, account.tpm_limit);
  account.is_fallback = read_pool(row, kPool);
  account.enabled = row.boolean(kEnabled, true);
  account.model_prefix = row.text(kPrefix);
  account.source = row.text(kSource);
  account.metadata_json = row.text(kMetadata);
  account.created_at_unix_ms = row.time(kCreatedAt);
  account.updated_at_unix_ms = row.time(kUpdatedAt);
  auto models = parse_model_mappings(row.bytes(kMappings));
  if (models) account.models = std::move(*models);
  else row.refuse(kMappings, texts_of(models.error()));
  if (!row.has(kApiKey)) return account;
  ++keys_;
  auto opened = open_sealed_text(key_, row.bytes(kApiKey));
  if (opened) {
    account.api_key = std::move(*opened);
    return account;
  }
  keys_shut_ += opened.error() == SealedTextFault::kDoesNotOpen;
  // By its name as well: nobody knows his accounts by their ids.
  row.refuse(kApiKey, "the key of the account \"" + account.name + "\" " +
                          std::string(sealed_text_fault_text(opened.error())));
  return account;
}

ImportedUsageHour usage_hour(TableReader& row) {
  constexpr int kNano = 9, kMicrosecondsOfMillisecond = 3;
  return {.account_id = row.text(0),
          .model = row.text(1),
          .hour_unix_seconds = row.hour(2),
          .prompt_tokens = row.integer(3),
          .completion_tokens = row.integer(4),
          .total_tokens = row.integer(5),
          .cost_nano_dollars = row.scaled(6, kNano),
          .requests = row.integer(7),
          .errors = row.integer(8),
          .latency_mean_us = row.scaled(9, kMicrosecondsOfMillisecond),
          .first_token_mean_us = row.scaled(10, kMicrosecondsOfMillisecond)};
}

ImportedDay day(TableReader& row) {
  return {.day_unix_seconds = row.day(0),
          .is_fallback = read_pool(row, 1),
          .requests = row.integer(2),
          .errors = row.integer(3),
          .tokens = row.integer(4),
          .cost_nano_dollars = row.scaled(5, 9),
          .accounts = row.integer(6)};
}

ImportedCooldown cooldown(TableReader& row) {
  return {.account_id = row.text(0),
          .consecutive = row.integer(3),
          .cooldown_ms = row.scaled(4, 3),
          .response_summary = row.text(5),
          .started_at_unix_ms = row.time(1),
          .ended_at_unix_ms = row.time(2)};
}

ImportedHealth health(TableReader& row) {
  return {.account_id = row.text(0),
          .state = row.text(1),
          .last_latency_us = row.scaled(2, 3),
          .last_status = row.integer(3),
          .consecutive_failures = row.integer(4),
          .checked_at_unix_ms = row.time(5)};
}

ImportedSetting setting(TableReader& row) {
  return {.key = row.text(0),
          .value = row.text(1),
          .description = row.text(2),
          .updated_at_unix_ms = row.time(3)};
}

void Importer::read_all() {
  read(kAccounts, out.accounts, [this](TableReader& row) { return account(row); });
  read(kUsage, out.usage, usage_hour);
  read(kDays, out.days, day);
  read(kCooldowns, out.cooldowns, cooldown);
  read(kHealth, out.health, health);
  read(kSettings, out.settings, setting);
  if (std::ranges::find(out.missing_tables, kAccounts.name) != out.missing_tables.end())
    faults.push_back({std::string(kAccounts.name), 0, "", "", "there is no such table"});
}

std::string Importer::summary() const {
  if (keys_ > 1 && keys_shut_ == keys_)
    return "none of the " + std::to_string(keys_) +
           " API keys opens: SIDECAR_ENCRYPTION_KEY is not the one that they were sealed under";
  return "nothing was imported, because of what follows";
}

}  // namespace

std::string SidecarV2Failure::text() const {
  std::string out = message + "\n";
  for (const ImportFault& fault : faults) out += "  " + fault.text() + "\n";
  return out;
}

std::expected<SidecarV2, SidecarV2Failure> read_sidecar_v2(const std::string& path,
                                                           const MasterKey& key,
                                                           const SidecarV2Options& options) {
  const auto file = SqliteFile::open(path);
  if (!file) return std::unexpected(SidecarV2Failure{file.error(), {}});
  Importer importer(*file, key);
  importer.read_all();
  // A table that cannot be read is no row that can be left out.
  const bool whole_table =
      std::ranges::any_of(importer.faults, [](const ImportFault& fault) { return fault.row == 0; });
  if (whole_table || (!importer.faults.empty() && !options.skip_unreadable))
    return std::unexpected(
        SidecarV2Failure{path + ": " + importer.summary(), std::move(importer.faults)});
  importer.out.skipped = std::move(importer.faults);
  return std::move(importer.out);
}

}  // namespace sluice
