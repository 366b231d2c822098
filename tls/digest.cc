#include "tls/digest.h"

#include <openssl/mem.h>
#include <openssl/sha.h>

#include <algorithm>

namespace sluice {
namespace {

constexpr std::size_t kBlockBytes = 64;  // FIPS 180-4, 5.2.1

std::uint8_t* bytes_of(Sha256Digest& digest) noexcept {
  return reinterpret_cast<std::uint8_t*>(digest.data());
}

int digit_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

Sha256Digest sha256(std::string_view bytes) noexcept { return sha256(std::span(&bytes, 1)); }

Sha256Digest sha256(std::span<const std::string_view> pieces) noexcept {
  Sha256Digest digest;
  SHA256_CTX context;
  SHA256_Init(&context);
  for (const std::string_view piece : pieces) SHA256_Update(&context, piece.data(), piece.size());
  SHA256_Final(bytes_of(digest), &context);
  OPENSSL_cleanse(&context, sizeof(context));  // its buffer may end with a key
  return digest;
}

Sha256Digest sha256_of_pieces(const std::function<std::string_view()>& next) {
  Sha256Digest digest;
  SHA256_CTX context;
  SHA256_Init(&context);
  for (std::string_view piece = next(); !piece.empty(); piece = next())
    SHA256_Update(&context, piece.data(), piece.size());
  SHA256_Final(bytes_of(digest), &context);
  OPENSSL_cleanse(&context, sizeof(context));
  return digest;
}

Sha256Digest hmac_sha256(std::string_view key, std::string_view bytes) noexcept {
  // Built on SHA-256 directly: the library's HMAC() allocates.
  std::array<char, kBlockBytes> inner{};
  if (key.size() > kBlockBytes) {
    const Sha256Digest short_key = sha256(key);
    std::copy(short_key.begin(), short_key.end(), inner.begin());
  } else {
    std::copy(key.begin(), key.end(), inner.begin());
  }
  std::array<char, kBlockBytes> outer = inner;
  for (char& byte : inner) byte = static_cast<char>(byte ^ 0x36);
  for (char& byte : outer) byte = static_cast<char>(byte ^ 0x5c);
  const std::string_view first[] = {{inner.data(), inner.size()}, bytes};
  const Sha256Digest message = sha256(first);
  const std::string_view second[] = {{outer.data(), outer.size()}, text_of(message)};
  const Sha256Digest code = sha256(second);
  OPENSSL_cleanse(inner.data(), inner.size());
  OPENSSL_cleanse(outer.data(), outer.size());
  return code;
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void write_hex(std::string_view bytes, char* out) noexcept {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char byte : bytes) {
    const auto value = static_cast<std::uint8_t>(byte);
    *out++ = kDigits[value >> 4];
    *out++ = kDigits[value & 15];
  }
}

bool parse_hex(std::string_view digits, std::span<char> out) noexcept {
  if (digits.size() != out.size() * 2) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit_value(digits[2 * i]);
    const int low = digit_value(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<char>(high << 4 | low);
  }
  return true;
}

}  // namespace sluice
