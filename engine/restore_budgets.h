#pragma once

#include <cstdint>

#include "engine/route/directory.h"
#include "store/environment.h"

namespace sluice {

// Has client keys know what they have spent before this process, or their directory, began, as far
// as the store tells: in all, and, of those with a budget, in its present period. So neither a
// restart nor a budget that is given later forgets anything. To be repeated for each directory:
// what is known already is not looked up again, and what this process has booked itself does not
// count twice. Before any request is admitted, and later on the store's thread, between two
// batches.
//
// Sums are those of whole hours by the end of requests, as everywhere (docs/ADMIN_API.md); periods
// begin with an hour, so they are exact.
//
// Cost      a row of the totals for each client key; a pass over the hours of the month, or the
//           day, when a key with such a budget was in use before.
[[nodiscard]] StoreResult<void> restore_budgets(StoreEnvironment& environment,
                                                const Directory& directory,
                                                std::int64_t now_unix_ms);

}  // namespace sluice
