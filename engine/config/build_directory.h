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
  std::optional<std::uint32_t> rpm_limit = {}, tpm_limit = {}, rpd_limit = {};
  std::optional<std::uint32_t> concurrent_limit = {};
  std::optional<Duration> window = {}, connect = {}, first_byte = {}, first_token = {}, idle = {},
                          total = {};
  std::optional<BucketShape> bucket = {};
  std::optional<bool> learn_limits = {};
};

// Puts into an Account or AccountConfig what holds of these: its own value, else the one of
// account_defaults or timeouts.upstream.
template <class AnyAccount>
void complete(AnyAccount& account, const AccountOverrides& own, const AccountDefaults& defaults,
              const AccountTimeouts& timeouts) {
  account.rpm_limit = own.rpm_limit.value_or(defaults.rpm_limit);
  account.tpm_limit = own.tpm_limit.value_or(defaults.tpm_limit);
  account.rpd_limit = own.rpd_limit.value_or(defaults.rpd_limit);
  account.concurrent_limit = own.concurrent_limit.value_or(defaults.concurrent_limit);
  account.window = own.window.value_or(defaults.window);
  account.bucket = own.bucket.value_or(defaults.bucket);
  account.learn_limits = own.learn_limits.value_or(defaults.learn_limits);
  account.timeouts = {.connect = own.connect.value_or(timeouts.connect),
                      .first_byte = own.first_byte.value_or(timeouts.first_byte),
                      .first_token = own.first_token.value_or(timeouts.first_token),
                      .idle = own.idle.value_or(timeouts.idle),
                      .total = own.total.value_or(timeouts.total)};
}
template <class AnyAccount>
void complete(AnyAccount& account, const AccountOverrides& own, const Config& config) {
  complete(account, own, config.account_defaults, config.timeouts.upstream);
}

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
