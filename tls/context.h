#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tls/trust.h"

struct crypto_buffer_pool_st;
struct ssl_ctx_st;

namespace sluice {

class SessionCache;

// Both contexts: TLS 1.2 and 1.3 only, forward-secret AEAD suites only (RFC 9325, 4.2), ALPN
// http/1.1 (RFC 7301), no renegotiation, no early data.

// ClientTlsContext - what the upstream connections of one shard have in common: settings and the
// sessions to resume.
//
// Owns      an SSL_CTX, a SessionCache, a reference to the default trust store. Move-only.
// Affinity  one shard.
// Lifetime  as long as the shard: every TlsSession made from it must be gone first (asserted).
//           A reload needs no new one: who is trusted is said per session (TlsPeer::trust).
class ClientTlsContext {
 public:
  // `trust`: the authorities for peers that name none of their own.
  [[nodiscard]] static std::expected<ClientTlsContext, std::string> create(TrustStore trust);

  ClientTlsContext(ClientTlsContext&& other) noexcept;
  ClientTlsContext& operator=(ClientTlsContext&& other) noexcept;
  ~ClientTlsContext();

  [[nodiscard]] const TrustStore& trust() const noexcept { return trust_; }
  [[nodiscard]] SessionCache& sessions() const noexcept { return *sessions_; }
  [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_; }

 private:
  explicit ClientTlsContext(TrustStore trust);
  TrustStore trust_;
  crypto_buffer_pool_st* certificates_ = nullptr;  // one copy of each certificate that peers send
  std::unique_ptr<SessionCache> sessions_;
  ssl_ctx_st* context_ = nullptr;
};

// The two PEM files of one server identity.
struct CertificateFiles {
  std::string certificate_file;  // the server's certificate, then its issuers
  std::string key_file;
};

// What a ServerTlsContext serves, for logs and metrics.
struct ServedCertificate {
  std::string certificate_file;
  std::vector<std::string> names;  // DNS names, lower case, wildcards as "*.example.com"
  std::int64_t not_after_unix_s;
};

// ServerTlsContext - the certificates of the listeners, chosen by the name that the client asks for
// (SNI, RFC 6066): an exact name first, then a wildcard for its first label, else the first pair.
//
// Owns      a reference to everything below it; a copy is one more reference. Sessions hold their
//           own, so that a reload builds a new context, swaps it in, and lets the old one go.
// Affinity  none: immutable, shared by all shards. That is what makes a ticket from one shard good
//           on every other. Ticket keys are the library's: random, rotated every two days, never
//           stored. A reload starts new ones, which costs each client one full handshake.
class ServerTlsContext {
 public:
  // Reads the files: not on a shard. The first of `pairs` is the default.
  [[nodiscard]] static std::expected<ServerTlsContext, std::string> create(
      std::span<const CertificateFiles> pairs);

  ServerTlsContext(const ServerTlsContext& other) noexcept;
  ServerTlsContext(ServerTlsContext&& other) noexcept;
  ServerTlsContext& operator=(ServerTlsContext other) noexcept;
  ~ServerTlsContext();

  // In the order of the pairs.
  [[nodiscard]] std::span<const ServedCertificate> certificates() const noexcept;
  [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_; }

 private:
  explicit ServerTlsContext(ssl_ctx_st* context) noexcept : context_(context) {}
  ssl_ctx_st* context_;
};

}  // namespace sluice
