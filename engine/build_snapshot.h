#pragma once

#include <expected>
#include <memory>
#include <string>

#include "engine/config/build_directory.h"
#include "engine/proxy/snapshot.h"

namespace sluice {

// Everything that `config` and the store (null: none) decide, read and checked: directory,
// authorities, certificates. An account keeps the state that it has in `previous` (null at the
// start). Reads files: not on a shard. The error is a text for a person: a line for each fault,
// with its line end.
[[nodiscard]] std::expected<std::shared_ptr<const Snapshot>, std::string> build_snapshot(
    const Config& config, const StoredEntries* stored, const Directory* previous);

}  // namespace sluice
