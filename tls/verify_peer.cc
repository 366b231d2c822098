#include "tls/verify_peer.h"

#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "tls/pem_file.h"

namespace sluice {
namespace {

constexpr std::size_t kNamesShownMax = 5;

// The peer's chain in parsed form, the server's own certificate first; null when it does not parse.
// Parsed for the check and dropped after it: a pooled connection keeps only the shared DER bytes.
bssl::UniquePtr<STACK_OF(X509)> parse_chain(const SSL* ssl) {
  const STACK_OF(CRYPTO_BUFFER)* const sent = SSL_get0_peer_certificates(ssl);
  bssl::UniquePtr<STACK_OF(X509)> chain(sk_X509_new_null());
  SL_ASSERT(chain != nullptr);
  for (std::size_t i = 0; sent != nullptr && i < sk_CRYPTO_BUFFER_num(sent); ++i) {
    bssl::UniquePtr<X509> parsed(X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(sent, i)));
    if (parsed == nullptr) return nullptr;
    SL_ASSERT(bssl::PushToStack(chain.get(), std::move(parsed)));
  }
  return chain;
}

// False when `name` is none that a certificate could be for, such as an empty one.
bool expect_name(X509_STORE_CTX& check, const PeerName& name) {
  X509_VERIFY_PARAM* const expected = X509_STORE_CTX_get0_param(&check);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (name.address_bytes != 0) {
    return X509_VERIFY_PARAM_set1_ip(expected, name.address.data(), name.address_bytes) == 1;
  }
  return !name.text.empty() &&
         X509_VERIFY_PARAM_set1_host(expected, name.text.data(), name.text.size()) == 1;
}

void add_names(const X509* certificate, FailureText& why) {
  const std::vector<std::string> names = names_of(certificate, true);
  if (names.empty()) {
    why.add("no name at all (its common name does not count, RFC 9525)");
    return;
  }
  const std::size_t shown = std::min(names.size(), kNamesShownMax);
  for (std::size_t i = 0; i < shown; ++i) why.add(i == 0 ? "" : ", ", names[i]);
  if (shown < names.size()) {
    why.add(" and ", std::to_string(names.size() - shown), " more");
  }
}

// Told by its names: the library calls it so only when the key may also sign certificates.
bool is_self_signed(const X509* certificate) {
  return certificate != nullptr &&
         X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

void add_untrusted(const X509* certificate, int depth, FailureText& why) {
  if (depth == 0 && is_self_signed(certificate)) {
    why.add("self-signed certificate (to trust it, name it in ca_file)");
    return;
  }
  why.add("issued by an authority that is not trusted");
  if (certificate != nullptr) {
    char issuer[160];
    X509_NAME_oneline(X509_get_issuer_name(certificate), issuer, sizeof issuer);
    why.add(": ", static_cast<const char*>(issuer));
  }
  why.add(
      " (a private authority is named in ca_file; or the server does not send its intermediate "
      "certificate)");
}

void add_reason(X509_STORE_CTX& check, FailureText& why) {
  const int code = X509_STORE_CTX_get_error(&check);
  const X509* const certificate = X509_STORE_CTX_get_current_cert(&check);
  switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      why.add(code == X509_V_ERR_HOSTNAME_MISMATCH ? "hostname" : "IP address",
              " mismatch: certificate is for ");
      add_names(X509_STORE_CTX_get0_cert(&check), why);
      return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      add_untrusted(certificate, X509_STORE_CTX_get_error_depth(&check), why);
      return;
    default:
      if (X509_STORE_CTX_get_error_depth(&check) > 0) why.add("its issuer: ");
      why.add(X509_verify_cert_error_string(code));
      return;
  }
}

}  // namespace

long verify_peer(const SSL* ssl, const TrustStore& trust, const PeerName& name, FailureText& why) {
  const auto chain = parse_chain(ssl);
  if (chain == nullptr || sk_X509_num(chain.get()) == 0) {
    ERR_clear_error();
    why.add(chain == nullptr ? "damaged: no valid X.509" : "none was sent");
    return X509_V_ERR_UNSPECIFIED;
  }
  const bssl::UniquePtr<X509_STORE_CTX> check(X509_STORE_CTX_new());
  SL_ASSERT(check != nullptr);
  const bool ready = X509_STORE_CTX_init(check.get(), trust.native(), sk_X509_value(chain.get(), 0),
                                         chain.get()) == 1 &&
                     X509_STORE_CTX_set_default(check.get(), "ssl_server") == 1;
  SL_ASSERT(ready);
  if (!expect_name(*check, name)) {
    why.add("not checked: \"", name.text, "\" is neither a host name nor an address");
    return X509_V_ERR_UNSPECIFIED;
  }
  long code = X509_V_OK;
  if (X509_verify_cert(check.get()) != 1) {
    code = X509_STORE_CTX_get_error(check.get());
    if (code == X509_V_OK) code = X509_V_ERR_UNSPECIFIED;
    add_reason(*check, why);
  }
  ERR_clear_error();
  return code;
}

}  // namespace sluice
