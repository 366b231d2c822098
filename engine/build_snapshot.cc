#include "engine/build_snapshot.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "engine/config/build_directory.h"

namespace sluice {
namespace {

ProxySettings settings_of(const Config& config) {
  ProxySettings settings;
  settings.body_bytes_max = config.limits.body_bytes_max;
  settings.body_memory_max = config.limits.body_memory_max;
  settings.connections_max = config.limits.connections_max;
  settings.tls_handshake = config.timeouts.tls_handshake;
  settings.request_head = config.timeouts.request_head;
  settings.body_idle = config.timeouts.body_idle;
  settings.body_rate_after = config.timeouts.body_rate_after;
  settings.body_rate_min = config.timeouts.body_rate_min;
  settings.keep_alive_idle = config.timeouts.keep_alive;
  settings.client_stall = config.timeouts.client_stalled;
  settings.identity_headers = config.identity_headers;
  return settings;
}

// An authorities' file that cannot be used, at the first account that names it.
void report_trust(const Config& config, const std::string& account, const std::string& why,
                  Findings& findings) {
  const auto found = std::ranges::find(config.accounts, account, &AccountConfig::name);
  if (found == config.accounts.end())
    return findings.error({}, "account \"" + account + "\" of the store: " + why);
  const std::string path = "accounts[" + std::to_string(found - config.accounts.begin()) + "]." +
                           (found->ca_file.empty() ? "base_url" : "ca_file");
  findings.refuse(config.origin_of(path), path + ": " + why, path);
}

// Loads the authorities that some account needs. A machine without the system's store is fine as
// long as no account relies on it.
void load_trust(Snapshot& snapshot, const Directory& directory, const Config& config,
                Findings& findings) {
  std::set<std::string_view> seen;
  auto system = TrustStore::system();
  if (system) snapshot.system_trust.emplace(std::move(*system));
  for (const auto& account : directory.accounts) {
    const Endpoint& endpoint = account->endpoint;
    if (!endpoint.tls || !account->enabled || !seen.insert(endpoint.ca_file).second) continue;
    if (endpoint.ca_file.empty()) {
      if (!system) report_trust(config, account->name, system.error(), findings);
      continue;
    }
    auto trust = TrustStore::from_file(endpoint.ca_file);
    if (trust) snapshot.ca_files.emplace_back(endpoint.ca_file, std::move(*trust));
    else report_trust(config, account->name, trust.error(), findings);
  }
}

// Which of the pairs cannot be served, and why: each is tried by itself.
void report_tls(const Config& config, Findings& findings) {
  for (std::size_t i = 0; i < config.tls.size(); ++i) {
    const CertificateFiles& files = config.tls[i];
    const auto alone = ServerTlsContext::create(std::span(&files, 1));
    if (alone) continue;
    const bool of_key = files.key_file != files.certificate_file &&
                        alone.error().starts_with(files.key_file + ": ");
    const std::string path = "tls[" + std::to_string(i) + "]." + (of_key ? "key" : "certificate");
    findings.refuse(config.origin_of(path), path + ": " + alone.error(), path);
  }
}

}  // namespace

std::expected<std::shared_ptr<const Snapshot>, ConfigErrors> build_snapshot(
    const Config& config, const StoredEntries* stored, const Directory* previous) {
  auto snapshot = std::make_shared<Snapshot>();
  auto directory = draft_directory(config, stored);
  if (!directory) return std::unexpected(directory.error());
  snapshot->settings = settings_of(config);
  Findings findings;
  load_trust(*snapshot, **directory, config, findings);
  if (!config.tls.empty()) {
    auto tls = ServerTlsContext::create(config.tls);
    if (tls) snapshot->listener_tls.emplace(std::move(*tls));
    else report_tls(config, findings);
  }
  if (findings.has_errors())
    return std::unexpected(ConfigErrors{findings.take_errors(), findings.take_warnings()});
  // Last: from here on the limits of accounts in use are the new ones.
  finish_directory(**directory, previous, SystemClock().now());
  snapshot->directory = std::move(*directory);
  return snapshot;
}

}  // namespace sluice
