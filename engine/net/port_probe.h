#pragma once

#include <optional>
#include <string>

#include "parser/listen_address.h"

namespace sluice {

// Whether somebody listens already where `listen` says: a sentence for the operator; nothing when
// all of it is free, or when the kernel is to choose the port.
//
// Our listeners share their port among the shards (SO_REUSEPORT), so that the kernel would let a
// second process of the same user take a share of the connections, and nobody would notice. Ask
// before the first shard listens. Two processes that start in the same moment may still miss each
// other. Blocks for some microseconds: not on a shard.
[[nodiscard]] std::optional<std::string> taken_port(const ListenAddress& listen);

}  // namespace sluice
