#include "tls/context_settings.h"

#include <openssl/ssl.h>

#include "base/assert.h"

namespace sluice {
namespace {

// RFC 9325, 4.2: ECDHE with AEAD. Suites in brackets are equals: a client without AES instructions
// may choose ChaCha20. TLS 1.3 has suites of its own, all of this kind.
constexpr const char* kSuites =
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]:"
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

// How long a TLS 1.2 session, and a TLS 1.3 one since its last full handshake, can be resumed. A
// certificate that is revoked or replaced is looked at again no later than this.
constexpr std::uint32_t kResumeSecondsMax = 2 * 60 * 60;

}  // namespace

SSL_CTX* new_tls_context() {
  // With buffers: certificates stay DER. The X509 forms, tens of KiB per chain, exist only while a
  // chain is checked (verify_peer.cc).
  SSL_CTX* const context = SSL_CTX_new(TLS_with_buffers_method());
  SL_ASSERT(context != nullptr);
  SL_ASSERT(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  SL_ASSERT(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1);
  SL_ASSERT(SSL_CTX_set_strict_cipher_list(context, kSuites) == 1);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_timeout(context, kResumeSecondsMax);
  SSL_CTX_set_session_psk_dhe_timeout(context, kResumeSecondsMax);
  return context;
}

}  // namespace sluice
