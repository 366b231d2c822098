#include "store/vault/vault.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "tls/aead.h"
#include "tls/random.h"

namespace sluice {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeaderBytes = 1 + sizeof(KeyId::bytes);
constexpr std::size_t kPrefixBytes = kHeaderBytes + kAeadNonceBytes;
constexpr std::size_t kSealedBytesMin = kPrefixBytes + kAeadTagBytes;

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 0xff);
}

void append_part(std::string& out, std::string_view part) {
  append_big_endian(out, part.size(), 4);
  out += part;
}

std::string associated_data(std::string_view header, const FieldRef& ref) {
  std::string out(header);
  append_part(out, ref.table);
  append_part(out, ref.record);
  append_part(out, ref.field);
  append_big_endian(out, ref.revision, 8);
  return out;
}

AeadKey aead_key(const Secret& key) { return AeadKey(key.reveal().data(), kAeadKeyBytes); }

AeadNonce nonce_of(std::string_view sealed) {
  return AeadNonce(sealed.data() + kHeaderBytes, kAeadNonceBytes);
}

KeyId key_id_of(std::string_view sealed) noexcept {
  KeyId id;
  std::copy_n(sealed.begin() + 1, id.bytes.size(), id.bytes.begin());
  return id;
}

}  // namespace

std::string FieldRef::text() const {
  std::string out(table);
  return out.append(" \"").append(record).append("\" ").append(field);
}

Vault::Vault(const MasterKey& key, KeyPurpose purpose)
    : key_(key.derive(purpose)), key_id_(key.id()) {}

std::string Vault::seal(const FieldRef& ref, std::string_view clear) const {
  SL_ASSERT(clear.size() <= kClearBytesMax);
  std::string sealed(kSealedBytesMin + clear.size(), '\0');
  sealed[0] = kVersion;
  std::ranges::copy(key_id_.bytes, sealed.begin() + 1);
  const std::span<char> all(sealed);
  random_fill(all.subspan(kHeaderBytes, kAeadNonceBytes));
  const std::string associated =
      associated_data(std::string_view(sealed).substr(0, kHeaderBytes), ref);
  aead_seal(aead_key(key_), nonce_of(sealed), associated, clear, all.subspan(kPrefixBytes));
  return sealed;
}

std::expected<Secret, VaultFailure> Vault::open(const FieldRef& ref,
                                                std::string_view sealed) const {
  // The version first: what another one looks like is not known here.
  if (!sealed.empty() && sealed[0] != kVersion)
    return std::unexpected(failure(VaultFault::kUnknownVersion, sealed));
  if (sealed.size() < kSealedBytesMin || sealed.size() > kSealedBytesMin + kClearBytesMax)
    return std::unexpected(failure(VaultFault::kWrongLength, sealed));
  if (key_id_of(sealed) != key_id_) return std::unexpected(failure(VaultFault::kOtherKey, sealed));
  const std::string associated = associated_data(sealed.substr(0, kHeaderBytes), ref);
  bool authentic = false;
  Secret clear = Secret::written(sealed.size() - kSealedBytesMin, [&](std::span<char> out) {
    authentic =
        aead_open(aead_key(key_), nonce_of(sealed), associated, sealed.substr(kPrefixBytes), out);
  });
  if (!authentic) return std::unexpected(failure(VaultFault::kNotAuthentic, sealed));
  return clear;
}

std::optional<KeyId> Vault::sealed_under(std::string_view sealed) noexcept {
  if (sealed.size() < kSealedBytesMin || sealed[0] != kVersion) return std::nullopt;
  return key_id_of(sealed);
}

VaultFailure Vault::failure(VaultFault fault, std::string_view sealed) const noexcept {
  VaultFailure out{.fault = fault, .version = 0, .sealed_under = {}, .wanted = key_id_};
  if (!sealed.empty()) out.version = static_cast<std::uint8_t>(sealed[0]);
  if (fault == VaultFault::kOtherKey) out.sealed_under = key_id_of(sealed);
  return out;
}

std::string VaultFailure::text(const FieldRef& ref) const {
  const std::string what = ref.text() + " cannot be decrypted: ";
  switch (fault) {
    case VaultFault::kWrongLength:
      return what +
             "it has not the length of a sealed value; it was cut, or the database is "
             "damaged. Set it anew, or restore a backup";
    case VaultFault::kUnknownVersion:
      return what + "its format has the version " + std::to_string(version) +
             ", which this sluice does not know; it was written by a newer one, or is damaged";
    case VaultFault::kOtherKey:
      return what + "it was sealed under the master key " + sealed_under.text() + ", and this is " +
             wanted.text() + "; start with the key it was sealed under, or finish the rotation";
    case VaultFault::kNotAuthentic:
      return what +
             "it is damaged, or was moved here from another record, field or revision. Set "
             "it anew, or restore a backup";
  }
  return what;
}

}  // namespace sluice
