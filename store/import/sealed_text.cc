#include "store/import/sealed_text.h"

#include "parser/base64.h"
#include "tls/digest.h"

namespace sluice {
namespace {

constexpr std::size_t kHexNonceDigits = 2 * kAeadNonceBytes;

std::optional<std::string> decode_hex(std::string_view text) {
  std::string bytes(text.size() / 2, '\0');
  if (!parse_hex(text, bytes)) return std::nullopt;
  return bytes;
}

}  // namespace

std::string_view sealed_text_fault_text(SealedTextFault fault) noexcept {
  switch (fault) {
    case SealedTextFault::kEmpty: return "is empty (the predecessor lost it)";
    case SealedTextFault::kNotSealed: return "is not of the form nonce:ciphertext";
    case SealedTextFault::kBadNonce: return "has a nonce that is not 12 bytes in hex or base64";
    case SealedTextFault::kBadCiphertext:
      return "has a ciphertext that is cut or not in the encoding of its nonce";
    case SealedTextFault::kDoesNotOpen: return "does not open with this key, or is damaged";
  }
  return {};
}

std::expected<SealedText, SealedTextFault> parse_sealed_text(std::string_view text) {
  if (text.empty()) return std::unexpected(SealedTextFault::kEmpty);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::unexpected(SealedTextFault::kNotSealed);
  const std::string_view nonce = text.substr(0, colon), sealed = text.substr(colon + 1);
  const bool hex = nonce.size() == kHexNonceDigits;
  auto nonce_bytes = hex ? decode_hex(nonce) : decode_base64(nonce);
  if (!nonce_bytes || nonce_bytes->size() != kAeadNonceBytes)
    return std::unexpected(SealedTextFault::kBadNonce);
  auto sealed_bytes = hex ? decode_hex(sealed) : decode_base64(sealed);
  if (!sealed_bytes || sealed_bytes->size() < kAeadTagBytes)
    return std::unexpected(SealedTextFault::kBadCiphertext);
  return SealedText{std::move(*nonce_bytes), std::move(*sealed_bytes)};
}

std::expected<Secret, SealedTextFault> open_sealed_text(const Secret& raw_key,
                                                        std::string_view text) {
  const auto parsed = parse_sealed_text(text);
  if (!parsed) return std::unexpected(parsed.error());
  bool authentic = false;
  Secret clear = Secret::written(parsed->sealed.size() - kAeadTagBytes, [&](std::span<char> out) {
    authentic =
        aead_open(AeadKey(raw_key.reveal().data(), kAeadKeyBytes),
                  AeadNonce(parsed->nonce.data(), kAeadNonceBytes), "", parsed->sealed, out);
  });
  if (!authentic) return std::unexpected(SealedTextFault::kDoesNotOpen);
  return clear;
}

Secret raw_key_of(const MasterKey& key) {
  const Secret digits = key.digits();
  return Secret::written(kMasterKeyBytes, [&](std::span<char> bytes) {
    static_cast<void>(parse_hex(digits.reveal(), bytes));
  });
}

}  // namespace sluice
