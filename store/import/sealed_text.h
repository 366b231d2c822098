#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "store/vault/master_key.h"
#include "tls/aead.h"

namespace sluice {

// SealedText - an API key as the predecessor kept it: `nonce:ciphertext`, both in hexadecimal or
// both in base64 (of either alphabet, with or without '='), the tag behind the ciphertext.
struct SealedText {
  std::string nonce;   // kAeadNonceBytes
  std::string sealed;  // at least kAeadTagBytes
};

enum class SealedTextFault : std::uint8_t {
  kEmpty,      // the predecessor emptied its keys when its own key had changed (COMPAT, fault 19)
  kNotSealed,  // no ':' in it: perhaps a key in clear
  kBadNonce,   // neither hexadecimal nor base64 of 12 bytes
  kBadCiphertext,  // not in the encoding of the nonce, or shorter than a tag
  kDoesNotOpen,    // another key, or damaged: GCM does not tell which
};

// "is empty", "does not open with this key": follows the name of what is meant. Static.
[[nodiscard]] std::string_view sealed_text_fault_text(SealedTextFault fault) noexcept;

// The lengths of 12 bytes differ (24 digits, 16 characters), so the nonce tells the encoding of
// both; guessing each by itself would take a base64 text of hex letters for hexadecimal.
[[nodiscard]] std::expected<SealedText, SealedTextFault> parse_sealed_text(std::string_view text);

// Opens `text` with the predecessor's key, which it used as it is: AES-256-GCM, no associated data.
[[nodiscard]] std::expected<Secret, SealedTextFault> open_sealed_text(const Secret& raw_key,
                                                                      std::string_view text);

// The 32 bytes of `key`, for open_sealed_text() alone.
[[nodiscard]] Secret raw_key_of(const MasterKey& key);

}  // namespace sluice
