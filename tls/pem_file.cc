#include "tls/pem_file.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>
#include <utility>

namespace sluice {
namespace {

constexpr std::size_t kFileBytesMax = 16u << 20;

using Certificates = std::vector<bssl::UniquePtr<X509>>;

bssl::UniquePtr<BIO> reader_of(const std::string& text) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Says no to every question for a pass phrase: a server that starts unattended has nobody to ask.
int refuse_pass_phrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return 0;
}

std::expected<Certificates, std::string> load_chain(const std::string& path) {
  auto text = read_pem_file(path);
  if (!text) return std::unexpected(std::move(text.error()));
  const auto reader = reader_of(*text);
  Certificates chain;
  while (X509* const one = PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) {
    chain.emplace_back(one);
  }
  const std::uint32_t stopped_by = ERR_peek_last_error();
  ERR_clear_error();
  const bool at_end =
      ERR_GET_LIB(stopped_by) == ERR_LIB_PEM && ERR_GET_REASON(stopped_by) == PEM_R_NO_START_LINE;
  if (!at_end) {
    return std::unexpected(path + ": certificate number " + std::to_string(chain.size() + 1) +
                           " in the file is damaged; copy the PEM file again");
  }
  if (chain.empty()) {
    return std::unexpected(path +
                           ": no certificate in the file; it must hold PEM text with a line "
                           "\"-----BEGIN CERTIFICATE-----\", the server's own certificate first");
  }
  return chain;
}

std::expected<bssl::UniquePtr<EVP_PKEY>, std::string> load_key(const std::string& path) {
  auto text = read_pem_file(path);
  if (!text) return std::unexpected(std::move(text.error()));
  const auto reader = reader_of(*text);
  bool asked = false;
  bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(reader.get(), nullptr, refuse_pass_phrase, &asked));
  OPENSSL_cleanse(text->data(), text->size());
  ERR_clear_error();
  if (key != nullptr) return key;
  if (asked) {
    return std::unexpected(path +
                           ": the private key is encrypted; store it without a pass phrase "
                           "(openssl pkey -in old.pem -out new.pem) and protect the file by its "
                           "mode, 0600");
  }
  return std::unexpected(path +
                         ": no usable private key in the file; it must hold PEM text with a line "
                         "\"-----BEGIN PRIVATE KEY-----\" (RSA, ECDSA or Ed25519)");
}

bool belongs_to(const X509& certificate, const EVP_PKEY& key) {
  const bssl::UniquePtr<EVP_PKEY> own(X509_get_pubkey(const_cast<X509*>(&certificate)));
  const bool same = own != nullptr && EVP_PKEY_cmp(own.get(), &key) == 1;
  ERR_clear_error();
  return same;
}

std::string mismatch_text(const Certificates& chain, const EVP_PKEY& key,
                          const std::string& certificate_file, const std::string& key_file) {
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (belongs_to(*chain[i], key)) {
      return certificate_file + ": the certificate of key " + key_file + " is number " +
             std::to_string(i + 1) + " in the file; move it to the front, the issuers follow it";
    }
  }
  return key_file + ": the private key does not belong to the certificate in " + certificate_file +
         "; name the two files of one pair";
}

std::string text_of_address(const ASN1_STRING& address) {
  char text[INET6_ADDRSTRLEN];
  const int bytes = ASN1_STRING_length(&address);
  if (bytes != 4 && bytes != 16) return {};
  const char* const done = inet_ntop(bytes == 4 ? AF_INET : AF_INET6,
                                     ASN1_STRING_get0_data(&address), text, sizeof text);
  return done == nullptr ? std::string() : std::string(text);
}

}  // namespace

CertificatePair::~CertificatePair() {
  for (CRYPTO_BUFFER* const one : chain) CRYPTO_BUFFER_free(one);
  EVP_PKEY_free(key);
}

CertificatePair::CertificatePair(CertificatePair&& other) noexcept
    : chain(std::exchange(other.chain, {})),
      key(std::exchange(other.key, nullptr)),
      names(std::move(other.names)),
      not_after_unix_s(other.not_after_unix_s) {}

CertificatePair& CertificatePair::operator=(CertificatePair&& other) noexcept {
  std::swap(chain, other.chain);
  std::swap(key, other.key);
  std::swap(names, other.names);
  std::swap(not_after_unix_s, other.not_after_unix_s);
  return *this;
}

std::expected<std::string, std::string> read_pem_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (file == nullptr) {
    const int cause = errno;
    std::string text = path + ": cannot be opened: " + std::strerror(cause);
    if (cause == EACCES) text += "; let the user that runs sluice read it";
    return std::unexpected(std::move(text));
  }
  std::string text;
  char part[16384];
  while (const std::size_t bytes = std::fread(part, 1, sizeof part, file.get())) {
    text.append(part, bytes);
    if (text.size() > kFileBytesMax) {
      return std::unexpected(path + ": larger than 16 MiB, which no PEM file is");
    }
  }
  OPENSSL_cleanse(part, sizeof part);
  if (std::ferror(file.get()) != 0) {
    return std::unexpected(path + ": cannot be read: " + std::strerror(errno));
  }
  return text;
}

std::expected<CertificatePair, std::string> load_certificate_pair(
    const std::string& certificate_file, const std::string& key_file) {
  auto chain = load_chain(certificate_file);
  if (!chain) return std::unexpected(std::move(chain.error()));
  auto key = load_key(key_file);
  if (!key) return std::unexpected(std::move(key.error()));
  if (!belongs_to(*chain->front(), **key)) {
    return std::unexpected(mismatch_text(*chain, **key, certificate_file, key_file));
  }
  CertificatePair pair;
  for (const auto& certificate : *chain) {
    std::uint8_t* der = nullptr;
    const int bytes = i2d_X509(certificate.get(), &der);
    if (bytes <= 0) return std::unexpected(certificate_file + ": a certificate is damaged");
    pair.chain.push_back(CRYPTO_BUFFER_new(der, static_cast<std::size_t>(bytes), nullptr));
    OPENSSL_free(der);
  }
  pair.key = key->release();
  pair.names = names_of(chain->front().get(), false);
  pair.not_after_unix_s = not_after_of(chain->front().get());
  return pair;
}

std::vector<std::string> names_of(const X509* certificate, bool with_addresses) {
  std::vector<std::string> names;
  const bssl::UniquePtr<GENERAL_NAMES> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (std::size_t i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME& name = *sk_GENERAL_NAME_value(all.get(), i);
    std::string text;
    if (name.type == GEN_DNS) {
      text.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.dNSName)),
                  static_cast<std::size_t>(ASN1_STRING_length(name.d.dNSName)));
      std::transform(text.begin(), text.end(), text.begin(), [](char byte) {
        return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte;
      });
    } else if (name.type == GEN_IPADD && with_addresses) {
      text = text_of_address(*name.d.iPAddress);
    }
    if (!text.empty()) names.push_back(std::move(text));
  }
  ERR_clear_error();
  return names;
}

std::int64_t not_after_of(const X509* certificate) {
  const bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (epoch == nullptr ||
      ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate)) != 1) {
    ERR_clear_error();
    return std::numeric_limits<std::int64_t>::max();
  }
  return std::int64_t{days} * 86400 + seconds;
}

}  // namespace sluice
