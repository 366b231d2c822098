#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace sluice {

// KeyId - names a master key without telling anything of it: the first 8 bytes of HMAC-SHA-256(key,
// "sluice key id v1"). Of two keys that somebody has at hand it tells which one is meant; two that
// share an id by chance are only confused in messages, for the tag decides.
struct KeyId {
  std::array<char, 8> bytes{};

  // 16 hexadecimal digits.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const KeyId&, const KeyId&) = default;
};

// What a key derived from the master key is for.
enum class KeyPurpose : std::uint8_t { kFields, kKeyCheck };

inline constexpr std::size_t kMasterKeyBytes = 32;

// MasterKey - the 256-bit key that everything secret in the store hangs on. Encrypts nothing
// itself: each purpose has a key of its own, derived from it.
//
// Owns      the key, in a Secret. Move-only.
// Affinity  none: immutable.
class MasterKey {
 public:
  // `digits` are 64 hexadecimal digits. The error is a sentence for people that begins with
  // `origin` (the name of the variable or the file); it never has a character of `digits` in it.
  [[nodiscard]] static std::expected<MasterKey, std::string> parse(std::string_view digits,
                                                                   std::string_view origin);
  // The same from a file, a line end behind the digits allowed. Refuses a file that anybody but its
  // owner may read or write (looser than 0600), one that is neither ours nor root's, and what is no
  // regular file.
  [[nodiscard]] static std::expected<MasterKey, std::string> read_file(const std::string& path);
  [[nodiscard]] static MasterKey generate();

  [[nodiscard]] const KeyId& id() const noexcept { return id_; }
  // The 64 digits, to be shown once or written to a key file.
  [[nodiscard]] Secret digits() const;

  // HKDF-Expand (RFC 5869 section 2.3, one block) under the master key with the purpose as info.
  // The extract step is left out, as 3.3 there allows: the master key is random, or as good as it
  // will get. Why not the master key itself: it sealed the predecessor's keys as it is, so nonces
  // of two programs would be drawn on one budget of 2^32, and what the one sealed could be passed
  // to the other. And a key check, which who guesses keys can try against, shares nothing with the
  // fields.
  [[nodiscard]] Secret derive(KeyPurpose purpose) const;

 private:
  explicit MasterKey(Secret key);
  Secret key_;
  KeyId id_;
};

}  // namespace sluice
