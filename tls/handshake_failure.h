#pragma once

#include <cstdint>

#include "tls/failure_text.h"

namespace sluice {

// Adds what the library's error code `reason` (ERR_peek_last_error) means for someone who has to
// mend it. `peer_version`: the newest version that the peer offered or chose on the wire, 0 if
// unknown. `peer_is_server` tells whose side the peer is on.
void describe_tls_failure(std::uint32_t reason, std::uint16_t peer_version, bool peer_is_server,
                          FailureText& text);

}  // namespace sluice
