#pragma once

#include <string>
#include <vector>

#include "engine/config/build_directory.h"

namespace sluice {

// Asks the providers of `names` (all accounts when empty), each with its account's key, and prints
// a line for each. Blocks: on a shard of this thread's own. EX_OK when all keys are accepted,
// EX_NOPERM when one is refused, else EX_UNAVAILABLE.
[[nodiscard]] int probe_providers(const Config& config, const StoredEntries& stored,
                                  const std::vector<std::string>& names);

}  // namespace sluice
