#pragma once

#include <string>

#include "engine/config/config.h"
#include "engine/config/finding.h"

namespace sluice {

// What no value alone can have wrong: names that stand twice, values that contradict each other,
// files that cannot be read. `findings` holds what is already known to be wrong: of values that
// were refused nothing more is said, here and in check_servable().
void check_config(const Config& config, Findings& findings);

// What keeps a sound configuration from being served: no account, or a door open to the network
// without a client key.
[[nodiscard]] bool has_store(const Config& config);  // that was made before
void check_servable(const Config& config, Findings& findings);
// Why a door is open to the network without a client key, in a sentence; "": none is.
// `stored_clients`: the store has client keys, if only revoked ones.
[[nodiscard]] std::string why_unguarded(const Config& config, bool stored_clients);

// Whether requests without a client key are served.
[[nodiscard]] bool is_open(const Config& config);

}  // namespace sluice
