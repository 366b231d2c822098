#include "store/vault/master_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "tls/digest.h"
#include "tls/random.h"

namespace sluice {
namespace {

constexpr std::size_t kDigits = 2 * kMasterKeyBytes;
constexpr std::string_view kExpected =
    "; expected 64 hexadecimal digits (\"openssl rand -hex 32\" makes them)";

// An HMAC whose result is a key or leads to one, wiped when it has been used.
struct WipedDigest {
  Sha256Digest bytes;
  ~WipedDigest() { explicit_bzero(bytes.data(), bytes.size()); }
};

std::string_view info_of(KeyPurpose purpose) noexcept {
  // The last byte is HKDF's counter: T(1).
  using namespace std::string_view_literals;
  switch (purpose) {
    case KeyPurpose::kFields: return "sluice data key v1: fields\x01"sv;
    case KeyPurpose::kKeyCheck: return "sluice data key v1: key check\x01"sv;
  }
  return {};
}

std::unexpected<std::string> refuse(std::string_view origin, std::string_view problem) {
  std::string text(origin);
  return std::unexpected(text.append(": ").append(problem));
}

// "" when `status` is that of a file that may hold the key.
std::string unsafe(const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return "is no regular file";
  if (status.st_uid != geteuid() && status.st_uid != 0)
    return "belongs to another user; who owns it can change the key";
  if ((status.st_mode & 077) != 0)
    return "can be read or written by others than its owner; give it mode 0600 (chmod 0600)";
  return {};
}

// Reads up to span.size() bytes, fewer at the end of the file; a negative number: errno tells why.
ssize_t read_all(int fd, std::span<char> into) {
  std::size_t size = 0;
  while (size < into.size()) {
    const ssize_t got = read(fd, into.data() + size, into.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return got;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(size);
}

}  // namespace

std::string KeyId::text() const {
  std::string digits(2 * bytes.size(), '0');
  write_hex({bytes.data(), bytes.size()}, digits.data());
  return digits;
}

MasterKey::MasterKey(Secret key) : key_(std::move(key)) {
  SL_ASSERT(key_.reveal().size() == kMasterKeyBytes);
  const WipedDigest code{hmac_sha256(key_.reveal(), "sluice key id v1")};
  std::copy_n(code.bytes.begin(), id_.bytes.size(), id_.bytes.begin());
}

std::expected<MasterKey, std::string> MasterKey::parse(std::string_view digits,
                                                       std::string_view origin) {
  if (digits.empty()) return refuse(origin, "is empty" + std::string(kExpected));
  if (digits.size() != kDigits)
    return refuse(origin,
                  "has " + std::to_string(digits.size()) + " characters" + std::string(kExpected));
  bool is_hex = true;
  Secret key = Secret::written(kMasterKeyBytes,
                               [&](std::span<char> bytes) { is_hex = parse_hex(digits, bytes); });
  if (is_hex) return MasterKey(std::move(key));
  return refuse(origin, "has a character that is no hexadecimal digit" + std::string(kExpected));
}

std::expected<MasterKey, std::string> MasterKey::read_file(const std::string& path) {
  constexpr std::size_t kBytesMax = kDigits + 3;  // "\r\n", and one that tells that it is too long
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return refuse(path, std::string("cannot be read: ") + std::strerror(errno));
  // Asked of the open file, so that it cannot be another one by the time it is read.
  struct stat status {};
  std::string problem = fstat(fd, &status) == 0 ? unsafe(status) : std::strerror(errno);
  ssize_t size = 0;
  Secret content;
  if (problem.empty()) {
    content =
        Secret::written(kBytesMax, [&](std::span<char> bytes) { size = read_all(fd, bytes); });
    if (size < 0) problem = std::string("cannot be read: ") + std::strerror(errno);
  }
  close(fd);
  if (!problem.empty()) return refuse(path, problem);
  std::string_view digits = content.reveal().substr(0, static_cast<std::size_t>(size));
  if (digits.ends_with('\n')) digits.remove_suffix(1);
  if (digits.ends_with('\r')) digits.remove_suffix(1);
  if (digits.size() > kDigits)
    return refuse(path, "has more than 64 characters" + std::string(kExpected));
  return parse(digits, path);
}

MasterKey MasterKey::generate() { return MasterKey(Secret::written(kMasterKeyBytes, random_fill)); }

Secret MasterKey::digits() const {
  return Secret::written(kDigits,
                         [&](std::span<char> out) { write_hex(key_.reveal(), out.data()); });
}

Secret MasterKey::derive(KeyPurpose purpose) const {
  const WipedDigest block{hmac_sha256(key_.reveal(), info_of(purpose))};
  return Secret(text_of(block.bytes));
}

}  // namespace sluice
