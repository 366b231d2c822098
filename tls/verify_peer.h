#pragma once

#include "tls/failure_text.h"
#include "tls/session_cache.h"

struct ssl_st;

namespace sluice {

// Checks the certificates that the peer of `ssl` has sent: a chain to an authority of `trust`,
// valid now, for servers, and made out to `name`: a DNS name by its subjectAltName (RFC 9525, 6.3;
// the common name is not looked at), an address by its iPAddress. Returns 0, or the X509_V_ERR_
// code; then `why` holds the reason. Costs some 100 to 300 us of signature checks.
[[nodiscard]] long verify_peer(const ssl_st* ssl, const TrustStore& trust, const PeerName& name,
                               FailureText& why);

}  // namespace sluice
