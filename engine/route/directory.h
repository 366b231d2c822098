#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/route/account.h"
#include "engine/route/breaker.h"
#include "engine/route/cooldown.h"
#include "engine/route/price_table.h"
#include "engine/route/priority.h"
#include "engine/route/retreat.h"
#include "engine/route/retry_budget.h"
#include "engine/route/route.h"

namespace sluice {

enum class Strategy : std::uint8_t {
  kWeighted,       // by the share of the limit that is free
  kRoundRobin,     // one after the other
  kOrdered,        // as configured
  kLeastInflight,  // who has the fewest requests in flight
  kLatency,        // of two drawn evenly, whoever has been faster to its first token
  kCheapest,       // by the account's price for this request
};

// What brings requests of one origin to one account, for the provider's prompt cache.
enum class Affinity : std::uint8_t {
  kOff,
  kUser,     // the member `user` of the body
  kSession,  // the field X-Session-Id
};

// So many accounts fit a directory; the ladder's marks of who was tried lie in the request.
inline constexpr std::size_t kDirectoryAccountsMax = 1024;

// What becomes of a request for which the queue has no place.
enum class Overflow : std::uint8_t {
  kReject,       // 429 queue_full, at once
  kDropLowest,   // the last of the lowest priority below its own gives its place up, else 429
  kPassthrough,  // on to the fallback pool and the emergency channel, and 429 when they are full
};

// QueuePolicy - who may wait for a permit, and how long.
struct QueuePolicy {
  std::uint32_t capacity = 500;  // of all waiters together; 0: nobody waits
  std::array<Duration, kPriorities> wait = {30s, 30s, 30s, 2s};  // at most, by priority
  Overflow overflow = Overflow::kPassthrough;
  Duration precheck = 10s;  // a permit that comes so soon is worth a wait before a lesser pool
  // How long a request may wait, in all, for the first primary account to recover when all of them
  // are cooling: three times five seconds.
  Duration primary_wait = 15s;
  Duration comments{};  // a client that waits for a stream is told so this often; 0: never
};

// HedgePolicy - a request whose account is slow to answer is sent to a second one as well.
struct HedgePolicy {
  Duration after{};           // without the first byte of an answer; 0: never
  std::uint32_t percent = 5;  // of the requests of a shard, in a minute: the rest stay as they are

  // No floor: who hedges a provider that is slow for everybody multiplies an outage.
  [[nodiscard]] RetryBudgetPolicy budget() const noexcept {
    return {.ratio = percent / 100.0, .min_per_second = 0, .window = 1min};
  }
};

struct RoutingPolicy {
  Strategy strategy = Strategy::kWeighted;
  Affinity affinity = Affinity::kOff;
  CooldownPolicy cooldown;
  BreakerPolicy breaker;
  RetreatPolicy retreat;
  QueuePolicy queue;
  HedgePolicy hedge;
  std::uint32_t emergency_percent = 10;  // of the rpm_limit of an account with such a channel
  Duration guard =
      250ms;  // added to every window for the network's jitter (docs/DESIGN.md, token buckets)
  bool retry_on_timeout = false;            // HTTP_RULES, Retry safety
  std::uint32_t retry_budget_percent = 20;  // retries after failures, of a shard's requests
  std::uint32_t retry_budget_floor = 10;    // and so many in 10 s, however few requests there are

  [[nodiscard]] RetryBudgetPolicy retry_budget() const noexcept {
    constexpr Duration kWindow = 10s;
    return {.ratio = retry_budget_percent / 100.0,
            .min_per_second = retry_budget_floor / std::chrono::duration<double>(kWindow).count(),
            .window = kWindow};
  }
};

// DepartedAccount - an account that the configuration no longer names but whose state still
// matters: should it come back within its window, under this name or another, or while requests of
// an older directory may still take from it, what it spent is not forgotten.
struct DepartedAccount {
  std::string name;
  Endpoint endpoint;
  Secret api_key;
  std::shared_ptr<AccountState> state;
  std::uint32_t generation = 1;
};

// The same for a client key. What it has spent counts again when one of its name comes back, in
// whatever period: so names that have spent anything stay as long as the process.
struct DepartedClient {
  std::string name;
  std::shared_ptr<ClientState> state;  // null: there is nothing to remember of it
  std::shared_ptr<ClientSpending> spending;
};

// UnopenedAccount - one of the store that is not used: its key does not open. What is shown of it.
struct UnopenedAccount {
  std::string name;
  std::string why;  // a sentence for people
  Pool pool = Pool::kPrimary;
  bool enabled = true;
  std::uint32_t rpm_limit = 0;  // in StoredEntries 0: it says none itself
  std::size_t models = 0;       // how many it maps
  Instant found_at{};           // set by finish_directory(): not opened since then, for `why`
};

// Directory - everything a shard must know to route: accounts, models, client keys, policy.
// Immutable once finish_directory() has completed it. Rebuilt and published whole; each shard swaps
// its pointer when the message reaches it and the old one dies with its last user.
struct Directory {
  // Filled by the configuration.
  std::vector<std::unique_ptr<Account>> accounts;  // at most kDirectoryAccountsMax, in its order
  std::vector<ClientKey> clients;
  std::vector<UnopenedAccount> unopened;  // for the administrator
  bool open = false;                      // requests without a client key are served
  RoutingPolicy routing;
  PriceTable prices;                // of models, for accounts that have none of their own
  std::string default_model;        // for bodies that name none (multipart); "" when there is none
  std::int64_t created_unix_s = 0;  // "created" of GET /v1/models

  // Filled by finish_directory().
  LabelNames labels;                     // of accounts and mapped models
  std::vector<std::string> model_names;  // those that enabled accounts map: what GET /v1/models
                                         // lists; sorted, unique
  std::unordered_map<std::string, Route, StringHash, std::equal_to<>> mapped_routes;
  std::vector<PrefixRoute> prefix_routes;  // longest prefix first; "": accounts that take any name
  Route any_route;                         // all enabled accounts, for requests without a model
  std::vector<DepartedAccount> departed;
  std::vector<DepartedClient> departed_clients;  // ... or have no limits any more

  // Null when no account serves `model`. "" asks for the accounts that may serve a request which
  // names no model: all of them. No allocation.
  [[nodiscard]] const Route* find_route(std::string_view model) const noexcept;

  // What a request for `model` costs there at that instant: the account's own price, else the
  // model's; one that is not known() when nobody said.
  struct Found {
    const Price& price;
    bool is_own;
  };
  [[nodiscard]] Found price_of(const Account& account, std::string_view model,
                               std::int64_t unix_ms) const noexcept;

  // A binary search, so its time depends on the digests: see docs/THREAT_MODEL.md for why that
  // tells nobody a key.
  [[nodiscard]] const ClientKey* find_client(const std::uint8_t (&sha256)[32]) const noexcept;
};

// Completes a directory that is about to be published at `now`: sorts what is searched, gives each
// account its state and builds the routes.
//
// A provider counts by key, so the state (what was spent, the cooldown, the error of a refused key)
// goes with the key and its endpoint, not with the name. Of `previous` (null: there is none), its
// departed accounts included, an account takes over the state of
//   - the one with its name, key and endpoint;
//   - else one with its key and endpoint that no account has taken that way: it was renamed.
// New limits apply to that state at once, also for shards that still read `previous`. An account
// whose key or endpoint is new begins fresh, under an old name too. Of several accounts with one
// key and endpoint each has a state of its own (check-config warns of them).
void finish_directory(Directory& directory, const Directory* previous, Instant now);

}  // namespace sluice
