#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "store/vault/master_key.h"

namespace sluice {

// FieldRef - where a sealed value belongs. All of it is authenticated: a value that is moved to
// another table, record, field or revision does not open.
struct FieldRef {
  std::string_view table;
  std::string_view record;  // its id
  std::string_view field;
  // Of the record, kept in it in clear and raised by each change of the field.
  std::uint64_t revision = 0;

  // `accounts "bkd_1" api_key`, for messages.
  [[nodiscard]] std::string text() const;
};

enum class VaultFault : std::uint8_t {
  kWrongLength,     // shorter than an empty value would be, or longer than the longest: cut, or no
                    // sealed value at all
  kUnknownVersion,  // of the format: written by a newer sluice, or damaged
  kOtherKey,        // sealed under another master key, or the id of the key is damaged
  kNotAuthentic,    // damaged, or sealed for another table, record, field or revision
};

struct VaultFailure {
  VaultFault fault = VaultFault::kNotAuthentic;
  std::uint8_t version = 0;  // the one that stands in the value; 0 when it has none
  KeyId sealed_under;        // kOtherKey
  KeyId wanted;              // the vault's own

  // One line for people: what cannot be read, why, and what helps.
  [[nodiscard]] std::string text(const FieldRef& ref) const;
};

// The longest clear value: 16 times the longest API key, and less than a page of any database.
inline constexpr std::size_t kClearBytesMax = 64 * 1024;

// Vault - seals single fields of records: AES-256-GCM under a key derived from the master key.
//
// A sealed value is, in this order:
//     1 byte    version of the format, 1
//     8 bytes   id of the master key
//    12 bytes   nonce, random: 2^32 values under one master key are fine (tls/aead.h), a change of
//               a provider's key each second for 136 years
//     n bytes   what was sealed, encrypted, and 16 bytes of tag
// Authenticated with it: the first 9 bytes, then table, record and field, each behind its length
// (so that "ab","c" is not "a","bc"), and the revision.
//
// What this does not see: a whole record that is put back as it once was, revision and all, or a
// whole database from a backup. The revision makes an older value of a field useless in the newer
// record; that the record itself is the newest, only somebody outside of the file could know.
//
// The nonce comes from tls/random.h and cannot be injected: one that stands twice under a key gives
// the key's authentication away.
//
// Owns      its key, in a Secret. Move-only.
// Affinity  none: immutable; several threads may use it.
class Vault {
 public:
  explicit Vault(const MasterKey& key, KeyPurpose purpose = KeyPurpose::kFields);

  // `clear` has at most kClearBytesMax bytes.
  [[nodiscard]] std::string seal(const FieldRef& ref, std::string_view clear) const;
  // Decrypts straight into the Secret's own pages.
  [[nodiscard]] std::expected<Secret, VaultFailure> open(const FieldRef& ref,
                                                         std::string_view sealed) const;
  [[nodiscard]] const KeyId& key_id() const noexcept { return key_id_; }

  // The key that `sealed` says it was sealed under; nothing when it is no value of this format.
  // Not authenticated.
  [[nodiscard]] static std::optional<KeyId> sealed_under(std::string_view sealed) noexcept;

 private:
  [[nodiscard]] VaultFailure failure(VaultFault fault, std::string_view sealed) const noexcept;
  Secret key_;
  KeyId key_id_;
};

}  // namespace sluice
