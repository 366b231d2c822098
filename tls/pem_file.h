#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

struct crypto_buffer_st;
struct evp_pkey_st;
struct x509_st;

namespace sluice {

// Reading certificates and keys from files. Not for a shard: these calls block on the disk. Every
// message names the file, the reason and, where there is one, the way out.

// The whole file, at most 16 MiB.
[[nodiscard]] std::expected<std::string, std::string> read_pem_file(const std::string& path);

// CertificatePair - a certificate chain and the private key of its first certificate.
//
// Owns      references to the parsed forms. Move-only.
// Affinity  none: immutable after load_certificate_pair().
class CertificatePair {
 public:
  CertificatePair() = default;
  ~CertificatePair();
  CertificatePair(CertificatePair&& other) noexcept;
  CertificatePair& operator=(CertificatePair&& other) noexcept;
  CertificatePair(const CertificatePair&) = delete;
  CertificatePair& operator=(const CertificatePair&) = delete;

  std::vector<crypto_buffer_st*> chain;  // DER, the server's own certificate first
  evp_pkey_st* key = nullptr;
  std::vector<std::string> names;  // DNS names of the first certificate, lower case
  std::int64_t not_after_unix_s = 0;
};

[[nodiscard]] std::expected<CertificatePair, std::string> load_certificate_pair(
    const std::string& certificate_file, const std::string& key_file);

// The DNS names and IP addresses that `certificate` is for, in its order, as text; DNS names in
// lower case. IP addresses only when `with_addresses`.
[[nodiscard]] std::vector<std::string> names_of(const x509_st* certificate, bool with_addresses);

// Seconds since 1970 of the end of `certificate`; the largest number when it cannot be told.
[[nodiscard]] std::int64_t not_after_of(const x509_st* certificate);

}  // namespace sluice
