#pragma once

#include <cstdint>

#include "store/writer.h"

namespace sluice {

// What a step of pruning did.
struct PrunedRows {
  std::uint64_t rows = 0;
  bool more = false;  // call it again
};

// Deletes single requests from before `before_ms`, oldest first, at most `rows_max` in this
// transaction; what they used stays in the sums. The writer's other work goes on between steps.
[[nodiscard]] StoreResult<PrunedRows> prune_requests(Writer& writer, std::int64_t before_ms,
                                                     std::size_t rows_max);

// The same for cooldowns that began before `before_ms` and have ended.
[[nodiscard]] StoreResult<PrunedRows> prune_cooldowns(Writer& writer, std::int64_t before_ms,
                                                      std::size_t rows_max);

}  // namespace sluice
