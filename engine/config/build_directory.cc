#include "engine/config/build_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "engine/config/check.h"
#include "parser/url.h"

namespace sluice {
namespace {

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::unique_ptr<Account> make_account(const AccountConfig& from, const BaseUrl& url) {
  auto account = std::make_unique<Account>();
  account->name = from.name;
  account->pool = from.pool;
  account->dialect = from.dialect;
  account->enabled = from.enabled;
  account->endpoint = {.tls = url.tls,
                       .host = lower_case(url.host),
                       .port = url.port,
                       .base_path = std::string(url.base_path),
                       .authority = std::string(url.authority),
                       .ca_file = from.ca_file};
  account->api_key = Secret(from.api_key.reveal());
  account->rpm_limit = from.rpm_limit;
  account->window = from.window;
  account->bucket = from.bucket;
  account->tpm_limit = from.tpm_limit;
  account->rpd_limit = from.rpd_limit;
  account->concurrent_limit = from.concurrent_limit;
  account->learn_limits = from.learn_limits;
  account->emergency = from.emergency;
  account->weight = from.weight;
  account->cost = from.cost;
  account->model_prefix = from.model_prefix;
  account->models = from.models;
  account->timeouts = from.timeouts;
  account->send_via = from.send_via;
  return account;
}

ClientKey make_client(const ClientConfig& from) {
  ClientKey key;
  key.name = from.name;
  std::memcpy(key.sha256, from.key_sha256.data(), sizeof(key.sha256));
  key.models = from.models;
  key.priority = from.priority;
  key.priority_max = from.priority_max;
  key.limits = {
      .requests = from.rpm_limit, .tokens = from.tpm_limit, .concurrent = from.concurrent_limit};
  key.budget = {.nano_dollars = from.budget_nano_dollars, .period = from.budget_period};
  return key;
}

// Of an account that came over the network: what its name stands for is not its owner's to say, and
// its key goes unencrypted to private addresses alone.
Reach reach_of(const BaseUrl& url, bool private_allowed) {
  if (url.tls) return private_allowed ? Reach::kAny : Reach::kPublic;
  return private_allowed ? Reach::kPrivate : Reach::kNone;
}

// The configuration's own go before: who has the same name, or too many are there, stays outside.
// The store takes only what its commands have checked, so nothing else can be wrong here.
void add_stored(Directory& directory, const StoredEntries& stored, const Config& config) {
  const auto has = [](const auto& list, const std::string& name) {
    return std::ranges::any_of(list, [&](const auto& one) { return one.name == name; });
  };
  for (const auto& [from, overrides, public_only] : stored.accounts) {
    BaseUrl url;
    std::string_view why;
    if (has(config.accounts, from.name) || !parse_base_url(from.base_url, url, why)) continue;
    if (directory.accounts.size() == kDirectoryAccountsMax) break;
    directory.accounts.push_back(make_account(from, url));
    Account& account = *directory.accounts.back();
    if (public_only) account.endpoint.reach = reach_of(url, config.admin.private_upstreams);
    complete(account, overrides, config);
  }
  for (const UnopenedAccount& unopened : stored.unopened) {
    if (has(config.accounts, unopened.name)) continue;
    directory.unopened.push_back(unopened);
    std::uint32_t& rpm_limit = directory.unopened.back().rpm_limit;
    if (rpm_limit == 0) rpm_limit = config.account_defaults.rpm_limit;
  }
  for (const ModelPrice& price : stored.prices)
    directory.prices.add(price.model, price.valid_from_ms, price.price);
  for (const ClientConfig& from : stored.clients) {
    if (!has(config.clients, from.name)) directory.clients.push_back(make_client(from));
  }
}

}  // namespace

std::expected<std::shared_ptr<Directory>, ConfigErrors> draft_directory(
    const Config& config, const StoredEntries* stored) {
  auto directory = std::make_shared<Directory>();
  Findings findings;
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    const AccountConfig& account = config.accounts[i];
    BaseUrl url;
    std::string_view why;
    if (!parse_base_url(account.base_url, url, why)) {
      const std::string path = fmt::format("accounts[{}].base_url", i);
      findings.error(config.origin_of(path), fmt::format("{}: {}", path, why));
      continue;
    }
    directory->accounts.push_back(make_account(account, url));
  }
  if (findings.has_errors()) return std::unexpected(ConfigErrors{findings.take_errors(), {}});
  for (const ClientConfig& client : config.clients)
    directory->clients.push_back(make_client(client));
  if (stored != nullptr) add_stored(*directory, *stored, config);
  directory->open = is_open(config) && (config.auth_open || stored == nullptr || !stored->guarded);
  directory->routing = config.routing;
  directory->default_model = config.default_model;
  directory->created_unix_s = std::chrono::duration_cast<std::chrono::seconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count();
  return directory;
}

std::string left_out(const Config& config, const StoredEntries& stored) {
  std::string names;
  std::size_t room = kDirectoryAccountsMax - config.accounts.size();
  for (const StoredEntry& entry : stored.accounts) {
    const std::string& name = entry.account.name;
    const bool shadowed =
        std::ranges::find(config.accounts, name, &AccountConfig::name) != config.accounts.end();
    if (!shadowed && room > 0) {
      --room;
    } else {
      names += (names.empty() ? "" : ", ") + name;
    }
  }
  return names;
}

std::expected<std::shared_ptr<const Directory>, ConfigErrors> build_directory(const Config& config,
                                                                              Instant now) {
  auto directory = draft_directory(config);
  if (directory) finish_directory(**directory, nullptr, now);
  return directory;
}

std::expected<std::shared_ptr<const Directory>, ConfigErrors> build_directory(
    const Config& config) {
  return build_directory(config, SystemClock().now());
}

}  // namespace sluice
