#pragma once

struct ssl_ctx_st;

namespace sluice {

// A new SSL_CTX with what both directions share: versions, suites. Aborts when out of memory.
[[nodiscard]] ssl_ctx_st* new_tls_context();

}  // namespace sluice
