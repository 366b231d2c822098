#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/config.h"
#include "engine/config/expand.h"
#include "engine/config/reader.h"

namespace sluice {

// The variable of ours for a key: SLUICE_ROUTING_COOLDOWN_BASE for "routing.cooldown.base".
[[nodiscard]] std::string variable_of(std::string_view path);

// Overwrites what SLUICE_* variables give, and the predecessor's (COMPAT, Environment) where ours
// does not. A variable that is set but empty counts as not set. Then adds the account "env" when
// SIDECAR_UPSTREAM and SIDECAR_API_KEY (or SLUICE_UPSTREAM and SLUICE_API_KEY) are set.
void apply_environment(Config& config, const Environment& env, Findings& findings);
void add_environment_account(Config& config, const Environment& env, Findings& findings);

// Warns of variables that look like ours but are none, and of those of the predecessor that
// concern parts which this version does not have.
void warn_of_unused_variables(const Environment& env, Findings& findings);

}  // namespace sluice
