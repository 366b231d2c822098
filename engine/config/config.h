#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/units.h"
#include "engine/config/finding.h"
#include "engine/route/account.h"
#include "engine/route/directory.h"
#include "parser/listen_address.h"
#include "tls/context.h"
#include "tls/digest.h"

namespace sluice {

struct LimitsConfig {
  std::uint64_t body_bytes_max = 32 * kMiB;  // HTTP_RULES B6
  // Of all request bodies of a shard together: 16 of the largest, or 8,000 prompts of 60 KB.
  std::uint64_t body_memory_max = 512 * kMiB;
  std::uint32_t connections_max = 10'000;  // per shard
};

// The timers of HTTP_RULES; those of an account stand here as what it inherits.
struct TimeoutsConfig {
  Duration tls_handshake = 10s;
  Duration request_head = 10s;         // absolute
  Duration body_idle = 30s;            // between two reads of a request body
  std::uint64_t body_rate_min = kKiB;  // bytes per second, once body_rate_after has passed
  Duration body_rate_after = 10s;
  Duration keep_alive = 75s;      // a connection of ours between two requests
  Duration client_stalled = 60s;  // a client that reads nothing of its answer
  AccountTimeouts upstream;
  Duration pooled_idle = 45s;   // an upstream connection between two requests
  Duration pooled_age = 10min;  // an upstream connection since it was opened
};

struct DrainConfig {
  Duration delay = 0s;   // from "not ready" to the end of accepting
  Duration grace = 30s;  // from then to the end of what still runs
};

// What an account has that says nothing of its own.
struct AccountDefaults {
  std::uint32_t rpm_limit = 40;
  Duration window = 60s;
  BucketShape bucket = BucketShape::kRolling;
  std::uint32_t tpm_limit = 0;
  std::uint32_t rpd_limit = 0;
  std::uint32_t concurrent_limit = 0;
  bool learn_limits = false;
};

struct AccountConfig {
  std::string name;
  std::string base_url;
  Secret api_key;  // empty: the provider wants none
  Dialect dialect = Dialect::kOpenAi;
  Pool pool = Pool::kPrimary;
  bool enabled = true;
  std::uint32_t rpm_limit = 40;
  Duration window = 60s;
  BucketShape bucket = BucketShape::kRolling;
  std::uint32_t tpm_limit = 0;  // 0: no limit, here and below
  std::uint32_t rpd_limit = 0;
  std::uint32_t concurrent_limit = 0;
  bool learn_limits = false;
  bool emergency = false;
  std::uint32_t weight = 1;
  Price cost;
  std::string model_prefix;
  std::vector<ModelMapping> models;  // in the order of the file
  std::string ca_file;
  AccountTimeouts timeouts;
  bool send_via = true;
};

// A client's key is hashed as it is read; the clear text is not kept.
struct ClientConfig {
  std::string name;
  Sha256Digest key_sha256{};
  std::string key_redacted;  // for `config show`
  std::vector<std::string> models;
  Priority priority = Priority::kNormal;
  Priority priority_max = Priority::kUrgent;
  std::uint32_t rpm_limit = 0;  // 0: no limit, here and below
  std::uint32_t tpm_limit = 0;
  std::uint32_t concurrent_limit = 0;
  std::uint64_t budget_nano_dollars = 0;
  BudgetPeriod budget_period = BudgetPeriod::kMonth;
};

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
};

// StoreConfig - where usage, accounts and keys are kept (store.*, usage.*, backup.*).
struct StoreConfig {
  std::string directory;  // "": nothing is stored; load_config() gives it its default
  std::string key_file;   // of the master key; "": SIDECAR_ENCRYPTION_KEY, else a key that is
                          // made in the directory
  std::uint64_t bytes_max = 64 * 1024 * kMiB;
  bool any_file_system = false;  // network file systems too
  Duration keep_requests = 7 * 24h;
  std::string backup_directory;    // "": backups/ in the directory
  std::uint32_t backups_keep = 7;  // days; 0: no backups
};

// Where the predecessor's metrics were.
inline constexpr ListenAddress kMetricsAddress{.addresses = {kLoopback4}, .count = 1, .port = 9191};

// AdminConfig - who may look at and change the running gateway, and where (admin.*).
struct AdminConfig {
  std::vector<ListenAddress> listen;  // besides the proxy's listeners; of its own
  std::vector<std::string> hosts;     // names in Host, besides addresses and localhost
  bool public_read = false;           // what only reads goes without the token
  bool private_upstreams = false;     // accounts that are added may be at private addresses
};

// HealthConfig - accounts are asked for their models now and then, to see whether they are well
// (health.*).
struct HealthConfig {
  Duration interval = 60s;  // of one account; 0: never
  bool counts = false;      // the provider counts that as a request
};

// FlagValue - one value given on the command line: {"listen", "127.0.0.1:0", "--listen"}.
struct FlagValue {
  std::string path;
  std::string text;
  std::string flag;
};

// SettingText - one value that the administrator has changed while the gateway ran, as the store
// keeps it: {"queue.capacity", "100"}.
struct SettingText {
  std::string path;
  std::string text;
};

// WaitingValue - what the sources say of a setting that the process was started with otherwise.
struct WaitingValue {
  std::string path;
  std::string value;  // as the configuration would say it; of a list, separated by ", "
  Place origin;
};

// ConfigSources - where a configuration is read from, kept for the next reload.
struct ConfigSources {
  std::string file;  // -c; "": $SLUICE_CONFIG, else the first of default_files that exists
  std::vector<FlagValue> flags;
  std::vector<SettingText> stored;  // these go before all others
  std::vector<std::string> default_files = {"sluice.yaml", "/etc/sluice/sluice.yaml"};
};

// Config - what the gateway was told, complete and checked, each value with its origin.
//
// Owns      the accounts' keys. Move-only.
// Affinity  none: nothing changes it after load_config().
struct Config {
  std::string file;  // the file that was read; "" when there was none
  std::vector<ListenAddress> listen = {ListenAddress{}};
  std::uint32_t shards = 0;           // never 0 after load_config()
  std::vector<CertificateFiles> tls;  // empty: plain HTTP
  LimitsConfig limits;
  TimeoutsConfig timeouts;
  DrainConfig drain;
  AccountDefaults account_defaults;
  std::vector<AccountConfig> accounts;
  std::vector<ClientConfig> clients;
  bool auth_open = false;     // auth.open
  RoutingPolicy routing;      // routing.*, queue.*, hedge.*
  std::string default_model;  // routing.default_model
  StoreConfig store;
  AdminConfig admin;
  HealthConfig health;
  std::vector<ListenAddress> metrics_listen = {kMetricsAddress};  // metrics.listen
  LogConfig log;
  bool identity_headers = true;  // headers.identity: who served (docs/WIRE.md, Fields)

  std::map<std::string, Place, std::less<>> origins;  // by path: "accounts[0].rpm_limit"
  std::vector<Finding> warnings;
  std::vector<WaitingValue> waiting;  // for the next start
  ConfigSources sources;

  // Where the value at `path` came from; a default when nobody gave it.
  [[nodiscard]] Place origin_of(std::string_view path) const {
    const auto found = origins.find(path);
    return found == origins.end() ? Place{} : found->second;
  }
};

}  // namespace sluice
