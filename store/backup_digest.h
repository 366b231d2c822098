#pragma once

#include <cstdint>
#include <string>

#include "store/store_error.h"

namespace sluice {

// The SHA-256 of a backup, in a file beside it that `sha256sum -c` understands. LMDB has no check
// sums: what changed on a disk is told by this alone, before anybody looks into the file.

enum class DigestVerdict : std::uint8_t {
  kAbsent,   // there is no such file: a backup of an earlier release, or one that was moved
  kMatches,  // the backup is what it was when it was made
  kDiffers,  // one of the two files was changed or damaged
};

// "<backup>.sha256".
[[nodiscard]] std::string digest_path(const std::string& backup);

// Reads `file` and writes its digest to the file beside `backup`, the name that it is to get; on
// the disk when this returns, but for its name.
[[nodiscard]] StoreResult<void> write_digest(const std::string& file, const std::string& backup);

// Reads all of `backup` if there is a digest of it. An error: one of the two cannot be read.
[[nodiscard]] StoreResult<DigestVerdict> check_digest(const std::string& backup);

}  // namespace sluice
