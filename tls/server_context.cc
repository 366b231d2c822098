#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "tls/context.h"
#include "tls/context_settings.h"
#include "tls/pem_file.h"
#include "tls/server_names.h"
#include "tls/session_hooks.h"

namespace sluice {
namespace {

// The names hang on the first SSL_CTX, so that they live as long as any session made from it.
void free_names(void*, void* names, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<ServerNames*>(names);
}

int names_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_names);
  return index;
}

ServerNames& names_of_context(const SSL_CTX* context) {
  return *static_cast<ServerNames*>(SSL_CTX_get_ex_data(context, names_index()));
}

// The newest version in a ClientHello: of supported_versions (RFC 8446, 4.2.1) if it is there.
// Values of GREASE (RFC 8701) and of drafts are above any version and are passed over.
std::uint16_t newest_offered(const SSL_CLIENT_HELLO& hello) {
  const std::uint8_t* data = nullptr;
  std::size_t bytes = 0;
  if (SSL_early_callback_ctx_extension_get(&hello, TLSEXT_TYPE_supported_versions, &data, &bytes) !=
      1) {
    return hello.version;
  }
  CBS extension;
  CBS versions;
  CBS_init(&extension, data, bytes);
  if (CBS_get_u8_length_prefixed(&extension, &versions) != 1) return hello.version;
  std::uint16_t newest = 0;
  std::uint16_t version = 0;
  while (CBS_get_u16(&versions, &version) == 1) {
    if (version <= TLS1_3_VERSION) newest = std::max(newest, version);
  }
  return newest;
}

ssl_select_cert_result_t note_client_hello(const SSL_CLIENT_HELLO* hello) {
  TlsSessionHooks::note_version(hello->ssl, newest_offered(*hello));
  return ssl_select_cert_success;
}

int select_identity(SSL* ssl, int*, void* names_of_server) {
  const auto& names = *static_cast<const ServerNames*>(names_of_server);
  const char* const wanted = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (wanted == nullptr) return SSL_TLSEXT_ERR_NOACK;
  if (const std::size_t index = names.find(wanted); index != 0) {
    SSL_set_SSL_CTX(ssl, names.context(index));
  }
  return SSL_TLSEXT_ERR_OK;
}

// RFC 7301, 3.2: a client that offers only what we do not speak is refused, not misunderstood.
int select_protocol(SSL*, const std::uint8_t** out, std::uint8_t* out_bytes,
                    const std::uint8_t* offered, unsigned offered_bytes, void*) {
  constexpr std::string_view kHttp11 = "http/1.1";
  CBS list;
  CBS name;
  CBS_init(&list, offered, offered_bytes);
  while (CBS_get_u8_length_prefixed(&list, &name) == 1) {
    if (CBS_mem_equal(&name, reinterpret_cast<const std::uint8_t*>(kHttp11.data()),
                      kHttp11.size()) != 1) {
      continue;
    }
    *out = CBS_data(&name);
    *out_bytes = static_cast<std::uint8_t>(CBS_len(&name));
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::expected<bssl::UniquePtr<SSL_CTX>, std::string> make_identity(const CertificateFiles& files,
                                                                   const CertificatePair& pair) {
  bssl::UniquePtr<SSL_CTX> context(new_tls_context());
  if (SSL_CTX_set_chain_and_key(context.get(), pair.chain.data(), pair.chain.size(), pair.key,
                                nullptr) != 1) {
    ERR_clear_error();
    return std::unexpected(files.certificate_file +
                           ": TLS cannot serve this certificate; it needs an RSA (2048 bits or "
                           "more), ECDSA (P-256, P-384) or Ed25519 key that may sign");
  }
  // Tickets carry the state; a cache shared by all shards would need a lock.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);
  return context;
}

}  // namespace

std::expected<ServerTlsContext, std::string> ServerTlsContext::create(
    std::span<const CertificateFiles> pairs) {
  if (pairs.empty()) {
    return std::unexpected("TLS needs a certificate_file and a key_file, and none are named");
  }
  bssl::UniquePtr<SSL_CTX> first;
  auto names = std::make_unique<ServerNames>();
  for (const CertificateFiles& files : pairs) {
    auto pair = load_certificate_pair(files.certificate_file, files.key_file);
    if (!pair) return std::unexpected(std::move(pair.error()));
    auto context = make_identity(files, *pair);
    if (!context) return std::unexpected(std::move(context.error()));
    ServedCertificate served{.certificate_file = files.certificate_file,
                             .names = std::move(pair->names),
                             .not_after_unix_s = pair->not_after_unix_s};
    names->add(first == nullptr ? nullptr : context->release(), std::move(served));
    if (first == nullptr) first = std::move(*context);
  }
  names->sort();
  SSL_CTX_set_select_certificate_cb(first.get(), note_client_hello);
  SSL_CTX_set_tlsext_servername_callback(first.get(), select_identity);
  SSL_CTX_set_tlsext_servername_arg(first.get(), names.get());
  SL_ASSERT(SSL_CTX_set_ex_data(first.get(), names_index(), names.get()) == 1);
  static_cast<void>(names.release());
  return ServerTlsContext(first.release());
}

ServerTlsContext::ServerTlsContext(const ServerTlsContext& other) noexcept
    : context_(other.context_) {
  SSL_CTX_up_ref(context_);
}

ServerTlsContext::ServerTlsContext(ServerTlsContext&& other) noexcept
    : context_(std::exchange(other.context_, nullptr)) {}

ServerTlsContext& ServerTlsContext::operator=(ServerTlsContext other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}

ServerTlsContext::~ServerTlsContext() { SSL_CTX_free(context_); }

std::span<const ServedCertificate> ServerTlsContext::certificates() const noexcept {
  return names_of_context(context_).certificates();
}

}  // namespace sluice
