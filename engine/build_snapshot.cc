#include "engine/build_snapshot.h"

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

// Loads the authorities that some account needs. A machine without the system's store is fine as
// long as no account relies on it. What went wrong, a line for each file; "" when nothing did.
std::string load_trust(Snapshot& snapshot, const Directory& directory) {
  std::string faults;
  std::set<std::string_view> seen;
  auto system = TrustStore::system();
  if (system) snapshot.system_trust.emplace(std::move(*system));
  for (const auto& account : directory.accounts) {
    const Endpoint& endpoint = account->endpoint;
    if (!endpoint.tls || !account->enabled || !seen.insert(endpoint.ca_file).second) continue;
    const auto fail = [&](const std::string& why) {
      faults += "account '" + account->name + "': " + why + "\n";
    };
    if (endpoint.ca_file.empty()) {
      if (!system) fail(system.error());
      continue;
    }
    auto trust = TrustStore::from_file(endpoint.ca_file);
    if (trust) snapshot.ca_files.emplace_back(endpoint.ca_file, std::move(*trust));
    else fail(trust.error());
  }
  return faults;
}

}  // namespace

std::expected<std::shared_ptr<const Snapshot>, std::string> build_snapshot(
    const Config& config, const StoredEntries* stored, const Directory* previous) {
  auto snapshot = std::make_shared<Snapshot>();
  auto directory = draft_directory(config, stored);
  if (!directory) return std::unexpected(directory.error().text());
  snapshot->settings = settings_of(config);
  std::string faults = load_trust(*snapshot, **directory);
  if (!config.tls.empty()) {
    auto tls = ServerTlsContext::create(config.tls);
    if (tls) snapshot->listener_tls.emplace(std::move(*tls));
    else faults += tls.error() + "\n";
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  // Last: from here on the limits of accounts in use are the new ones.
  finish_directory(**directory, previous, SystemClock().now());
  snapshot->directory = std::move(*directory);
  return snapshot;
}

}  // namespace sluice
