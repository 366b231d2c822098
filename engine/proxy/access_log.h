#pragma once

#include "engine/proxy/exchange.h"

namespace sluice {

// One line for one exchange: what was asked, who served it, what it used and how long it took.
// Never a key, never a byte of a body. Long values are cut and end with "...", so that no field is
// ever missing: no client can choose a path or a model that hides who asked and what it cost.
void log_exchange(Shard& shard, const Exchange& exchange);

}  // namespace sluice
