#pragma once

#include <cstdint>

#include "base/clock.h"
#include "engine/route/directory.h"
#include "store/environment.h"

namespace sluice {

// What restore_spent() has found.
struct RestoredSpent {
  std::uint64_t requests = 0;  // attempts and refusals that it looked at
  std::uint64_t ahead = 0;     // of these, dated later than now: somebody has set the clock back
};

// Has accounts and client keys remember what they spent before this process began, as far as the
// store tells: so a restart gives nobody a second helping of what the provider still counts. Before
// any request is admitted. `now` and `now_unix_ms` are the same instant; accounts and client keys
// are found by their names.
//
// What counts, and from when, is what counted while the other process ran, or more and longer:
//   account's requests   those of which a byte left, from when they had left
//   account's tokens     what was reserved from the start of the attempt, and what was used beyond
//                        it from the end; what was reserved where nobody knows what was used
//   account's day        attempts by the hour, from the end of the hour (an hour longer at most);
//                        also those that never left
//   client's requests    each that was admitted, from then on, whatever became of it
//   client's tokens      as the account's
// Of an attempt that had not ended when its process died nobody knows when it had left: it counts
// from the latest moment at which it can have. Of two that hedged each other the client's tokens
// count twice then. What was waiting for its first account when the process was killed has left no
// record, and does not count.
//
// A row that is dated later than now is of the time before somebody has set the clock back. It
// counts from the latest row that its shard has written since; if there is none, from now, if it is
// of the last window before the latest row of all: so each such row counts until the gateway has
// been used under the right clock. Hours count from now when they are a day ahead at most.
//
// Cost      a pass over the rows of the longest window and 35 s, and, if there is a limit for the
//           day, over the hours of the day (bench/restore_bench). Memory: at most 32 bytes for each
//           request of the limits, while it runs.
[[nodiscard]] StoreResult<RestoredSpent> restore_spent(StoreEnvironment& environment,
                                                       const Directory& directory, Instant now,
                                                       std::int64_t now_unix_ms);

// How old a row may be and still count: what the store must keep for the next start.
[[nodiscard]] Duration spent_reach(const Directory& directory) noexcept;

}  // namespace sluice
