#pragma once

#include <cstdint>

#include "base/clock.h"
#include "engine/route/directory.h"
#include "store/environment.h"

namespace sluice {

// Has accounts and client keys remember what they spent before this process began, as far as the
// store tells: the requests of each one's window, and of a day where there is a limit for the day.
// So a restart gives nobody a second helping of what the provider still counts. `now` and
// `now_unix_ms` are the same instant. How many requests were remembered.
//
// A request counts at the time when it began, as the store has it: a second later than the provider
// at most, if the clock was not set meanwhile.
[[nodiscard]] StoreResult<std::uint64_t> restore_spent(StoreEnvironment& environment,
                                                       const Directory& directory, Instant now,
                                                       std::int64_t now_unix_ms);

}  // namespace sluice
