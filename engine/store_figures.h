#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace sluice {

// StoreFigures - how the store and its journals are at one moment, for metrics.
struct StoreFigures {
  struct Shard {
    std::uint16_t index = 0;
    std::uint64_t backlog = 0;  // records written and not booked
    std::uint64_t refused = 0;  // times that there was no room for a record
  };

  std::vector<Shard> shards;         // those that are no more too, while they have a backlog
  std::uint64_t records_booked = 0;  // since the start
  std::uint64_t journal_file_bytes = 0;
  std::uint64_t journal_memory_bytes = 0;
  int journal_errno = 0;  // what the disk answered the journals last; 0: all is well
  // Of the database, as of the last look, a minute ago at most.
  std::uint64_t database_bytes_used = 0;
  std::uint64_t database_bytes_max = 0;
  Duration since_sync{};            // all commits before that are on the disk
  std::int64_t last_backup_ms = 0;  // Unix time of the newest copy; 0: none is known
  bool backup_failed = false;       // the last try
  unsigned troubles = 0;            // of trouble_bit() (engine/store_troubles.h)

  [[nodiscard]] std::uint64_t backlog() const noexcept {
    std::uint64_t sum = 0;
    for (const Shard& shard : shards) sum += shard.backlog;
    return sum;
  }
  [[nodiscard]] std::uint64_t refused() const noexcept {
    std::uint64_t sum = 0;
    for (const Shard& shard : shards) sum += shard.refused;
    return sum;
  }
};

}  // namespace sluice
