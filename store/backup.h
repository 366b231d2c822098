#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/check.h"
#include "store/environment.h"

namespace sluice {

// Copies of a store while it is in use, each a file "sluice-20260131T081500Z.mdb" in one directory
// with its digest beside it (store/backup_digest.h).

// What one run of backing up did.
struct BackupResult {
  std::string path;                  // of the new copy
  std::vector<std::string> removed;  // paths of those that were too old
};

// Copies the store, without its free pages, into `directory` (made with mode 0700 if missing), and
// checks the copy before it gets its name: a file with that name is whole and passes check_store().
// Removes what runs that were cut off have left, and, once the new one stands, copies that are
// older than `keep` days and not among the `keep` newest, with their digests; none for 0. `now_ms`
// is the time since 1970.
// Two runs, of this process or of two, follow each other. kInUse: another ran for a minute.
// kExists: there is a copy of this very second. kCorrupt: the copy does not pass its check; it is
// not kept, and nothing is removed.
// Cost: reads the whole store three times. The Writer may run it itself between two batches, so
// that no free page waits for it, or another thread.
[[nodiscard]] StoreResult<BackupResult> back_up(StoreEnvironment& environment,
                                                const std::string& directory, std::int64_t now_ms,
                                                std::uint32_t keep);

// A restore without restoring: opens `path` read-only and checks all of it. To restore, stop sluice
// and copy the file over data.mdb. LMDB trusts its pages: a damaged file may end the process (a
// signal, an assertion), so what others had their hands on is for a process of its own
// (engine/cli/read_apart.h).
[[nodiscard]] StoreResult<CheckReport> verify_backup(const std::string& path);

// The copies in `directory`, oldest first, as paths.
[[nodiscard]] StoreResult<std::vector<std::string>> list_backups(const std::string& directory);

// When the newest copy in `directory` was made, by its name, in milliseconds since 1970; 0 when
// there is none. One that is dated after `now_ms` was made by a clock that was wrong: no copy.
[[nodiscard]] StoreResult<std::int64_t> newest_backup_ms(const std::string& directory,
                                                         std::int64_t now_ms);

}  // namespace sluice
