#include "store/backup_digest.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "base/units.h"
#include "tls/digest.h"

namespace sluice {
namespace {

ssize_t read_some(int fd, char* into, std::size_t bytes) {
  for (;;) {
    const ssize_t got = ::read(fd, into, bytes);
    if (got >= 0 || errno != EINTR) return got;
  }
}

StoreResult<std::string> digest_of(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return store_fail(store_error_from(errno));
  std::vector<char> piece(kMiB);
  int failed = 0;
  const Sha256Digest digest = sha256_of_pieces([&] {
    const ssize_t got = read_some(file.get(), piece.data(), piece.size());
    if (got < 0) failed = errno;
    return std::string_view(piece.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  });
  if (failed != 0) return store_fail(store_error_from(failed));
  std::string digits(2 * kSha256Bytes, '\0');
  write_hex(text_of(digest), digits.data());
  return digits;
}

// As coreutils write it: the digits, two blanks, the name without its folder.
std::string line_of(const std::string& digits, const std::string& backup) {
  return digits + "  " + backup.substr(backup.rfind('/') + 1) + "\n";
}

}  // namespace

std::string digest_path(const std::string& backup) { return backup + ".sha256"; }

StoreResult<void> write_digest(const std::string& file, const std::string& backup) {
  const auto digits = digest_of(file);
  if (!digits) return store_fail(digits.error());
  const std::string line = line_of(*digits, backup);
  const FileDescriptor out(
      ::open(digest_path(backup).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out.is_open()) return store_fail(store_error_from(errno));
  for (std::string_view left = line; !left.empty();) {
    const ssize_t put = ::write(out.get(), left.data(), left.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return store_fail(store_error_from(put < 0 ? errno : EIO));
    left.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(out.get()) != 0) return store_fail(store_error_from(errno));
  return {};
}

StoreResult<DigestVerdict> check_digest(const std::string& backup) {
  const FileDescriptor beside(::open(digest_path(backup).c_str(), O_RDONLY | O_CLOEXEC));
  if (!beside.is_open() && errno == ENOENT) return DigestVerdict::kAbsent;
  if (!beside.is_open()) return store_fail(store_error_from(errno));
  std::array<char, 2 * kSha256Bytes> told{};  // the name behind it may be another one by now
  std::size_t size = 0;
  while (size < told.size()) {
    const ssize_t got = read_some(beside.get(), told.data() + size, told.size() - size);
    if (got < 0) return store_fail(store_error_from(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  const auto digits = digest_of(backup);
  if (!digits) return store_fail(digits.error());
  return std::string_view(told.data(), size) == *digits ? DigestVerdict::kMatches
                                                        : DigestVerdict::kDiffers;
}

}  // namespace sluice
