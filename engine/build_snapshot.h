#pragma once

#include <expected>
#include <memory>

#include "engine/config/build_directory.h"
#include "engine/proxy/snapshot.h"

namespace sluice {

// Everything that `config` and the store (null: none) decide, read and checked: directory,
// authorities, certificates. An account keeps the state that it has in `previous` (null at the
// start). Reads files: not on a shard. Errors are those of the files that the configuration names,
// each with the place where it does.
[[nodiscard]] std::expected<std::shared_ptr<const Snapshot>, ConfigErrors> build_snapshot(
    const Config& config, const StoredEntries* stored, const Directory* previous);

}  // namespace sluice
