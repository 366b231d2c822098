#include "engine/route/directory.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "engine/route/affinity.h"

namespace sluice {
namespace {

// What the last directory knows of an account; `account` is null for a departed one. `heir` is the
// account that takes over its state, null when there is none.
struct Known {
  std::string_view name;
  const Endpoint* endpoint;
  const Secret* api_key;
  std::shared_ptr<AccountState> state;
  std::uint32_t generation = 1;
  const Account* account = nullptr;
  const Account* heir = nullptr;
};

std::vector<Known> known_accounts(const Directory* previous) {
  std::vector<Known> known;
  if (previous == nullptr) return known;
  for (const auto& account : previous->accounts) {
    known.push_back({account->name, &account->endpoint, &account->api_key, account->state,
                     account->generation, account.get()});
  }
  for (const DepartedAccount& departed : previous->departed) {
    known.push_back({departed.name, &departed.endpoint, &departed.api_key, departed.state,
                     departed.generation});
  }
  return known;
}

// Whether a provider counts the requests of both together.
bool same_key_and_endpoint(const Known& before, const Account& after) {
  return before.endpoint->port == after.endpoint.port &&
         before.endpoint->tls == after.endpoint.tls &&
         before.endpoint->host == after.endpoint.host &&
         before.endpoint->base_path == after.endpoint.base_path &&
         before.api_key->reveal() == after.api_key.reveal();
}

// Names the heirs. Those who keep their name come first, so that a renamed account takes nobody's
// state away. Quadratic, on the control thread: 1,024 accounts are a million short comparisons.
void name_heirs(std::vector<Known>& known, const Directory& directory) {
  for (const bool by_name : {true, false}) {
    for (const auto& account : directory.accounts) {
      const auto is_heir = [&](const Known& before) { return before.heir == account.get(); };
      if (std::ranges::any_of(known, is_heir)) continue;
      const auto found = std::ranges::find_if(known, [&](const Known& before) {
        return before.heir == nullptr && (!by_name || before.name == account->name) &&
               same_key_and_endpoint(before, *account);
      });
      if (found != known.end()) found->heir = account.get();
    }
  }
}

// The emergency channel is a part of the account's limit, not an addition to it: both together
// never admit more than the provider allows.
AccountLimits limits_of(const Account& account, const RoutingPolicy& policy) {
  std::uint32_t kept = 0;
  if (account.emergency && account.rpm_limit > 1) {
    const std::uint64_t share = std::uint64_t{account.rpm_limit} * policy.emergency_percent / 100;
    kept = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(share, 1, account.rpm_limit - 1));
  }
  return {.shape = account.bucket,
          .limit = account.rpm_limit - kept,
          .window = account.window + policy.guard,
          .emergency = kept,
          .tokens = account.tpm_limit,
          .per_day = account.rpd_limit,
          .concurrent = account.concurrent_limit,
          .day = 24h + policy.guard,
          .learn = account.learn_limits};
}

void give_state(Account& account, const std::vector<Known>& known, const RoutingPolicy& policy,
                Instant now) {
  const AccountLimits limits = limits_of(account, policy);
  const auto before = std::ranges::find(known, &account, &Known::heir);
  if (before == known.end()) {
    account.state = std::make_shared<AccountState>(limits);
    account.generation = 1;
    return;
  }
  // What a provider said of the key (a 401, limits) stays true, unless the account was away or
  // switched off in between: that is how an operator says that it was mended at the provider.
  const bool same = before->account != nullptr && before->account->enabled == account.enabled;
  account.state = before->state;
  account.generation = before->generation + (same ? 0 : 1);
  if (!same) account.state->forget_learned();
  account.state->set_limits(limits, now);
}

// What the last directory knew and nobody takes over, as long as there is something to remember.
// Requests that began with an older directory may still take from the account: as long as one of
// these lives, a second state beside this one would be a second helping.
void keep_departed(Directory& directory, const std::vector<Known>& known, Instant now) {
  for (const Known& before : known) {
    if (before.heir != nullptr) continue;
    // Held by `known` and by the list that is left behind, and by nobody else?
    const bool reachable = before.account != nullptr || before.state.use_count() > 2;
    if (!reachable && before.state->at_rest(now)) continue;
    directory.departed.push_back({std::string(before.name), *before.endpoint,
                                  Secret(before.api_key->reveal()), before.state,
                                  before.generation});
  }
}

// Clients keep their state by name: a key may be exchanged for another. Of one that is gone, or has
// no limits any more, it is remembered as long as it matters.
void give_client_states(Directory& directory, const Directory* previous, Instant now) {
  std::unordered_map<std::string_view, DepartedClient> known;
  if (previous != nullptr) {
    for (const ClientKey& client : previous->clients)
      known.try_emplace(client.name, DepartedClient{client.name, client.state, client.spending});
    // A key without limits may have had some.
    for (const DepartedClient& gone : previous->departed_clients) {
      DepartedClient& one = known.try_emplace(gone.name, gone).first->second;
      if (one.state == nullptr) one.state = gone.state;
    }
  }
  for (ClientKey& client : directory.clients) {
    DepartedClient before;
    if (const auto found = known.find(client.name); found != known.end())
      before = {{},
                client.limits.any() ? std::move(found->second.state) : nullptr,
                std::move(found->second.spending)};
    client.spending = before.spending != nullptr ? std::move(before.spending)
                                                 : std::make_shared<ClientSpending>();
    if (!client.limits.any()) continue;
    client.state = before.state != nullptr ? std::move(before.state)
                                           : std::make_shared<ClientState>(client.limits);
    client.state->set_limits(client.limits);
  }
  for (auto& [name, gone] : known) {
    if (gone.state != nullptr && gone.state->at_rest(now)) gone.state = nullptr;
    const bool has_spent = gone.spending != nullptr && gone.spending->any();
    if (gone.state != nullptr || has_spent) directory.departed_clients.push_back(std::move(gone));
  }
}

void sort_account(Account& account) {
  std::ranges::stable_sort(account.models, {}, &ModelMapping::canonical);
}

// Builds routes one after the other and numbers them.
class RouteBuilder {
 public:
  explicit RouteBuilder(const Directory& directory) : directory_(directory) {}

  // A route to the enabled accounts for which `candidate_of(account, out)` is true; nothing when it
  // is true for no account, enabled or not.
  template <class CandidateOf>
  std::optional<Route> build(CandidateOf candidate_of) {
    Route route;
    bool any = false;
    for (const Pool pool : {Pool::kPrimary, Pool::kFallback}) {
      for (const auto& account : directory_.accounts) {
        if (account->pool != pool) continue;
        Candidate candidate;
        candidate.account = account.get();
        candidate.state = account->state.get();
        candidate.generation = account->generation;
        candidate.weight = account->weight;
        candidate.name_hash = hash_text(account->name);
        candidate.label = account->label;
        candidate.pool = pool;
        candidate.price = &account->cost;
        if (!candidate_of(*account, candidate)) continue;
        any = true;
        if (!account->enabled) continue;
        if (account->emergency && route.emergency == Route::kNoEmergency) {
          route.emergency = static_cast<std::uint32_t>(route.candidates.size());
        }
        route.candidates.push_back(candidate);
      }
      if (pool == Pool::kPrimary) {
        route.primary_count = static_cast<std::uint32_t>(route.candidates.size());
      }
    }
    if (!any) return {};
    route.id = routes_built_++;
    for (const Pool pool : {Pool::kPrimary, Pool::kFallback}) index(route, pool);
    return route;
  }

 private:
  // What a choice among many reads instead of all of them.
  static void index(Route& route, Pool pool) {
    const auto [first, last] = route.range_of(pool);
    const auto candidates = std::span(route.candidates).subspan(first, last - first);
    std::vector<std::uint32_t> weights;
    for (const Candidate& candidate : candidates) weights.push_back(candidate.weight);
    route.draws[pool == Pool::kFallback] = WeightedDraw(weights);
    route.prices[pool == Pool::kFallback] = PriceGroups(candidates, first);
    route.origins[pool == Pool::kFallback] = OriginOrder(candidates);
  }

  const Directory& directory_;
  std::uint32_t routes_built_ = 0;
};

void build_mapped_routes(Directory& directory, RouteBuilder& builder) {
  for (const auto& account : directory.accounts) {
    for (const ModelMapping& mapping : account->models) {
      directory.mapped_routes.try_emplace(mapping.canonical);
      directory.labels.add(mapping.canonical);
      if (account->enabled) directory.model_names.push_back(mapping.canonical);
    }
  }
  std::ranges::sort(directory.model_names);
  const auto repeated = std::ranges::unique(directory.model_names);
  directory.model_names.erase(repeated.begin(), repeated.end());

  for (auto& [model, route] : directory.mapped_routes) {
    // Views into the accounts and into the map's keys, which stay where they are.
    route = *builder.build([&directory, &model](const Account& account, Candidate& candidate) {
      const auto native = account.native_model(model);
      if (native) candidate.native = *native;
      candidate.price = &directory.price_of(account, model, directory.created_unix_s * 1000).price;
      return native.has_value();
    });
    route.label = directory.labels.add(model);
  }
}

// A model that no mapping names is served by the accounts whose prefix it begins with, and by those
// that take any name. Of the prefixes it begins with, the longest begins with all the others: one
// route per prefix that is in use covers every name.
void build_prefix_routes(Directory& directory, RouteBuilder& builder) {
  std::set<std::string> prefixes;
  for (const auto& account : directory.accounts) {
    if (!account->model_prefix.empty() || account->models.empty()) {
      prefixes.insert(account->model_prefix);
    }
  }
  for (const std::string& prefix : prefixes) {
    auto route = builder.build([&prefix](const Account& account, Candidate& candidate) {
      if (account.model_prefix.empty() && !account.models.empty()) return false;
      candidate.strip_bytes = static_cast<std::uint32_t>(account.model_prefix.size());
      return prefix.starts_with(account.model_prefix);
    });
    directory.prefix_routes.push_back({prefix, std::move(*route)});
  }
  std::ranges::stable_sort(directory.prefix_routes, std::greater<>(),
                           [](const PrefixRoute& entry) { return entry.prefix.size(); });
}

// Nothing: it opened before, or did not for another reason.
std::optional<Instant> since_when_unopened(const UnopenedAccount& account,
                                           const Directory* previous) {
  if (previous == nullptr) return std::nullopt;
  for (const UnopenedAccount& was : previous->unopened) {
    if (was.name == account.name && was.why == account.why) return was.found_at;
  }
  return std::nullopt;
}

}  // namespace

void finish_directory(Directory& directory, const Directory* previous, Instant now) {
  SL_ASSERT(directory.accounts.size() <= kDirectoryAccountsMax);
  std::vector<Known> known = known_accounts(previous);
  name_heirs(known, directory);
  if (previous != nullptr) directory.labels = previous->labels;
  for (const auto& account : directory.accounts) {
    account->label = directory.labels.add(account->name);
    sort_account(*account);
    give_state(*account, known, directory.routing, now);
  }
  keep_departed(directory, known, now);

  for (UnopenedAccount& account : directory.unopened)
    account.found_at = since_when_unopened(account, previous).value_or(now);

  give_client_states(directory, previous, now);
  for (ClientKey& client : directory.clients) std::ranges::sort(client.models);
  std::ranges::sort(directory.clients, [](const ClientKey& a, const ClientKey& b) {
    return std::memcmp(a.sha256, b.sha256, sizeof(a.sha256)) < 0;
  });

  RouteBuilder builder(directory);
  build_mapped_routes(directory, builder);
  build_prefix_routes(directory, builder);
  directory.any_route =
      builder.build([](const Account&, Candidate&) { return true; }).value_or(Route{});
}

Directory::Found Directory::price_of(const Account& account, std::string_view model,
                                     std::int64_t unix_ms) const noexcept {
  const Price& own = account.price_of(model);
  if (own.known()) return {own, true};
  const Price* const listed = prices.find(model, unix_ms);
  return {listed != nullptr ? *listed : own, false};
}

const Route* Directory::find_route(std::string_view model) const noexcept {
  if (model.empty()) return accounts.empty() ? nullptr : &any_route;
  if (const auto found = mapped_routes.find(model); found != mapped_routes.end()) {
    return &found->second;
  }
  for (const PrefixRoute& entry : prefix_routes) {
    if (model.size() > entry.prefix.size() && model.starts_with(entry.prefix)) return &entry.route;
  }
  return nullptr;
}

const ClientKey* Directory::find_client(const std::uint8_t (&sha256)[32]) const noexcept {
  const auto at = std::ranges::partition_point(clients, [&](const ClientKey& client) {
    return std::memcmp(client.sha256, sha256, sizeof(sha256)) < 0;
  });
  if (at == clients.end() || std::memcmp(at->sha256, sha256, sizeof(sha256)) != 0) return nullptr;
  return &*at;
}

}  // namespace sluice
