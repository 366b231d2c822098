#pragma once

#include <string_view>

#include "engine/proxy/worker.h"

namespace sluice {

// The life of one client connection, from accept to close: TLS handshake if the listener speaks
// TLS, then request after request. Start reading here.
Task<void> serve_connection(Shard& shard, Worker& worker, int fd);

// A plain connection that was handed over and comes back: `bytes`, at least one, were read of it.
Task<void> resume_connection(Shard& shard, Worker& worker, int fd, std::string_view bytes);

}  // namespace sluice
