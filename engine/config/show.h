#pragma once

#include <string>

#include "engine/config/config.h"

namespace sluice {

// The effective configuration as YAML, with the origin of each value in a comment and secrets
// redacted. What it writes can be loaded again, but for the secrets.
[[nodiscard]] std::string show_config(const Config& config);

}  // namespace sluice
