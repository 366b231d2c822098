#include "tls/aead.h"

#include <openssl/aead.h>
#include <openssl/err.h>
#include <openssl/mem.h>

#include <cstdint>

#include "base/assert.h"

namespace sluice {
namespace {

const std::uint8_t* bytes(std::span<const char> text) noexcept {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

// The expanded key, on the stack, wiped at the end of its scope.
struct ExpandedKey {
  explicit ExpandedKey(AeadKey key) noexcept {
    SL_ASSERT(EVP_AEAD_CTX_init(&context, EVP_aead_aes_256_gcm(), bytes(key), key.size(),
                                kAeadTagBytes, nullptr) == 1);
  }
  ~ExpandedKey() {
    EVP_AEAD_CTX_cleanup(&context);
    OPENSSL_cleanse(&context, sizeof context);
  }
  ExpandedKey(const ExpandedKey&) = delete;
  ExpandedKey& operator=(const ExpandedKey&) = delete;
  EVP_AEAD_CTX context;
};

}  // namespace

void aead_seal(AeadKey key, AeadNonce nonce, std::string_view associated,
               std::string_view plaintext, std::span<char> out) noexcept {
  SL_ASSERT(out.size() == plaintext.size() + kAeadTagBytes);
  const ExpandedKey expanded(key);
  std::size_t written = 0;
  const int sealed =
      EVP_AEAD_CTX_seal(&expanded.context, reinterpret_cast<std::uint8_t*>(out.data()), &written,
                        out.size(), bytes(nonce), nonce.size(), bytes(plaintext), plaintext.size(),
                        bytes(associated), associated.size());
  SL_ASSERT(sealed == 1 && written == out.size());
}

bool aead_open(AeadKey key, AeadNonce nonce, std::string_view associated, std::string_view sealed,
               std::span<char> out) noexcept {
  if (sealed.size() < kAeadTagBytes) return false;
  SL_ASSERT(out.size() == sealed.size() - kAeadTagBytes);
  const ExpandedKey expanded(key);
  std::size_t written = 0;
  const int opened =
      EVP_AEAD_CTX_open(&expanded.context, reinterpret_cast<std::uint8_t*>(out.data()), &written,
                        out.size(), bytes(nonce), nonce.size(), bytes(sealed), sealed.size(),
                        bytes(associated), associated.size());
  if (opened != 1) ERR_clear_error();
  return opened == 1;
}

}  // namespace sluice
