#pragma once

#include "engine/proxy/exchange.h"

namespace sluice {

// Hands the client's connection over to the administrator, with the request whose head was read.
// Under TLS the connection stays here, and the administrator has one end of a pair of sockets
// instead: then what it answers is relayed until it closes, and the connection is over.
Task<void> hand_over(Shard& shard, Exchange& exchange);

}  // namespace sluice
