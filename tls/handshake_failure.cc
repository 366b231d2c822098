#include "tls/handshake_failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string_view>

namespace sluice {
namespace {

struct ReasonText {
  int reason;
  std::string_view text;
};

// What people run into, in their words. Anything else is told in the library's.
constexpr ReasonText kReasonTexts[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "the peer does not speak TLS on this port"},
    {SSL_R_HTTP_REQUEST, "plain HTTP request on a TLS port"},
    {SSL_R_HTTPS_PROXY_REQUEST, "plain CONNECT request on a TLS port"},
    {SSL_R_NO_SHARED_CIPHER, "no common cipher suite"},
    {SSL_R_NO_SHARED_GROUP, "no common key exchange group"},
    {SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS, "no common signature algorithm"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "no common application protocol (we speak http/1.1)"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
     "the peer found no common cipher suite or other parameters (alert: handshake failure)"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the peer does not trust our certificate (alert: unknown CA)"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
     "the peer says that our certificate has expired (alert: certificate expired)"},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, "the peer has no such host (alert: unrecognized name)"},
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL,
     "the peer does not speak http/1.1 (alert: no application protocol)"},
    {SSL_R_TLSV1_CERTIFICATE_REQUIRED, "the peer wants a client certificate, and we have none"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record does not decrypt"},
    {SSL_R_PROTOCOL_IS_SHUTDOWN, "written to after close_notify or a failure"},
};

std::string_view version_text(std::uint16_t version) noexcept {
  switch (version) {
    case SSL3_VERSION: return "SSL 3.0";
    case TLS1_VERSION: return "TLS 1.0";
    case TLS1_1_VERSION: return "TLS 1.1";
    case TLS1_2_VERSION: return "TLS 1.2";
    case TLS1_3_VERSION: return "TLS 1.3";
    default: return "an unknown version";
  }
}

bool is_version_failure(int reason) noexcept {
  return reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION;
}

// The library's name of the reason, "UNEXPECTED_MESSAGE", as words.
void add_library_reason(std::uint32_t reason, FailureText& text) {
  const char* const name = ERR_reason_error_string(reason);
  if (name == nullptr) {
    text.add("no reason known");
    return;
  }
  for (const char* at = name; *at != '\0'; ++at) {
    const char byte = *at == '_'                 ? ' '
                      : *at >= 'A' && *at <= 'Z' ? static_cast<char>(*at + 32)
                                                 : *at;
    text.add(std::string_view(&byte, 1));
  }
}

}  // namespace

void describe_tls_failure(std::uint32_t reason, std::uint16_t peer_version, bool peer_is_server,
                          FailureText& text) {
  const int code = ERR_GET_LIB(reason) == ERR_LIB_SSL ? ERR_GET_REASON(reason) : 0;
  if (is_version_failure(code)) {
    text.add("no common protocol version (peer ");
    if (peer_version != 0) {
      text.add(peer_is_server ? "chose " : "offers ", version_text(peer_version));
    } else {
      text.add("refuses TLS 1.2 and 1.3");
    }
    text.add(")");
    return;
  }
  for (const ReasonText& row : kReasonTexts) {
    if (row.reason != code) continue;
    text.add(row.text);
    return;
  }
  if (code > SSL_AD_REASON_OFFSET) {
    text.add("the peer ended it with alert: ",
             SSL_alert_desc_string_long(code - SSL_AD_REASON_OFFSET));
    return;
  }
  add_library_reason(reason, text);
}

}  // namespace sluice
