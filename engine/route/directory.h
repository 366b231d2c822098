#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/route/account.h"

namespace sluice {

struct CooldownPolicy {
  Duration base = 30s;
  Duration max = 600s;
};

struct RoutingPolicy {
  Strategy strategy = Strategy::kWeighted;
  CooldownPolicy cooldown;
  Duration guard =
      250ms;  // added to every window for the network's jitter (docs/DESIGN.md, token buckets)
  bool retry_on_timeout = false;  // HTTP_RULES, Retry safety
};

// Directory - everything a shard must know to route: accounts, models, client keys, policy.
// Immutable. Rebuilt and published whole; each shard swaps its pointer when the message reaches it
// and the old one dies with its last user.
struct Directory {
  std::vector<std::unique_ptr<const Account>> accounts;  // in the order of the configuration
  std::vector<ClientKey> clients;
  bool open = false;  // requests without a client key are served
  RoutingPolicy routing;
  std::string default_model;        // for bodies that name none (multipart); "" when there is none
  std::int64_t created_unix_s = 0;  // "created" of GET /v1/models

  // Canonical names of all models, sorted and unique; what GET /v1/models lists.
  std::vector<std::string> model_names;

  [[nodiscard]] const ClientKey* find_client(const std::uint8_t (&sha256)[32]) const noexcept;
};

}  // namespace sluice
