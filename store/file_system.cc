#include "store/file_system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "base/file_descriptor.h"

namespace sluice {
namespace {

// What <linux/magic.h> of Debian 12 does not name.
constexpr std::uint64_t kCifsMagic = 0xff534d42;
constexpr std::uint64_t kCephMagic = 0x00c36400;
constexpr std::uint64_t kLustreMagic = 0x0bd00bd0;
constexpr std::uint64_t kGfs2Magic = 0x01161970;

}  // namespace

FileSystemVerdict judge_file_system(std::uint64_t magic) noexcept {
  // LMDB reads through a shared mapping what it wrote through the descriptor, and keeps readers
  // apart from the writer by a lock file that is mapped too. Where another machine can hold the
  // file, the mapping is not told of its writes, and locks are advice at best.
  switch (magic & 0xffffffff) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case kCifsMagic:
    case NCP_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC:
    case kCephMagic:
    case kLustreMagic:
    case kGfs2Magic:
    // 9p (virtual machines, WSL 2) maps without coherence, or not at all, by its cache mode.
    case V9FS_MAGIC:
    // Behind FUSE stand sshfs, s3fs, GlusterFS, virtiofs: what a mapping sees is up to a server
    // that cannot be asked. The few that are local are not worth the others.
    case FUSE_SUPER_MAGIC: return FileSystemVerdict::kNetwork;
    case TMPFS_MAGIC:
    case RAMFS_MAGIC: return FileSystemVerdict::kMemory;
    default: return FileSystemVerdict::kLocal;
  }
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

StoreResult<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  const std::string path = directory + "/sluice.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return store_fail(store_error_from(errno));
  return lock_file(fd);
}

StoreResult<DirectoryLock> DirectoryLock::wait(const std::string& directory,
                                               std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kStep(50);
  for (std::chrono::milliseconds waited(0);; waited += kStep) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return store_fail(store_error_from(errno));
    auto lock = lock_file(fd);
    if (lock || lock.error().code != StoreErrc::kInUse || waited >= patience) return lock;
    std::this_thread::sleep_for(kStep);
  }
}

StoreResult<DirectoryLock> DirectoryLock::lock_file(int fd) {
  DirectoryLock lock(fd);
  // flock, and not a lock by process (fcntl), which any close of the file would give up.
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return store_fail(StoreErrc::kInUse);
    return store_fail(store_error_from(errno));
  }
  return lock;
}

StoreResult<FileSystemVerdict> prepare_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return store_fail(store_error_from(errno));
  }
  struct statfs about = {};
  if (::statfs(directory.c_str(), &about) != 0) return store_fail(store_error_from(errno));
  return judge_file_system(static_cast<std::uint64_t>(about.f_type));
}

bool others_may_write(const std::string& directory) noexcept {
  struct stat about = {};
  return ::stat(directory.c_str(), &about) == 0 && (about.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

StoreResult<void> sync_directory(const std::string& directory) {
  const FileDescriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::fsync(folder.get()) != 0) return store_fail(store_error_from(errno));
  return {};
}

}  // namespace sluice
