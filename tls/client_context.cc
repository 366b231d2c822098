#include <openssl/pool.h>
#include <openssl/ssl.h>

#include <utility>

#include "base/assert.h"
#include "tls/context.h"
#include "tls/context_settings.h"
#include "tls/session_cache.h"
#include "tls/session_hooks.h"

namespace sluice {
namespace {

constexpr std::uint8_t kAlpnHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

ssl_verify_result_t verify(SSL* ssl, std::uint8_t* alert) {
  return TlsSessionHooks::verify(ssl, alert) ? ssl_verify_ok : ssl_verify_invalid;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  TlsSessionHooks::keep(ssl, session);
  return 1;  // the reference is ours now
}

// A ServerHello names its version in bytes 4 and 5 (RFC 5246, 7.4.1.3); TLS 1.3 says 1.2 there.
void note_server_hello(int is_write, int, int content_type, const void* bytes, std::size_t count,
                       SSL* ssl, void*) {
  const auto* const message = static_cast<const std::uint8_t*>(bytes);
  if (is_write != 0 || content_type != SSL3_RT_HANDSHAKE || count < 6) return;
  if (message[0] != SSL3_MT_SERVER_HELLO) return;
  TlsSessionHooks::note_version(ssl, static_cast<std::uint16_t>(message[4] << 8 | message[5]));
}

}  // namespace

std::expected<ClientTlsContext, std::string> ClientTlsContext::create(TrustStore trust) {
  ClientTlsContext made(std::move(trust));
  made.certificates_ = CRYPTO_BUFFER_POOL_new();
  made.context_ = new_tls_context();
  SSL_CTX* const context = made.context_;
  SSL_CTX_set0_buffer_pool(context, made.certificates_);
  SSL_CTX_set_custom_verify(context, SSL_VERIFY_PEER, verify);
  SL_ASSERT(SSL_CTX_set_alpn_protos(context, kAlpnHttp11, sizeof kAlpnHttp11) == 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  SSL_CTX_set_msg_callback(context, note_server_hello);
  return made;
}

ClientTlsContext::ClientTlsContext(TrustStore trust)
    : trust_(std::move(trust)), sessions_(std::make_unique<SessionCache>()) {}

ClientTlsContext::ClientTlsContext(ClientTlsContext&& other) noexcept
    : trust_(other.trust_),
      certificates_(std::exchange(other.certificates_, nullptr)),
      sessions_(std::move(other.sessions_)),
      context_(std::exchange(other.context_, nullptr)) {}

ClientTlsContext& ClientTlsContext::operator=(ClientTlsContext&& other) noexcept {
  std::swap(trust_, other.trust_);
  std::swap(certificates_, other.certificates_);
  std::swap(sessions_, other.sessions_);
  std::swap(context_, other.context_);
  return *this;
}

ClientTlsContext::~ClientTlsContext() {
  // Sessions before the pool that their certificates live in.
  sessions_.reset();
  SSL_CTX_free(context_);
  CRYPTO_BUFFER_POOL_free(certificates_);
}

}  // namespace sluice
