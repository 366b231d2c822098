#include "engine/config/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "engine/config/expand.h"
#include "engine/config/scalar.h"
#include "parser/listen_address.h"
#include "parser/url.h"

namespace sluice {
namespace {

// Reports what stands twice: the second place names the first.
class Unique {
 public:
  Unique(const Config& config, Findings& findings) : config_(&config), findings_(&findings) {}

  // `words`: "the account name \"a\"".
  // Whether it is new.
  bool see(const std::string& identity, const std::string& path, const std::string& words) {
    const auto [first, is_new] = first_.try_emplace(identity, path);
    if (is_new) return true;
    findings_->error(config_->origin_of(path),
                     fmt::format("{}: {} is taken by {} ({})", path, words, first->second,
                                 config_->origin_of(first->second).text()));
    return false;
  }

 private:
  const Config* config_;
  Findings* findings_;
  std::map<std::string, std::string> first_;
};

void check_unique(const Config& config, Findings& findings) {
  Unique listeners(config, findings), accounts(config, findings);
  Unique clients(config, findings), keys(config, findings);
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    const ListenAddress& address = config.listen[i];
    if (address.port == 0) continue;
    for (const IpAddress& ip : address.ips()) {
      char identity[kAddressTextBytesMax];
      const std::string text(identity, write_address(identity, ip, address.port));
      if (!listeners.see(text, fmt::format("listen[{}]", i), "the address " + address.text()))
        break;
    }
  }
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    const std::string& name = config.accounts[i].name;
    if (name.empty()) continue;  // refused
    accounts.see(name, fmt::format("accounts[{}].name", i), fmt::format("the name \"{}\"", name));
  }
  for (std::size_t i = 0; i < config.clients.size(); ++i) {
    const ClientConfig& client = config.clients[i];
    const std::string path = fmt::format("clients[{}]", i);
    if (!client.name.empty())
      clients.see(client.name, path + ".name", fmt::format("the name \"{}\"", client.name));
    if (config.origins.contains(path + ".key"))  // accepted
      keys.see(std::string(text_of(client.key_sha256)), path + ".key", "the key");
  }
}

void check_readable(const Config& config, const std::string& file, const std::string& path,
                    bool secret, Findings& findings) {
  if (file.empty()) return;  // refused, or an option that is not used
  const Place place = config.origin_of(path);
  if (access(file.c_str(), R_OK) != 0)
    return findings.error(place,
                          fmt::format("{}: cannot read {}: {}", path, file, std::strerror(errno)));
  const std::string warning = secret ? loose_permissions(file) : std::string();
  if (!warning.empty()) findings.warn(place, fmt::format("{}: {}", path, warning));
}

void check_files(const Config& config, Findings& findings) {
  for (std::size_t i = 0; i < config.tls.size(); ++i) {
    const std::string path = fmt::format("tls[{}]", i);
    check_readable(config, config.tls[i].certificate_file, path + ".certificate", false, findings);
    check_readable(config, config.tls[i].key_file, path + ".key", true, findings);
  }
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    const std::string& file = config.accounts[i].ca_file;
    const std::string path = fmt::format("accounts[{}].ca_file", i);
    check_readable(config, file, path, false, findings);
  }
}

// Budget - what a provider counts an account's requests by: the key and the endpoint.
struct Budget {
  std::size_t account;
  BaseUrl url;
  std::string_view key;

  friend bool operator==(const Budget& a, const Budget& b) {
    return a.key == b.key && a.url.port == b.url.port && a.url.tls == b.url.tls &&
           a.url.base_path == b.url.base_path && same_word(a.url.host, b.url.host);
  }
};

// Two accounts with one key have two budgets here, and one at the provider.
void check_shared_budgets(const Config& config, Findings& findings) {
  std::vector<Budget> budgets;
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    const AccountConfig& account = config.accounts[i];
    const std::string path = fmt::format("accounts[{}]", i);
    Budget budget{.account = i, .url = {}, .key = account.api_key.reveal()};
    std::string_view why;
    if (!account.enabled || findings.refused(path + ".api_key")) continue;
    if (!parse_base_url(account.base_url, budget.url, why)) continue;
    const auto same = std::ranges::find(budgets, budget);
    if (same == budgets.end()) {
      budgets.push_back(budget);
      continue;
    }
    findings.warn(
        config.origin_of(path),
        fmt::format("{}: \"{}\" has the base_url and the key of \"{}\" (accounts[{}]): "
                    "the provider counts them together, so their limits add up to more "
                    "than it allows; make them one account",
                    path, account.name, config.accounts[same->account].name, same->account));
  }
}

// A key on the network in clear is worth a word; on loopback it is how one tests.
void check_clear_upstreams(const Config& config, Findings& findings) {
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    BaseUrl url;
    std::string_view why;
    if (config.accounts[i].api_key.empty()) continue;
    if (!parse_base_url(config.accounts[i].base_url, url, why) || url.tls) continue;
    const std::optional<IpAddress> ip = parse_ip(url.host);
    if (url.host == "localhost" || (ip && is_loopback(*ip))) continue;
    const std::string path = fmt::format("accounts[{}].base_url", i);
    findings.warn(config.origin_of(path),
                  fmt::format("{}: the API key crosses the network in clear; use https://", path));
  }
}

void check_models(const Config& config, Findings& findings) {
  if (findings.refused("accounts")) return;
  std::map<std::string_view, bool> served;
  for (const AccountConfig& account : config.accounts) {
    // Such an account serves names that stand nowhere in the configuration.
    if (account.models.empty() || !account.model_prefix.empty()) return;
    for (const ModelMapping& model : account.models) served[model.canonical] = true;
  }
  const auto check = [&](const std::string& model, const std::string& path) {
    if (config.accounts.empty() || model.empty() || served.contains(model)) return;
    findings.warn(config.origin_of(path),
                  fmt::format("{}: no account serves the model \"{}\"", path, model));
  };
  check(config.default_model, "routing.default_model");
  for (std::size_t i = 0; i < config.clients.size(); ++i)
    for (std::size_t m = 0; m < config.clients[i].models.size(); ++m)
      check(config.clients[i].models[m], fmt::format("clients[{}].models[{}]", i, m));
}

void check_emergency(const Config& config, Findings& findings) {
  std::string first;
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    const AccountConfig& account = config.accounts[i];
    const std::string path = fmt::format("accounts[{}].emergency", i);
    if (!account.emergency) continue;
    if (account.rpm_limit < 2)
      findings.error(config.origin_of(path),
                     fmt::format("{}: an rpm_limit of 1 leaves nothing for an emergency channel; "
                                 "raise it or choose another account",
                                 path));
    if (first.empty()) first = path;
    else
      findings.error(config.origin_of(path),
                     fmt::format("{}: the emergency channel is one account, and {} ({}) is it",
                                 path, first, config.origin_of(first).text()));
  }
}

// `shorter` must not be longer than `longer`, which lies in the same section: told where one of the
// two was given.
void check_order(const Config& config, const std::string& shorter, Duration a,
                 const std::string& longer, Duration b, Findings& findings) {
  if (a <= b || findings.refused(shorter.substr(0, shorter.rfind('.')))) return;
  const bool given = config.origins.contains(shorter);
  findings.error(config.origin_of(given ? shorter : longer),
                 fmt::format("{} ({}) is longer than {} ({})", shorter, duration_text(a), longer,
                             duration_text(b)));
}

// The way back must begin at fewer 429s than the retreat.
void check_retreat(const Config& config, Findings& findings) {
  const RetreatPolicy& retreat = config.routing.retreat;
  if (findings.refused("routing.retreat")) return;
  const auto refuse = [&](const char* path, const char* words) {
    findings.error(config.origin_of(path), fmt::format("{}: {}", path, words));
  };
  if (retreat.calm_rate > retreat.retreat_rate)
    refuse("routing.retreat.calm_percent", "must not be above routing.retreat.percent");
  if (retreat.retreat_twice_rate < retreat.retreat_rate)
    refuse("routing.retreat.percent_twice", "must not be below routing.retreat.percent");
}

// Comments that come faster than anybody reads them are a mistake.
void check_comments(const Config& config, Findings& findings) {
  constexpr Duration kMin = 1s;
  const Duration interval = config.routing.queue.comments;
  if (interval == Duration::zero() || interval >= kMin) return;
  findings.error(
      config.origin_of("queue.comments"),
      fmt::format("queue.comments ({}) is shorter than 1s; 0s: none", duration_text(interval)));
}

// Who does not say what it costs would count as free.
void check_costs(const Config& config, Findings& findings) {
  if (config.routing.strategy != Strategy::kCheapest) return;
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    if (!config.accounts[i].enabled || findings.refused(fmt::format("accounts[{}].cost", i)))
      continue;
    for (const char* const key : {"input", "output"}) {
      const std::string path = fmt::format("accounts[{}].cost.{}", i, key);
      if (config.origins.contains(path)) continue;
      findings.error(
          config.origin_of(fmt::format("accounts[{}].name", i)),
          fmt::format("{}: routing.strategy: cheapest needs the price of each account, in "
                      "dollars for a million tokens; 0 for one that is free",
                      path));
    }
  }
}

// Whether one socket would get what is meant for the other.
bool overlap(const ListenAddress& a, const ListenAddress& b) {
  if (a.port != b.port || a.port == 0) return false;
  const auto all = [](const IpAddress& ip) { return ip == IpAddress{ip.family, {}}; };
  return std::ranges::any_of(a.ips(), [&](const IpAddress& one) {
    return std::ranges::any_of(b.ips(), [&](const IpAddress& other) {
      return one == other || (one.family == other.family && (all(one) || all(other)));
    });
  });
}

// The kernel would deal connections out among listeners that share an address.
void check_listeners_apart(const Config& config, Findings& findings) {
  const auto look = [&](const char* path, const std::vector<ListenAddress>& mine,
                        const char* other_path, const std::vector<ListenAddress>& others) {
    if (config.origin_of(path).kind == Place::Kind::kDefault) return;
    for (const ListenAddress& address : mine) {
      const auto other = std::ranges::find_if(
          others, [&](const ListenAddress& one) { return overlap(address, one); });
      if (other == others.end()) continue;
      findings.error(config.origin_of(path),
                     fmt::format("{}: {} is an address of {} ({}), too; choose another port", path,
                                 address.text(), other_path, other->text()));
      return;
    }
  };
  look("admin.listen", config.admin.listen, "listen", config.listen);
  look("metrics.listen", config.metrics_listen, "listen", config.listen);
  look("metrics.listen", config.metrics_listen, "admin.listen", config.admin.listen);
}

// These listeners speak no TLS, and that for metrics asks for no token.
void check_open_listeners(const Config& config, Findings& findings) {
  for (const ListenAddress& address : config.admin.listen) {
    if (address.is_loopback()) continue;
    findings.warn(config.origin_of("admin.listen"),
                  fmt::format("admin.listen: {} can be reached from other machines, and the token "
                              "passes in clear; listen on 127.0.0.1 behind what speaks TLS, or use "
                              "the addresses of listen with tls",
                              address.text()));
  }
  for (const ListenAddress& address : config.metrics_listen) {
    if (address.is_loopback()) continue;
    findings.warn(config.origin_of("metrics.listen"),
                  fmt::format("metrics.listen: {} can be reached from other machines, and metrics "
                              "ask for no token: who reaches it learns names of accounts and "
                              "models, traffic and costs",
                              address.text()));
  }
}

// The default priority follows the limit.
void check_priorities(const Config& config, Findings& findings) {
  for (std::size_t i = 0; i < config.clients.size(); ++i) {
    const ClientConfig& client = config.clients[i];
    const std::string path = fmt::format("clients[{}].priority", i);
    if (client.priority >= client.priority_max || !config.origins.contains(path)) continue;
    const auto word = [](Priority rank) { return kPriorityNames[static_cast<std::size_t>(rank)]; };
    findings.refuse(
        config.origin_of(path),
        fmt::format("{}: \"{}\" is above priority_max, {}; lower the first or raise the "
                    "second",
                    path, word(client.priority), word(client.priority_max)),
        path);
  }
}

}  // namespace

void check_config(const Config& config, Findings& findings) {
  check_unique(config, findings);
  check_shared_budgets(config, findings);
  check_files(config, findings);
  check_clear_upstreams(config, findings);
  check_models(config, findings);
  check_priorities(config, findings);
  check_emergency(config, findings);
  check_retreat(config, findings);
  check_costs(config, findings);
  check_comments(config, findings);
  check_open_listeners(config, findings);
  check_listeners_apart(config, findings);
  if (config.listen.empty() && !findings.refused("listen"))
    findings.error(config.origin_of("listen"),
                   "listen: the list is empty; expected at least one address like 127.0.0.1:9190");
  const RoutingPolicy& routing = config.routing;
  check_order(config, "routing.cooldown.base", routing.cooldown.base, "routing.cooldown.max",
              routing.cooldown.max, findings);
  check_order(config, "routing.breaker.open", routing.breaker.open, "routing.breaker.open_max",
              routing.breaker.open_max, findings);
  const LimitsConfig& limits = config.limits;
  if (limits.body_memory_max < limits.body_bytes_max) {
    const bool memory_given = config.origins.contains("limits.body_memory_max");
    findings.error(
        config.origin_of(memory_given ? "limits.body_memory_max" : "limits.body_bytes_max"),
        "limits.body_memory_max is smaller than limits.body_bytes_max: the largest body that is "
        "allowed would never be taken; raise the first or lower the second");
  }
  if (config.auth_open && !config.clients.empty())
    findings.error(
        config.origin_of("auth.open"),
        "auth.open: true serves everyone, so the keys of clients protect nothing; remove "
        "one of the two");
}

bool has_store(const Config& config) {
  const std::string& directory = config.store.directory;
  return !directory.empty() && access((directory + "/data.mdb").c_str(), F_OK) == 0;
}

std::string why_unguarded(const Config& config, bool stored_clients) {
  if (!config.clients.empty() || stored_clients || config.auth_open) return {};
  const auto apart = std::ranges::find_if_not(config.listen, &ListenAddress::is_loopback);
  if (apart == config.listen.end()) return {};
  return fmt::format(
      "listen: {} can be reached from other machines, and no client key guards the accounts; add "
      "keys under clients{}, listen on 127.0.0.1, or say auth.open: true if everyone who reaches "
      "it may spend them",
      apart->text(), config.store.directory.empty() ? "" : " or by sluice clients create");
}

void check_servable(const Config& config, Findings& findings) {
  // What the store holds besides is known when it is open (Server::start).
  if (has_store(config)) return;
  if (!config.accounts.empty()) {
    if (std::ranges::none_of(config.accounts, &AccountConfig::enabled))
      findings.error(config.origin_of("accounts"),
                     "accounts: every account has enabled: false; enable one");
  } else if (config.store.directory.empty() && !findings.refused("accounts")) {
    // With a store they may be added while it runs.
    findings.error(
        {},
        "there is no account to send requests to; add one under accounts (name, base_url, "
        "api_key) or set SIDECAR_UPSTREAM and SIDECAR_API_KEY");
  }
  if (findings.refused("clients") || findings.refused("auth")) return;
  const std::string unguarded = why_unguarded(config, false);
  if (!unguarded.empty()) findings.error(config.origin_of("listen"), unguarded);
}

bool is_open(const Config& config) {
  return config.auth_open || (config.clients.empty() &&
                              std::ranges::all_of(config.listen, &ListenAddress::is_loopback));
}

}  // namespace sluice
