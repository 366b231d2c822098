#include "admin/stored_entries.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/proxy/cost.h"
#include "store/catalog.h"
#include "tls/digest.h"
#include "tls/random.h"

namespace sluice {
namespace {

FieldRef key_ref(const StoredAccount& account) {
  return {.table = table_name(Table::kAccounts),
          .record = account.id,
          .field = "api_key",
          .revision = account.key_revision};
}

// The store counts nano-dollars, the configuration millionths (engine/route/account.h).
constexpr std::uint64_t kNanoPerMicro = 1000;

Price price_of(const ModelRate& rate) {
  const std::uint64_t input = rate.input / kNanoPerMicro;
  return {.input = input,
          .output = rate.output / kNanoPerMicro,
          .cached_read = rate.cached_read ? *rate.cached_read / kNanoPerMicro : input,
          .cached_write = rate.cached_write ? *rate.cached_write / kNanoPerMicro : input};
}
ClientConfig client_of(const StoredClientKey& stored) {
  ClientConfig client;
  client.name = stored.name;
  std::memcpy(client.key_sha256.data(), stored.sha256.data(), stored.sha256.size());
  client.models = stored.models;
  client.priority = static_cast<Priority>(stored.priority);
  client.rpm_limit = stored.rpm_limit;
  client.tpm_limit = stored.tpm_limit;
  client.concurrent_limit = stored.concurrent_limit;
  return client;
}

}  // namespace

static_assert(static_cast<int>(Priority::kLow) == static_cast<int>(StoredPriority::kLow));

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

StoredAccount to_stored(const AccountConfig& account, std::string id, const Vault& vault,
                        std::int64_t now_unix_ms) {
  StoredAccount stored;
  stored.id = std::move(id);
  stored.name = account.name;
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
    mapping.cost = rate_of(account.cost);
    stored.models.push_back(std::move(mapping));
  }
  stored.cost = rate_of(account.cost);
  stored.created_ms = stored.updated_ms = now_unix_ms;
  stored.api_key_sealed = vault.seal(key_ref(stored), account.api_key.reveal());
  return stored;
}

AccountConfig from_stored(const StoredAccount& stored, Secret api_key) {
  AccountConfig account;
  account.name = stored.name;
  account.base_url = stored.api_base_url;
  account.api_key = std::move(api_key);
  account.dialect = stored.api == "anthropic-messages" ? Dialect::kAnthropic : Dialect::kOpenAi;
  account.pool = stored.pool == StoredPool::kPrimary ? Pool::kPrimary : Pool::kFallback;
  account.enabled = stored.enabled;
  account.rpm_limit = stored.rpm_limit;
  account.tpm_limit = stored.tpm_limit;
  account.rpd_limit = stored.rpd_limit;
  account.concurrent_limit = stored.concurrent_limit;
  account.weight = stored.weight;
  account.emergency = stored.emergency;
  account.cost = price_of(stored.cost);
  account.model_prefix = stored.model_prefix;
  for (const StoredMapping& mapping : stored.models)
    account.models.push_back({.canonical = mapping.canonical, .native = mapping.native_id});
  account.timeouts.first_byte = account.timeouts.idle =
      std::chrono::milliseconds(stored.timeout_ms);
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
      return std::unexpected("account '" + stored.name + "': " + key.error().text(key_ref(stored)));
    }
    entries.accounts.push_back(from_stored(stored, std::move(*key)));
  }
  const auto clients = list_client_keys(environment);
  if (!clients) return std::unexpected(explain(clients.error(), environment.path()));
  entries.guarded = !clients->empty();
  for (const StoredClientKey& stored : *clients) {
    if (stored.revoked_ms == 0) entries.clients.push_back(client_of(stored));
  }
  return entries;
}

}  // namespace sluice
