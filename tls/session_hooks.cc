#include "tls/session_hooks.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "tls/session.h"
#include "tls/verify_peer.h"

namespace sluice {
namespace {

long transport_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;  // written is flushed: the caller sends
}

int transport_create(BIO* transport) {
  BIO_set_init(transport, 1);
  return 1;
}

// One for the process, never freed.
const BIO_METHOD* transport_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "sluice transport");
    SL_ASSERT(made != nullptr);
    BIO_meth_set_create(made, transport_create);
    BIO_meth_set_read(made, TlsSessionHooks::transport_read);
    BIO_meth_set_write(made, TlsSessionHooks::transport_write);
    BIO_meth_set_ctrl(made, transport_control);
    return made;
  }();
  return method;
}

}  // namespace

BIO* TlsSessionHooks::new_transport(TlsSession& session) {
  BIO* const transport = BIO_new(transport_method());
  SL_ASSERT(transport != nullptr);
  BIO_set_data(transport, &session);
  return transport;
}

TlsSession& TlsSessionHooks::session_of(const SSL* ssl) noexcept {
  return *static_cast<TlsSession*>(BIO_get_data(SSL_get_rbio(ssl)));
}

int TlsSessionHooks::transport_read(BIO* transport, char* out, int bytes_max) {
  auto& session = *static_cast<TlsSession*>(BIO_get_data(transport));
  BIO_clear_retry_flags(transport);
  if (session.input_.empty()) {
    if (session.input_ended_) return 0;
    BIO_set_retry_read(transport);
    return -1;
  }
  const std::size_t bytes =
      std::min(session.input_.size(), static_cast<std::size_t>(std::max(bytes_max, 0)));
  std::memcpy(out, session.input_.data(), bytes);
  session.input_ = session.input_.subspan(bytes);
  return static_cast<int>(bytes);
}

int TlsSessionHooks::transport_write(BIO* transport, const char* bytes, int count) {
  auto& session = *static_cast<TlsSession*>(BIO_get_data(transport));
  BIO_clear_retry_flags(transport);
  if (count <= 0) return 0;
  session.output_.append_copy({bytes, static_cast<std::size_t>(count)});
  return count;
}

bool TlsSessionHooks::verify(SSL* ssl, std::uint8_t* alert) {
  TlsSession& session = session_of(ssl);
  SL_ASSERT(session.peer_ != nullptr);
  const SessionCache::Peer& peer = *session.peer_;
  FailureText reason(session.failure_.pool());
  const long code = verify_peer(ssl, peer.trust, peer.name, reason);
  if (code == 0) return true;
  session.untrusted_ = true;
  session.failure_.add("certificate of ", peer.name.text, ": ", reason.view());
  *alert = static_cast<std::uint8_t>(SSL_alert_from_verify_result(code));
  return false;
}

void TlsSessionHooks::keep(SSL* ssl, SSL_SESSION* session) {
  SessionCache::put(*session_of(ssl).peer_, session);
}

void TlsSessionHooks::note_version(SSL* ssl, std::uint16_t version) noexcept {
  session_of(ssl).peer_version_ = version;
}

}  // namespace sluice
