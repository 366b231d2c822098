#pragma once

#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "engine/route/directory.h"
#include "store/writer.h"

namespace sluice {

// CooldownRecord - keeps the store's table of cooldowns: looks at the accounts from time to time
// and books which have begun to cool, cool longer than was known, and have come to an end. One
// cooldown is one row.
//
// Owns      what it saw last.
// Affinity  the Writer's thread; of the accounts it reads atomics only.
// Limits    a cooldown that begins and ends between two looks is not seen; the shortest that can be
//           configured is a second.
class CooldownRecord {
 public:
  // `now` and `now_unix_ms` are the same instant. What could not be written is tried again at the
  // next look.
  [[nodiscard]] StoreResult<void> look(Writer& writer, const Directory& directory, Instant now,
                                       std::int64_t now_unix_ms);

  // At the start: accounts go on cooling for as long as the store says, and no longer than the
  // whole cooldown, wherever the clock has been set; those whose cooldown has ended meanwhile get
  // its end booked. How many are cooling.
  [[nodiscard]] StoreResult<std::uint64_t> restore(Writer& writer, const Directory& directory,
                                                   Instant now, std::int64_t now_unix_ms);

 private:
  struct Running {
    std::int64_t started_ms;
    Instant until;
  };
  [[nodiscard]] StoreResult<void> begin(Writer& writer, const Account& account, Instant now,
                                        std::int64_t now_unix_ms);
  [[nodiscard]] StoreResult<void> end_those_over(Writer& writer, Instant now,
                                                 std::int64_t now_unix_ms);

  std::unordered_map<std::string, Running> running_;  // by the account's name
};

}  // namespace sluice
