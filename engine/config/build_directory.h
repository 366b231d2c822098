#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/config/config.h"
#include "engine/config/load.h"
#include "engine/route/directory.h"

namespace sluice {

// AccountOverrides - what an account of the store says itself of that for which the configuration
// has a default; nothing: the default, as it is at the time.
struct AccountOverrides {
  std::optional<Duration> window, connect, first_token, total;
  std::optional<BucketShape> bucket;
  std::optional<bool> learn_limits;
};

struct StoredEntry {
  AccountConfig account;
  AccountOverrides overrides;
  bool public_only = false;  // without admin.private_upstreams; with it, over http private only
};

struct ModelPrice {
  std::string model;
  std::int64_t valid_from_ms = 0;
  Price price;
};

// StoredEntries - what the store has beside the configuration: accounts, client keys, prices.
struct StoredEntries {
  std::vector<StoredEntry> accounts;
  std::vector<UnopenedAccount> unopened;
  std::vector<ClientConfig> clients;  // without those that are revoked
  std::vector<ModelPrice> prices;     // all of a model together, by their time
  // There are client keys, if only revoked ones: whoever revokes the last one does not mean to let
  // everybody in.
  bool guarded = false;
};

// The directory of a configuration and of `stored` entries (null: none), before
// finish_directory(), which changes the limits of accounts that are in use: what may still fail
// comes first. Fails only for what load_config() refuses too.
[[nodiscard]] std::expected<std::shared_ptr<Directory>, ConfigErrors> draft_directory(
    const Config& config, const StoredEntries* stored = nullptr);

// The names of those stored accounts that such a directory does not have: the configuration has one
// of that name, or there are more than a directory holds. Separated by commas; "" when there are
// none.
[[nodiscard]] std::string left_out(const Config& config, const StoredEntries& stored);

// The first directory of a process, complete; `now`: the present instant.
[[nodiscard]] std::expected<std::shared_ptr<const Directory>, ConfigErrors> build_directory(
    const Config& config, Instant now);
[[nodiscard]] std::expected<std::shared_ptr<const Directory>, ConfigErrors> build_directory(
    const Config& config);

}  // namespace sluice
