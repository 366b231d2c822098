#pragma once

#include <string>
#include <utility>
#include <vector>

#include "admin/live/health_board.h"
#include "store/environment.h"
#include "store/writer.h"

namespace sluice {

// What probes have found, over a restart. A row that cannot be read or written is let go: the next
// probe finds it anew within a minute.
void read_health(StoreEnvironment& store, HealthBoard& board);
void write_health(Writer& writer,
                  const std::vector<std::pair<std::string, AccountHealth>>& changes);

}  // namespace sluice
