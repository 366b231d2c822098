#pragma once

#include "engine/proxy/worker.h"

namespace sluice {

// The life of one client connection, from accept to close: TLS handshake if the listener speaks
// TLS, then request after request. Start reading here.
Task<void> serve_connection(Shard& shard, Worker& worker, int fd);

}  // namespace sluice
