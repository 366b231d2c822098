#include "engine/route/directory.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "base/assert.h"

namespace sluice {
namespace {

// What the last directory knows of an account by name; `account` is null for a departed one.
struct Known {
  std::shared_ptr<AccountState> state;
  std::uint32_t generation = 1;
  const Account* account = nullptr;
  bool taken_over = false;
};
using KnownByName = std::unordered_map<std::string_view, Known>;

KnownByName known_accounts(const Directory* previous) {
  KnownByName known;
  if (previous == nullptr) return known;
  for (const auto& account : previous->accounts) {
    known.try_emplace(account->name,
                      Known{account->state, account->generation, account.get(), false});
  }
  for (const DepartedAccount& departed : previous->departed) {
    known.try_emplace(departed.name, Known{departed.state, departed.generation, nullptr, false});
  }
  return known;
}

// Whether what a provider said of `before` (401, 403) is true of `after`. Switching an account off
// and on again is how an operator says that it was mended at the provider.
bool same_credentials(const Account& before, const Account& after) {
  return before.enabled == after.enabled && before.api_key.reveal() == after.api_key.reveal() &&
         before.endpoint.tls == after.endpoint.tls && before.endpoint.host == after.endpoint.host &&
         before.endpoint.port == after.endpoint.port &&
         before.endpoint.base_path == after.endpoint.base_path;
}

void give_state(Account& account, KnownByName& known, Duration guard, Instant now) {
  const BucketLimits limits{account.bucket, account.rpm_limit, account.window + guard};
  const auto found = known.find(account.name);
  if (found == known.end()) {
    account.state = std::make_shared<AccountState>(limits);
    account.generation = 1;
    return;
  }
  Known& before = found->second;
  before.taken_over = true;
  const bool same = before.account != nullptr && same_credentials(*before.account, account);
  account.state = before.state;
  account.generation = before.generation + (same ? 0 : 1);
  account.state->set_limits(limits, now);
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
        if (!candidate_of(*account, candidate)) continue;
        any = true;
        if (!account->enabled) continue;
        route.candidates.push_back(candidate);
        route.weight_max = std::max(route.weight_max, account->weight);
      }
      if (pool == Pool::kPrimary) {
        route.primary_count = static_cast<std::uint32_t>(route.candidates.size());
      }
    }
    if (!any) return {};
    route.id = routes_built_++;
    return route;
  }

 private:
  const Directory& directory_;
  std::uint32_t routes_built_ = 0;
};

void build_mapped_routes(Directory& directory, RouteBuilder& builder) {
  for (const auto& account : directory.accounts) {
    for (const ModelMapping& mapping : account->models) {
      directory.mapped_routes.try_emplace(mapping.canonical);
      if (account->enabled) directory.model_names.push_back(mapping.canonical);
    }
  }
  std::ranges::sort(directory.model_names);
  const auto repeated = std::ranges::unique(directory.model_names);
  directory.model_names.erase(repeated.begin(), repeated.end());

  for (auto& [model, route] : directory.mapped_routes) {
    // Views into the accounts and into the map's keys, which stay where they are.
    route = *builder.build([&model](const Account& account, Candidate& candidate) {
      const auto native = account.native_model(model);
      if (native) candidate.native = *native;
      return native.has_value();
    });
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

}  // namespace

void finish_directory(Directory& directory, const Directory* previous, Instant now) {
  SL_ASSERT(directory.accounts.size() <= kDirectoryAccountsMax);
  KnownByName known = known_accounts(previous);
  for (const auto& account : directory.accounts) {
    sort_account(*account);
    give_state(*account, known, directory.routing.guard, now);
  }
  for (auto& [name, account] : known) {
    if (account.taken_over || account.state->at_rest(now)) continue;
    directory.departed.push_back({std::string(name), account.state, account.generation});
  }

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
