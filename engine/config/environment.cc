#include "engine/config/environment.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/config/suggest.h"

namespace sluice {
namespace {

// Which variables of the predecessor give a key; the first that is set counts.
struct Alias {
  std::string_view path;
  std::string_view variable;
};

constexpr Alias kAliases[] = {
    {"account_defaults.rpm_limit", "SIDECAR_RATE_RPM"},
    {"routing.cooldown.base", "SIDECAR_COOLDOWN_BASE"},
    {"routing.cooldown.max", "SIDECAR_COOLDOWN_MAX"},
    {"queue.capacity", "SIDECAR_QUEUE_MAX"},
    {"queue.wait.urgent", "SIDECAR_QUEUE_TIMEOUT"},
    {"queue.wait.high", "SIDECAR_QUEUE_TIMEOUT"},
    {"queue.wait.normal", "SIDECAR_QUEUE_TIMEOUT"},
    {"queue.wait.low", "SIDECAR_LOW_TIMEOUT"},
    {"queue.overflow", "SIDECAR_FALLBACK_PASSTHROUGH"},
    {"timeouts.upstream.first_byte", "SIDECAR_TIMEOUT"},  // its timeout held for every read
    {"timeouts.upstream.idle", "SIDECAR_TIMEOUT"},
    {"backup.directory", "SIDECAR_BACKUP_DIR"},
    {"log.level", "SIDECAR_LOG_LEVEL"},
    {"log.level", "LOG_LEVEL"},
    {"log.format", "LOG_FORMAT"},
};

// Ours that give no key of the tree.
constexpr std::string_view kOtherVariables[] = {
    "SLUICE_CONFIG",   "SLUICE_UPSTREAM",        "SLUICE_API_KEY",      "SIDECAR_HOST",
    "SIDECAR_PORT",    "SIDECAR_UPSTREAM",       "SIDECAR_API_KEY",     "SIDECAR_BUCKET_CAPACITY",
    "SIDECAR_DB_PATH", "SIDECAR_ENCRYPTION_KEY", "SIDECAR_ADMIN_TOKEN", "SIDECAR_METRICS_PORT",
};

std::optional<Override> variable(const Environment& env, std::string_view name) {
  const auto value = env.find(name);
  if (!value || value->empty()) return std::nullopt;
  return Override{std::string(*value), {Place::Kind::kEnvironment, std::string(name)}};
}

std::optional<Override> first_of(const Environment& env,
                                 std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    if (auto given = variable(env, name)) return given;
  return std::nullopt;
}

std::optional<Override> find_override(const Environment& env, std::string_view path) {
  if (auto ours = variable(env, variable_of(path))) return ours;
  for (const Alias& alias : kAliases) {
    if (alias.path != path) continue;
    if (auto theirs = variable(env, alias.variable)) return theirs;
  }
  return std::nullopt;
}

void set_address(Config& config, std::vector<ListenAddress>& list, const std::string& path,
                 const ListenAddress& address, const Place& place) {
  list = {address};
  std::erase_if(config.origins,
                [&path](const auto& entry) { return entry.first.starts_with(path); });
  config.origins[path] = config.origins[path + "[0]"] = place;
}

void read_port(const Override& given, ListenAddress& address, Findings& findings) {
  std::uint32_t number = address.port;
  IntegerScalar scalar(number, 0, 65535);
  const std::string_view problem = scalar.set(given.text);
  if (!problem.empty()) findings.error(given.place, refusal(scalar, given.text, problem));
  address.port = static_cast<std::uint16_t>(number);
}

// SIDECAR_HOST and SIDECAR_PORT are the two halves of one address.
void apply_host_and_port(Config& config, const Environment& env, Findings& findings) {
  const auto host = variable(env, "SIDECAR_HOST");
  const auto port = variable(env, "SIDECAR_PORT");
  if ((!host && !port) || variable(env, variable_of("listen"))) return;
  ListenAddress address;
  if (host) {
    const auto parsed = parse_listen_host(host->text, address.port);
    if (parsed) address = *parsed;
    else
      findings.error(host->place,
                     refusal(quoted_value(host->text), parsed.error(),
                             "an IP address like 127.0.0.1, localhost, or * for all addresses"));
  }
  if (port) read_port(*port, address, findings);
  set_address(config, config.listen, "listen", address, host ? host->place : port->place);
}

// SIDECAR_METRICS_PORT, on SIDECAR_HOST where that is an address of this machine's alone: who opens
// the proxy, which asks for keys, to others does not open metrics, which ask for nothing.
void apply_metrics_port(Config& config, const Environment& env, Findings& findings) {
  const auto host = variable(env, "SIDECAR_HOST");
  const auto port = variable(env, "SIDECAR_METRICS_PORT");
  const std::string path = "metrics.listen";
  if ((!host && !port) || variable(env, variable_of(path))) return;
  ListenAddress address = kMetricsAddress;
  const auto parsed = host ? parse_listen_host(host->text, address.port) : address;
  const bool apart = parsed && !parsed->is_loopback();
  if (parsed && !apart) address = *parsed;
  if (port) read_port(*port, address, findings);
  if (apart && !port && config.origins.contains(path)) return;  // the file says what it wants
  if (apart)
    findings.warn(host->place,
                  fmt::format("metrics stay on {}, because they ask for no token; for who scrapes "
                              "them from another machine set metrics.listen (SLUICE_METRICS_LISTEN="
                              ":{}), or let it ask for /metrics of listen with the admin token",
                              address.text(), address.port));
  if (apart && !port) return;
  set_address(config, config.metrics_listen, path, address, port ? port->place : host->place);
}

// The predecessor's bucket let `capacity` requests through at once and `rate` in a minute. A
// rolling bucket of `capacity` requests in capacity/rate minutes does both, and never more than
// `rate` in a minute. A capacity above the rate would let up to twice the rate through (COMPAT,
// fault 36).
void apply_bucket_capacity(AccountConfig& account, const Override& given, const std::string& path,
                           Config& config, Findings& findings) {
  std::uint32_t capacity = 0;
  IntegerScalar scalar(capacity, 1, 1'000'000);
  if (const std::string_view problem = scalar.set(given.text); !problem.empty())
    return findings.error(given.place, refusal(scalar, given.text, problem));
  const AccountDefaults& defaults = config.account_defaults;
  if (capacity > defaults.rpm_limit)
    return findings.warn(given.place,
                         fmt::format("a capacity of {} above the limit of {} has no effect: no "
                                     "more than the limit passes in any window",
                                     capacity, defaults.rpm_limit));
  account.rpm_limit = capacity;
  // window * capacity / rate, rounded up, in a way that does not overflow.
  const std::int64_t rate = defaults.rpm_limit;
  const std::int64_t whole = defaults.window.count() / rate * capacity;
  const std::int64_t rest = (defaults.window.count() % rate * capacity + rate - 1) / rate;
  account.window = Duration(whole + rest);
  config.origins[path + ".rpm_limit"] = given.place;
  config.origins[path + ".window"] = given.place;
}

}  // namespace

std::string variable_of(std::string_view path) {
  std::string name = "SLUICE_";
  for (const char c : path)
    name += c == '.' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  return name;
}

void apply_environment(Config& config, const Environment& env, Findings& findings) {
  apply_host_and_port(config, env, findings);
  apply_metrics_port(config, env, findings);
  const auto lookup = [&](std::string_view path) { return find_override(env, path); };
  OverrideReader reader(lookup, "", config.origins, findings);
  describe(reader, config);
}

void add_environment_account(Config& config, const Environment& env, Findings& findings) {
  const auto url = first_of(env, {"SLUICE_UPSTREAM", "SIDECAR_UPSTREAM"});
  const auto key = first_of(env, {"SLUICE_API_KEY", "SIDECAR_API_KEY"});
  const auto capacity = variable(env, "SIDECAR_BUCKET_CAPACITY");
  if (!url) {
    for (const auto* lonely : {&key, &capacity})
      if (*lonely) findings.warn((*lonely)->place, "has no effect without SIDECAR_UPSTREAM");
    return;
  }
  if (!key)
    return findings.refuse(url->place, "gives an account without a key; set SIDECAR_API_KEY too",
                           "accounts");
  const std::string path = fmt::format("accounts[{}]", config.accounts.size());
  AccountConfig account;
  const auto lookup = [&](std::string_view at) -> std::optional<Override> {
    if (at == path + ".name") return Override{"env", url->place};
    if (at == path + ".base_url") return url;
    if (at == path + ".api_key") return key;
    return std::nullopt;
  };
  OverrideReader reader(lookup, path, config.origins, findings);
  describe(reader, account);
  if (capacity) apply_bucket_capacity(account, *capacity, path, config, findings);
  config.origins[path] = url->place;
  config.accounts.push_back(std::move(account));
}

void warn_of_unused_variables(const Environment& env, Findings& findings) {
  std::vector<std::string> known(std::begin(kOtherVariables), std::end(kOtherVariables));
  for (const Alias& alias : kAliases) known.emplace_back(alias.variable);
  Config scratch;
  Findings ignored;
  const auto note = [&](std::string_view path) -> std::optional<Override> {
    known.push_back(variable_of(path));
    return std::nullopt;
  };
  OverrideReader reader(note, "", scratch.origins, ignored);
  describe(reader, scratch);

  for (const std::string_view prefix : {"SLUICE_", "SIDECAR_"}) {
    for (const std::string& name : env.names(prefix)) {
      if (std::ranges::find(known, name) != known.end()) continue;
      // Others' variables may begin like ours (Kubernetes makes SLUICE_SERVICE_HOST of a service):
      // only what is nearly one of ours is a slip.
      const std::string hint = did_you_mean(name, known);
      if (!hint.empty())
        findings.warn({Place::Kind::kEnvironment, name}, "unknown variable, ignored" + hint);
    }
  }
}

}  // namespace sluice
