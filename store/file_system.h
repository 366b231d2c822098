#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "store/store_error.h"

namespace sluice {

// Whether a mapped database may lie on a kind of file system.
enum class FileSystemVerdict : std::uint8_t {
  kLocal,
  kMemory,   // gone with the next boot: works, but somebody should be told
  kNetwork,  // not: see judge_file_system()
};

// By the magic number that statfs(2) tells in f_type.
[[nodiscard]] FileSystemVerdict judge_file_system(std::uint64_t magic) noexcept;

// DirectoryLock - keeps a second gateway away from a data directory, and two backups apart.
//
// Owns      a descriptor whose advisory lock goes with the process, however it ends. Move-only.
// Affinity  none.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;

  // Locks `directory`/sluice.lock, which is made if need be. kInUse: another process holds it.
  [[nodiscard]] static StoreResult<DirectoryLock> take(const std::string& directory);

  // Locks the directory itself, which take() leaves alone. kInUse: it was held for all of
  // `patience`, for which the calling thread blocks.
  [[nodiscard]] static StoreResult<DirectoryLock> wait(const std::string& directory,
                                                       std::chrono::milliseconds patience);

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  static StoreResult<DirectoryLock> lock_file(int fd);  // takes `fd`
  int fd_ = -1;
};

// Makes `directory` (mode 0700; its parent must be there) unless it exists, and judges where it
// lies. A directory that exists keeps the mode that the administrator gave it.
[[nodiscard]] StoreResult<FileSystemVerdict> prepare_directory(const std::string& directory);

// Whether the group, or everybody, may make, rename and remove files in `directory`: then a
// database there can be exchanged for another, and the master key with it.
[[nodiscard]] bool others_may_write(const std::string& directory) noexcept;

// Makes the names in `directory` last: files that were created, renamed or removed there.
[[nodiscard]] StoreResult<void> sync_directory(const std::string& directory);

}  // namespace sluice
