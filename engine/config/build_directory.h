#pragma once

#include <expected>
#include <memory>

#include "base/clock.h"
#include "engine/config/config.h"
#include "engine/config/load.h"
#include "engine/route/directory.h"

namespace sluice {

// StoredEntries - the accounts and client keys that the store has beside the configuration's.
struct StoredEntries {
  std::vector<AccountConfig> accounts;
  std::vector<ClientConfig> clients;  // without those that are revoked
  // There are client keys, if only revoked ones: whoever revokes the last one does not mean to let
  // everybody in.
  bool guarded = false;
};

// The directory of a configuration and of `stored` entries (null: none), before
// finish_directory(), which changes the limits of accounts that are in use: what may still fail
// comes first. Fails only for what load_config() refuses too.
[[nodiscard]] std::expected<std::shared_ptr<Directory>, ConfigErrors> draft_directory(
    const Config& config, const StoredEntries* stored = nullptr);

// The first directory of a process, complete; `now`: the present instant.
[[nodiscard]] std::expected<std::shared_ptr<const Directory>, ConfigErrors> build_directory(
    const Config& config, Instant now);
[[nodiscard]] std::expected<std::shared_ptr<const Directory>, ConfigErrors> build_directory(
    const Config& config);

}  // namespace sluice
