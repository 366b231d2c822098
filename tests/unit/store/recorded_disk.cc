#include "tests/unit/store/recorded_disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace sluice::test {
namespace {

RecordedDisk* watched = nullptr;

template <class Function>
Function* next_named(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

RecordedDisk::RecordedDisk(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  begin_.assign(std::istreambuf_iterator<char>(file), {});
  struct stat about = {};
  EXPECT_EQ(::stat(path.c_str(), &about), 0);
  device_ = about.st_dev;
  inode_ = about.st_ino;
  EXPECT_EQ(watched, nullptr);
  watched = this;
}

RecordedDisk::~RecordedDisk() { watched = nullptr; }

RecordedDisk* RecordedDisk::of(int fd) {
  if (watched == nullptr) return nullptr;
  struct stat about = {};
  if (::fstat(fd, &about) != 0) return nullptr;
  return about.st_dev == watched->device_ && about.st_ino == watched->inode_ ? watched : nullptr;
}

bool RecordedDisk::fails() {
  if (os_errno_ == 0) return false;
  if (writes_left_ > 0) {
    --writes_left_;
    return false;
  }
  errno = os_errno_;
  return true;
}

bool RecordedDisk::sync_fails() {
  if (sync_failures_ == 0) return false;
  if (syncs_left_ > 0) {
    --syncs_left_;
    return false;
  }
  --sync_failures_;
  steps_.push_back({Step::Kind::kSyncFailed, 0, {}});
  errno = os_errno_of_sync_;
  return true;
}

void RecordedDisk::wrote(std::uint64_t at, const void* bytes, std::size_t size) {
  steps_.push_back({Step::Kind::kWrite, at, std::string(static_cast<const char*>(bytes), size)});
}

}  // namespace sluice::test

// By their names for the linker: <unistd.h> may call its own otherwise.
extern "C" {
ssize_t recorded_pwrite(int fd, const void* bytes, size_t size, off_t at) __asm__("pwrite");
ssize_t recorded_writev(int fd, const iovec* parts, int count) __asm__("writev");
int recorded_fdatasync(int fd) __asm__("fdatasync");

__attribute__((visibility("default"))) ssize_t recorded_pwrite(int fd, const void* bytes,
                                                               size_t size, off_t at) {
  static auto* const real =
      sluice::test::next_named<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  auto* const disk = sluice::test::RecordedDisk::of(fd);
  if (disk != nullptr && disk->fails()) return -1;
  const ssize_t wrote = real(fd, bytes, size, at);
  if (disk != nullptr && wrote > 0) {
    disk->wrote(static_cast<std::uint64_t>(at), bytes, static_cast<std::size_t>(wrote));
  }
  return wrote;
}

// What a program with 64-bit offsets calls by that name.
ssize_t recorded_pwrite64(int fd, const void* bytes, size_t size, off_t at) __asm__("pwrite64");
__attribute__((visibility("default"))) ssize_t recorded_pwrite64(int fd, const void* bytes,
                                                                 size_t size, off_t at) {
  return recorded_pwrite(fd, bytes, size, at);
}

__attribute__((visibility("default"))) ssize_t recorded_writev(int fd, const iovec* parts,
                                                               int count) {
  static auto* const real = sluice::test::next_named<ssize_t(int, const iovec*, int)>("writev");
  auto* const disk = sluice::test::RecordedDisk::of(fd);
  if (disk != nullptr && disk->fails()) return -1;
  const off_t at = disk != nullptr ? ::lseek(fd, 0, SEEK_CUR) : 0;
  const ssize_t wrote = real(fd, parts, count);
  auto left = static_cast<std::size_t>(wrote > 0 ? wrote : 0);
  auto to = static_cast<std::uint64_t>(at);
  for (int i = 0; disk != nullptr && i < count && left > 0; ++i) {
    const std::size_t size = std::min(left, parts[i].iov_len);
    disk->wrote(to, parts[i].iov_base, size);
    to += size;
    left -= size;
  }
  return wrote;
}

__attribute__((visibility("default"))) int recorded_fdatasync(int fd) {
  static auto* const real = sluice::test::next_named<int(int)>("fdatasync");
  auto* const disk = sluice::test::RecordedDisk::of(fd);
  if (disk != nullptr && disk->sync_fails()) return -1;
  const int result = real(fd);
  if (disk != nullptr && result == 0) disk->synced();
  return result;
}
}
