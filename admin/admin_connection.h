#pragma once

#include <string>

#include "admin/admin_thread.h"

namespace sluice {

// How a connection came to the administrator.
enum class AdminOrigin : std::uint8_t {
  kShard,    // handed over by a shard, and may go back there
  kRelay,    // one end of a pair of sockets, for one request
  kOwn,      // accepted by a listener of the administrator's
  kMetrics,  // accepted by the listener for metrics
};

// The life of one connection here: request after request, until it closes or goes back. `bytes`
// were read of it before; `relayed_for` is the client of a kRelay.
Task<void> serve_admin_connection(Shard& shard, AdminThread& self, int fd, std::string bytes,
                                  AdminOrigin origin, std::string relayed_for = {});

}  // namespace sluice
