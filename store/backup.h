#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/check.h"
#include "store/environment.h"

namespace sluice {

// Copies of a store while it is in use, each a file "sluice-20260131T081500Z.mdb" in one directory.

// What one run of backing up did.
struct BackupResult {
  std::string path;                  // of the new copy
  std::vector<std::string> removed;  // paths of those that were too old
};

// Copies the store, without its free pages, into `directory` (made with mode 0700 if missing), and
// checks the copy before it gets its name: a file with that name is whole and passes check_store().
// Removes copies that are older than `keep_days` days, but never the last good one: only after the
// new one stands. `now_ms` is the time since 1970. kExists: there is a copy of this very second.
// kCorrupt: the copy does not pass its check; it is not kept, and nothing is removed.
// Cost: reads the whole store twice. The Writer may run it itself between two batches, so that
// no free page waits for it, or another thread.
[[nodiscard]] StoreResult<BackupResult> back_up(StoreEnvironment& environment,
                                                const std::string& directory, std::int64_t now_ms,
                                                std::uint32_t keep_days);

// A restore without restoring: opens `path` read-only and checks all of it. To restore, stop sluice
// and copy the file over data.mdb.
[[nodiscard]] StoreResult<CheckReport> verify_backup(const std::string& path);

// The copies in `directory`, oldest first, as paths.
[[nodiscard]] StoreResult<std::vector<std::string>> list_backups(const std::string& directory);

}  // namespace sluice
