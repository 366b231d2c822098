#include "admin/stored_entries.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "admin/row_tag.h"
#include "engine/config/settings.h"
#include "engine/proxy/cost.h"
#include "store/catalog.h"
#include "store/prices.h"
#include "tls/digest.h"
#include "tls/random.h"

namespace sluice {
namespace {

// The part of the predecessor's `metadata` that is written here; "" when there is nothing to write.
std::string metadata_of(const AccountNotes& notes) {
  nlohmann::json metadata = nlohmann::json::object();
  if (!notes.email.empty()) metadata["email"] = notes.email;
  if (!notes.notes.empty()) metadata["notes"] = notes.notes;
  return metadata.empty() ? std::string() : metadata.dump();
}

FieldRef key_ref(const StoredAccount& account) {
  return {.table = table_name(Table::kAccounts),
          .record = account.id,
          .field = "api_key",
          .revision = account.key_revision};
}

// The store counts nano-dollars, the configuration millionths (engine/route/account.h).
constexpr std::uint64_t kNanoPerMicro = 1000;

Price price_of(const ModelRate& rate) {
  const auto price = [](std::uint64_t nano) { return (nano + kNanoPerMicro / 2) / kNanoPerMicro; };
  return {.input = price(rate.input),
          .output = price(rate.output),
          .cached_read = price(rate.cached_read.value_or(rate.input)),
          .cached_write = price(rate.cached_write.value_or(rate.input))};
}

Pool pool_of(const StoredAccount& stored) {
  return stored.pool == StoredPool::kPrimary ? Pool::kPrimary : Pool::kFallback;
}

std::optional<std::uint64_t> milliseconds(std::optional<Duration> duration) {
  if (!duration) return {};
  return static_cast<std::uint64_t>(*duration / 1ms);
}

std::optional<Duration> duration(std::optional<std::uint64_t> milliseconds) {
  if (!milliseconds) return {};
  return std::chrono::milliseconds(*milliseconds);
}

ClientConfig client_of(const StoredClientKey& stored) {
  ClientConfig client;
  client.name = stored.name;
  std::memcpy(client.key_sha256.data(), stored.sha256.data(), stored.sha256.size());
  client.models = stored.models;
  client.priority = static_cast<Priority>(stored.priority);
  client.priority_max = static_cast<Priority>(stored.priority_max);
  client.rpm_limit = stored.rpm_limit;
  client.tpm_limit = stored.tpm_limit;
  client.concurrent_limit = stored.concurrent_limit;
  client.budget_nano_dollars = stored.budget_nano_dollars;
  client.budget_period = static_cast<BudgetPeriod>(stored.budget_period);
  return client;
}

}  // namespace

static_assert(static_cast<int>(Priority::kLow) == static_cast<int>(StoredPriority::kLow));
static_assert(static_cast<int>(BudgetPeriod::kTotal) == static_cast<int>(StoredPeriod::kTotal));

AccountOverrides overrides_of(const StoredAccount& stored) {
  const auto said = [&stored](std::uint32_t bit, auto value) {
    return (stored.unsaid & bit) == 0 ? std::optional(value) : std::nullopt;
  };
  AccountOverrides overrides{
      .rpm_limit = said(StoredAccount::kRpm, stored.rpm_limit),
      .tpm_limit = said(StoredAccount::kTpm, stored.tpm_limit),
      .rpd_limit = said(StoredAccount::kRpd, stored.rpd_limit),
      .concurrent_limit = said(StoredAccount::kConcurrent, stored.concurrent_limit),
      .window = duration(stored.window_ms),
      .connect = duration(stored.connect_ms),
      .first_byte = duration(said(StoredAccount::kTimeout, stored.timeout_ms)),
      .first_token = duration(stored.first_token_ms),
      .idle = duration(said(StoredAccount::kIdle, stored.idle_ms.value_or(stored.timeout_ms))),
      .total = duration(stored.total_ms),
      .bucket = {},
      .learn_limits = stored.learn_limits};
  if (stored.bucket)
    overrides.bucket =
        *stored.bucket == StoredBucket::kSteady ? BucketShape::kSteady : BucketShape::kRolling;
  return overrides;
}

std::string make_account_id() {
  std::array<char, 6> bytes;
  random_fill(bytes);
  std::array<char, 12> digits;
  write_hex({bytes.data(), bytes.size()}, digits.data());
  return "bkd_" + std::string(digits.data(), digits.size());
}

std::expected<Secret, VaultFailure> open_api_key(const StoredAccount& stored, const Vault& vault) {
  return vault.open(key_ref(stored), stored.api_key_sealed);
}

std::string explain(const VaultFailure& failure, const StoredAccount& stored) {
  return failure.text(key_ref(stored));
}

AccountOverrides overrides_in(std::span<const AccountField> fields, const AccountConfig& account) {
  const auto given = [fields](std::string_view name, auto value, std::string_view alias = {}) {
    const bool has = std::ranges::any_of(fields, [&](const AccountField& field) {
      return field.name == name || (!alias.empty() && field.name == alias);
    });
    return has ? std::optional(value) : std::nullopt;
  };
  const AccountTimeouts& timeouts = account.timeouts;
  return {.rpm_limit = given("rpm_limit", account.rpm_limit),
          .tpm_limit = given("tpm_limit", account.tpm_limit),
          .rpd_limit = given("rpd_limit", account.rpd_limit),
          .concurrent_limit = given("concurrent_limit", account.concurrent_limit),
          .window = given("window", account.window, "window_seconds"),
          .connect = given("timeouts.connect", timeouts.connect),
          .first_byte = given("timeouts.first_byte", timeouts.first_byte, "timeout_seconds"),
          .first_token = given("timeouts.first_token", timeouts.first_token),
          .idle = given("timeouts.idle", timeouts.idle, "timeout_seconds"),
          .total = given("timeouts.total", timeouts.total),
          .bucket = given("bucket", account.bucket),
          .learn_limits = given("learn_limits", account.learn_limits)};
}

StoredAccount to_stored(const AccountConfig& account, const AccountOverrides& overrides,
                        const AccountNotes& notes, std::string id, const Vault& vault,
                        std::int64_t now_unix_ms) {
  StoredAccount stored;
  stored.id = std::move(id);
  stored.name = account.name;
  stored.label = notes.label;
  stored.metadata = metadata_of(notes);
  stored.api_base_url = account.base_url;
  if (account.dialect == Dialect::kAnthropic) stored.api = "anthropic-messages";
  stored.timeout_ms = static_cast<std::uint64_t>(account.timeouts.first_byte / 1ms);
  stored.rpm_limit = account.rpm_limit;
  stored.tpm_limit = account.tpm_limit;
  stored.rpd_limit = account.rpd_limit;
  stored.concurrent_limit = account.concurrent_limit;
  stored.weight = account.weight;
  stored.pool = account.pool == Pool::kPrimary ? StoredPool::kPrimary : StoredPool::kFallback;
  stored.enabled = account.enabled;
  stored.emergency = account.emergency;
  stored.model_prefix = account.model_prefix;
  for (const ModelMapping& model : account.models) {
    StoredMapping mapping;
    mapping.canonical = model.canonical;
    mapping.native_id = model.native;
    mapping.cost = rate_of(model.cost);
    stored.models.push_back(std::move(mapping));
  }
  stored.cost = rate_of(account.cost);
  stored.window_ms = milliseconds(overrides.window);
  stored.connect_ms = milliseconds(overrides.connect);
  stored.first_token_ms = milliseconds(overrides.first_token);
  stored.idle_ms = milliseconds(account.timeouts.idle);
  stored.total_ms = milliseconds(overrides.total);
  if (overrides.bucket)
    stored.bucket =
        *overrides.bucket == BucketShape::kSteady ? StoredBucket::kSteady : StoredBucket::kRolling;
  stored.learn_limits = overrides.learn_limits;
  const auto unsaid = [&stored](std::uint32_t bit, bool said) { stored.unsaid |= said ? 0 : bit; };
  unsaid(StoredAccount::kRpm, overrides.rpm_limit.has_value());
  unsaid(StoredAccount::kTpm, overrides.tpm_limit.has_value());
  unsaid(StoredAccount::kRpd, overrides.rpd_limit.has_value());
  unsaid(StoredAccount::kConcurrent, overrides.concurrent_limit.has_value());
  unsaid(StoredAccount::kTimeout, overrides.first_byte.has_value());
  unsaid(StoredAccount::kIdle, overrides.idle.has_value());
  stored.send_via = account.send_via;
  stored.ca_file = account.ca_file;
  stored.created_ms = stored.updated_ms = now_unix_ms;
  seal_api_key(stored, vault, account.api_key);
  return stored;
}

void seal_api_key(StoredAccount& stored, const Vault& vault, const Secret& api_key) {
  stored.api_key_sealed = vault.seal(key_ref(stored), api_key.reveal());
}

std::string setting_tag(const StoredSetting* setting) {
  return setting == nullptr ? "unset" : row_tag(*setting);
}

std::string settings_tag(std::span<const StoredSetting> settings) {
  std::string tags;  // of 16 digits each
  for (const StoredSetting& setting : settings)
    if (is_changeable(setting.key)) tags += row_tag(setting);
  return tag_of(tags);
}

StoreResult<std::vector<StoredSetting>> stored_settings(StoreEnvironment& environment) {
  auto settings = list_settings(environment);
  if (settings)
    std::erase_if(*settings,
                  [](const StoredSetting& setting) { return !is_changeable(setting.key); });
  return settings;
}

AccountNotes notes_of(const StoredAccount& stored) {
  AccountNotes notes{.label = stored.label};
  const auto metadata = nlohmann::json::parse(stored.metadata, nullptr, false);
  if (!metadata.is_object()) return notes;
  const auto text = [&metadata](const char* member) {
    const auto found = metadata.find(member);
    return found != metadata.end() && found->is_string() ? found->get<std::string>() : "";
  };
  notes.email = text("email");
  notes.notes = text("notes");
  return notes;
}

AccountConfig from_stored(const StoredAccount& stored, Secret api_key) {
  AccountConfig account;
  account.name = stored.name;
  account.base_url = stored.api_base_url;
  account.api_key = std::move(api_key);
  account.dialect = stored.api == "anthropic-messages" ? Dialect::kAnthropic : Dialect::kOpenAi;
  account.pool = pool_of(stored);
  account.enabled = stored.enabled;
  account.weight = stored.weight;
  account.emergency = stored.emergency;
  account.cost = price_of(stored.cost);
  account.model_prefix = stored.model_prefix;
  for (const StoredMapping& mapping : stored.models)
    account.models.push_back({.canonical = mapping.canonical,
                              .native = mapping.native_id,
                              .cost = price_of(mapping.cost)});
  account.send_via = stored.send_via;
  account.ca_file = stored.ca_file;
  return account;
}

std::expected<StoredEntries, std::string> load_stored_entries(StoreEnvironment& environment,
                                                              const Vault& vault) {
  StoredEntries entries;
  const auto accounts = list_accounts(environment);
  if (!accounts) return std::unexpected(explain(accounts.error(), environment.path()));
  for (const StoredAccount& stored : *accounts) {
    auto key = open_api_key(stored, vault);
    if (!key) {
      entries.unopened.push_back({.name = stored.name,
                                  .why = explain(key.error(), stored),
                                  .pool = pool_of(stored),
                                  .enabled = stored.enabled,
                                  .rpm_limit = overrides_of(stored).rpm_limit.value_or(0),
                                  .models = stored.models.size()});
      continue;
    }
    entries.accounts.push_back(
        {from_stored(stored, std::move(*key)), overrides_of(stored), stored.public_only});
  }
  const auto clients = list_client_keys(environment);
  if (!clients) return std::unexpected(explain(clients.error(), environment.path()));
  entries.guarded = !clients->empty();
  for (const StoredClientKey& stored : *clients) {
    if (stored.revoked_ms == 0) entries.clients.push_back(client_of(stored));
  }
  const auto prices = list_prices(environment);
  if (!prices) return std::unexpected(explain(prices.error(), environment.path()));
  for (const StoredPrice& stored : *prices)
    entries.prices.push_back({stored.model, stored.valid_from_ms, price_of(stored.rate)});
  return entries;
}

}  // namespace sluice
