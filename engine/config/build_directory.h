#pragma once

#include <expected>
#include <memory>

#include "base/clock.h"
#include "engine/config/config.h"
#include "engine/config/load.h"
#include "engine/route/directory.h"

namespace sluice {

// The directory of a configuration, to be published at `now`. Accounts of `previous` (null: there
// is none) keep what they have spent. Fails only for what load_config() refuses too.
[[nodiscard]] std::expected<std::shared_ptr<const Directory>, ConfigErrors> build_directory(
    const Config& config, const Directory* previous, Instant now);

// The first directory of a process.
[[nodiscard]] std::expected<std::shared_ptr<const Directory>, ConfigErrors> build_directory(
    const Config& config);

}  // namespace sluice
