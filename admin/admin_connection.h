#pragma once

#include <string>

#include "admin/admin_thread.h"

namespace sluice {

// The life of one connection here: request after request, until it closes or goes back. `bytes`
// were read of it before; `relayed_for` is the client of a kRelay.
Task<void> serve_admin_connection(Shard& shard, AdminThread& self, int fd, std::string bytes,
                                  AdminOrigin origin, std::string relayed_for = {});

}  // namespace sluice
