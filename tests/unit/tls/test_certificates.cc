#include "tests/unit/tls/test_certificates.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cipher.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "base/assert.h"

namespace sluice {
namespace {

using Key = bssl::UniquePtr<EVP_PKEY>;
using Certificate = bssl::UniquePtr<X509>;

Key make_key(bool rsa) {
  Key key(EVP_PKEY_new());
  if (rsa) {
    bssl::UniquePtr<RSA> pair(RSA_new());
    bssl::UniquePtr<BIGNUM> exponent(BN_new());
    SL_ASSERT(BN_set_word(exponent.get(), RSA_F4) == 1);
    SL_ASSERT(RSA_generate_key_ex(pair.get(), 2048, exponent.get(), nullptr) == 1);
    SL_ASSERT(EVP_PKEY_set1_RSA(key.get(), pair.get()) == 1);
  } else {
    bssl::UniquePtr<EC_KEY> pair(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
    SL_ASSERT(EC_KEY_generate_key(pair.get()) == 1);
    SL_ASSERT(EVP_PKEY_set1_EC_KEY(key.get(), pair.get()) == 1);
  }
  return key;
}

void set_common_name(X509_NAME* name, const std::string& text) {
  SL_ASSERT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const std::uint8_t*>(text.data()),
                                       static_cast<int>(text.size()), -1, 0) == 1);
}

void add_extension(X509& certificate, int nid, const std::string& value) {
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value.c_str()));
  SL_ASSERT(extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1);
}

// The certificate but for its issuer and signature.
Certificate new_certificate(EVP_PKEY* key, const std::string& common_name,
                            std::int64_t not_before_s, std::int64_t not_after_s) {
  Certificate certificate(X509_new());
  SL_ASSERT(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  std::uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<std::uint8_t*>(&serial), sizeof serial);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial >> 1 | 1);
  const std::time_t now = std::time(nullptr);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), now + not_before_s);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), now + not_after_s);
  set_common_name(X509_get_subject_name(certificate.get()), common_name);
  SL_ASSERT(X509_set_pubkey(certificate.get(), key) == 1);
  return certificate;
}

// Names the keys (RFC 5280, 4.2.1.1 and 4.2.1.2): strict clients, Python's since 3.13, insist.
void add_key_identifiers(X509& certificate, X509& issuer) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  for (const auto& [nid, value] : {std::pair{NID_subject_key_identifier, "hash"},
                                   std::pair{NID_authority_key_identifier, "keyid:always"}}) {
    const bssl::UniquePtr<X509_EXTENSION> extension(
        X509V3_EXT_nconf_nid(nullptr, &context, nid, value));
    SL_ASSERT(extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1);
  }
}

void sign(X509& certificate, X509& issuer, EVP_PKEY* issuer_key) {
  add_key_identifiers(certificate, issuer);
  SL_ASSERT(X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer)) == 1);
  SL_ASSERT(X509_sign(&certificate, issuer_key, EVP_sha256()) > 0);
}

template <class Write>
std::string pem_of(Write write) {
  const bssl::UniquePtr<BIO> memory(BIO_new(BIO_s_mem()));
  SL_ASSERT(write(memory.get()) == 1);
  const std::uint8_t* bytes = nullptr;
  std::size_t count = 0;
  SL_ASSERT(BIO_mem_contents(memory.get(), &bytes, &count) == 1);
  return {reinterpret_cast<const char*>(bytes), count};
}

std::string pem_of_certificate(X509* certificate) {
  return pem_of([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string pem_of_key(EVP_PKEY* key) {
  return pem_of([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string alternative_names(const LeafSpec& spec) {
  std::string names;
  for (const std::string& name : spec.dns_names) names += ",DNS:" + name;
  for (const std::string& address : spec.addresses) names += ",IP:" + address;
  return names.empty() ? names : names.substr(1);
}

Certificate new_leaf(const LeafSpec& spec, EVP_PKEY* key) {
  Certificate leaf = new_certificate(key, spec.common_name, spec.not_before_s, spec.not_after_s);
  add_extension(*leaf, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(*leaf, NID_key_usage, "critical,digitalSignature");
  add_extension(*leaf, NID_ext_key_usage, spec.for_servers ? "serverAuth" : "clientAuth");
  if (const std::string names = alternative_names(spec); !names.empty()) {
    add_extension(*leaf, NID_subject_alt_name, names);
  }
  return leaf;
}

}  // namespace

struct TestAuthority::Identity {
  Key key;
  Certificate certificate;
};

TestAuthority::TestAuthority(std::string_view common_name, const TestAuthority* parent)
    : identity_(std::make_unique<Identity>()), intermediate_(parent != nullptr) {
  identity_->key = make_key(false);
  identity_->certificate =
      new_certificate(identity_->key.get(), std::string(common_name), -86400, 365 * 86400);
  add_extension(*identity_->certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(*identity_->certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  const Identity& issuer = intermediate_ ? *parent->identity_ : *identity_;
  sign(*identity_->certificate, *issuer.certificate, issuer.key.get());
}

TestAuthority::~TestAuthority() = default;

std::string TestAuthority::certificate_pem() const {
  return pem_of_certificate(identity_->certificate.get());
}

PemPair TestAuthority::issue(const LeafSpec& spec) const {
  const Key key = make_key(spec.rsa);
  const Certificate leaf = new_leaf(spec, key.get());
  sign(*leaf, *identity_->certificate, identity_->key.get());
  PemPair pair{.certificate = pem_of_certificate(leaf.get()), .key = pem_of_key(key.get())};
  if (intermediate_) pair.certificate += certificate_pem();
  return pair;
}

PemPair self_signed(const LeafSpec& spec) {
  const Key key = make_key(spec.rsa);
  const Certificate leaf = new_leaf(spec, key.get());
  sign(*leaf, *leaf, key.get());
  return {.certificate = pem_of_certificate(leaf.get()), .key = pem_of_key(key.get())};
}

std::string encrypted_key(const PemPair& pair, std::string_view pass_phrase) {
  const bssl::UniquePtr<BIO> in(
      BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size())));
  const Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  std::string phrase(pass_phrase);
  return pem_of([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key.get(), EVP_aes_256_cbc(), phrase.data(),
                                         static_cast<int>(phrase.size()), nullptr, nullptr);
  });
}

}  // namespace sluice
