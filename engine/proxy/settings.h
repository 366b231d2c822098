#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "base/units.h"

namespace sluice {

// ProxySettings - limits and timers of the proxy (HTTP_RULES, Timers), the same for all shards.
struct ProxySettings {
  std::uint64_t body_bytes_max = 32 * kMiB;    // B6
  std::uint64_t body_memory_max = 512 * kMiB;  // of all bodies of a shard together
  std::size_t connections_max = 10'000;        // downstream, per shard
  Duration tls_handshake = 10s;                // with a client
  Duration request_head = 10s;                 // absolute, from its first byte
  Duration body_idle = 30s;                    // between two reads of a request body
  Duration body_rate_after = 10s;              // from here on at least body_rate_min
  std::uint64_t body_rate_min = kKiB;          // bytes per second
  Duration keep_alive_idle = 75s;              // between two requests of a connection
  Duration client_stall = 60s;                 // a client that takes no byte of its answer
  Duration stream_comment_after = 15s;         // ": keep-alive" when a stream is silent so long
  bool identity_headers = true;                // x-sluice-account and its like on every answer
};

}  // namespace sluice
