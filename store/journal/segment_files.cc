#include "store/journal/segment_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "base/file_descriptor.h"

namespace sluice {
namespace {

constexpr std::size_t kPageBytes = 4096;

// Since Linux 5.14; Debian 12's headers have it.
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

// Beyond the limit the kernel sends SIGXFSZ, which ends a process that has not thought of it.
bool beyond_size_limit(std::size_t bytes) {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
         bytes > limit.rlim_cur;
}

int open_new(const std::string& path) {
  return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

int allocate(int fd, std::size_t bytes) {
  if (beyond_size_limit(bytes)) return EFBIG;
  int failed = 0;
  do {
    failed = posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  } while (failed == EINTR);
  return failed;
}

int write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

// Goes on behind a block that cannot be read.
int read_all(int fd, std::span<std::byte> into) {
  std::size_t at = 0;
  while (at < into.size()) {
    const ssize_t got = pread(fd, into.data() + at, into.size() - at, static_cast<off_t>(at));
    if (got > 0) at += static_cast<std::size_t>(got);
    else if (got == 0) break;  // cut shorter meanwhile: zeros
    else if (errno == EIO) at = std::min(into.size(), (at / kPageBytes + 1) * kPageBytes);
    else if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

bool is_shortage(int os_errno) noexcept {
  return os_errno == ENOSPC || os_errno == EDQUOT || os_errno == EFBIG || os_errno == EIO ||
         os_errno == ENOMEM || os_errno == EMFILE || os_errno == ENFILE;
}

std::expected<std::byte*, int> SegmentFiles::create(const std::string& path, std::size_t bytes) {
  const FileDescriptor file(open_new(path));
  if (!file.is_open()) return std::unexpected(errno);
  int failed = allocate(file.get(), bytes);
  void* map = MAP_FAILED;
  if (failed == 0) {
    map = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (map == MAP_FAILED) failed = errno;
  }
  if (failed == 0) {
    // An older kernel does not know the request: a store to each page does the same, and nobody
    // else has this file yet.
    failed = make_present(static_cast<std::byte*>(map), bytes);
    if (failed == EINVAL) {
      failed = 0;
      for (std::size_t at = 0; at < bytes; at += kPageBytes)
        static_cast<volatile std::byte*>(map)[at] = std::byte{};
    }
  }
  if (failed == 0) return static_cast<std::byte*>(map);
  if (map != MAP_FAILED) ::munmap(map, bytes);
  ::unlink(path.c_str());
  return std::unexpected(failed);
}

int SegmentFiles::make_present(std::byte* bytes, std::size_t size) {
  while (madvise(bytes, size, MADV_POPULATE_WRITE) != 0) {
    // EFAULT: a store would have been answered with SIGBUS, for want of space or by a broken disk.
    if (errno == EFAULT) return EIO;
    if (errno != EINTR && errno != EAGAIN) return errno;
  }
  return 0;
}

std::expected<std::span<std::byte>, int> SegmentFiles::load(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::unexpected(errno);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return std::unexpected(errno);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::span<std::byte>();
  std::byte* const bytes = take_memory(size);
  if (bytes == nullptr) return std::unexpected(ENOMEM);
  if (const int failed = read_all(file.get(), {bytes, size}); failed != 0) {
    unmap(bytes, size);
    return std::unexpected(failed);
  }
  return std::span(bytes, size);
}

int SegmentFiles::write_out(const std::string& path, std::span<const std::byte> bytes) {
  const std::string unfinished = path + kUnfinishedSuffix;
  ::unlink(unfinished.c_str());  // of an earlier try
  const FileDescriptor file(open_new(unfinished));
  if (!file.is_open()) return errno;
  int failed = beyond_size_limit(bytes.size()) ? EFBIG : write_all(file.get(), bytes);
  if (failed == 0 && ::rename(unfinished.c_str(), path.c_str()) != 0) failed = errno;
  if (failed != 0) ::unlink(unfinished.c_str());
  return failed;
}

int SegmentFiles::rename(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

int SegmentFiles::remove(const std::string& path) {
  return ::unlink(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

int SegmentFiles::make_folder(const std::string& path) {
  return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST ? 0 : errno;
}

int SegmentFiles::remove_folder(const std::string& path) {
  return ::rmdir(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

std::expected<std::vector<std::string>, int> SegmentFiles::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (folder == nullptr) return std::unexpected(errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* const entry = readdir(folder.get()))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  if (errno != 0) return std::unexpected(errno);
  std::ranges::sort(names);
  return names;
}

std::byte* SegmentFiles::take_memory(std::size_t bytes) {
  void* const map = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return map == MAP_FAILED ? nullptr : static_cast<std::byte*>(map);
}

void SegmentFiles::unmap(std::byte* bytes, std::size_t size) {
  if (bytes != nullptr) ::munmap(bytes, size);
}

}  // namespace sluice
