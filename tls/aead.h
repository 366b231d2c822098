#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace sluice {

inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kAeadNonceBytes = 12;
inline constexpr std::size_t kAeadTagBytes = 16;

using AeadKey = std::span<const char, kAeadKeyBytes>;
using AeadNonce = std::span<const char, kAeadNonceBytes>;

// AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce and a 128-bit tag. A nonce is used once per
// key: random ones are good for 2^32 messages (8.3 there). `associated` is authenticated, not
// encrypted. Each call expands the key anew and wipes it, so that no copy outlives the caller's
// Secret.

// Writes plaintext.size() + kAeadTagBytes bytes, the tag last; `out` has exactly that size. `out`
// may begin where the plaintext does, else they must not overlap.
void aead_seal(AeadKey key, AeadNonce nonce, std::string_view associated,
               std::string_view plaintext, std::span<char> out) noexcept;

// The reverse: `out` has sealed.size() - kAeadTagBytes bytes. False when the key, the nonce, the
// associated data or any bit of `sealed` is not what it was; `out` is then zeros.
[[nodiscard]] bool aead_open(AeadKey key, AeadNonce nonce, std::string_view associated,
                             std::string_view sealed, std::span<char> out) noexcept;

}  // namespace sluice
