#include "tls/trust.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/assert.h"
#include "tls/pem_file.h"

namespace sluice {
namespace {

constexpr const char* kSystemBundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",              // openSUSE
    "/etc/ssl/cert.pem",                   // Alpine
};

}  // namespace

TrustStore::TrustStore(const TrustStore& other) noexcept
    : store_(other.store_), authorities_(other.authorities_) {
  if (store_ != nullptr) X509_STORE_up_ref(store_);
}

TrustStore::TrustStore(TrustStore&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)), authorities_(other.authorities_) {}

TrustStore& TrustStore::operator=(TrustStore other) noexcept {
  std::swap(store_, other.store_);
  std::swap(authorities_, other.authorities_);
  return *this;
}

TrustStore::~TrustStore() { X509_STORE_free(store_); }

TrustStore TrustStore::none() {
  TrustStore trust;
  trust.store_ = X509_STORE_new();
  SL_ASSERT(trust.store_ != nullptr);
  return trust;
}

std::expected<TrustStore, std::string> TrustStore::load(const std::string& path,
                                                        unsigned long flags) {
  auto text = read_pem_file(path);
  if (!text) return std::unexpected(std::move(text.error()));
  TrustStore trust = none();
  // Without TRUSTED_FIRST a chain that also leads to an expired authority would fail.
  X509_STORE_set_flags(trust.store_, X509_V_FLAG_TRUSTED_FIRST | flags);
  const bssl::UniquePtr<BIO> reader(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  while (X509* const read = PEM_read_bio_X509_AUX(reader.get(), nullptr, nullptr, nullptr)) {
    const bssl::UniquePtr<X509> certificate(read);
    if (X509_STORE_add_cert(trust.store_, read) == 1) ++trust.authorities_;
  }
  ERR_clear_error();
  if (trust.authorities_ == 0) {
    return std::unexpected(path +
                           ": no certificate in the file; it must hold PEM text with a line "
                           "\"-----BEGIN CERTIFICATE-----\" for each authority to trust");
  }
  return trust;
}

std::expected<TrustStore, std::string> TrustStore::system() {
  if (const char* const named = std::getenv("SSL_CERT_FILE"); named != nullptr && *named != '\0') {
    auto trust = load(named, 0);
    if (trust) return trust;
    return std::unexpected("SSL_CERT_FILE names " + trust.error());
  }
  for (const char* const path : kSystemBundles) {
    if (access(path, R_OK) == 0) return load(path, 0);
  }
  return std::unexpected(std::string(kSystemBundles[0]) +
                         ": not found, nor a bundle of another distribution; install the package "
                         "ca-certificates, or name a file with SSL_CERT_FILE or ca_file");
}

std::expected<TrustStore, std::string> TrustStore::from_file(const std::string& path) {
  return load(path, X509_V_FLAG_PARTIAL_CHAIN);
}

}  // namespace sluice
