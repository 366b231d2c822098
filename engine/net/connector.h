#pragma once

#include <cstdint>
#include <string_view>

#include "engine/io/wait.h"
#include "engine/net/resolver.h"
#include "engine/task/task.h"

namespace sluice {

// Opens a TCP connection to `host` (a name or a number, in brackets or not; stays the caller's):
// resolves it, tries its addresses in order, the next one as soon as one fails or 250 ms have
// passed, and keeps the first connection that stands (RFC 8305 section 5; eight addresses at most).
// Gives a descriptor, which the caller closes; all others are closed when it returns.
//
// Errors, all Retry::kSafe: those of resolve(); kUnreachable (upstream) when `reach` excludes all
// addresses; kConnectFailed (upstream, with the last errno) when
// no address accepts; kTimedOut (upstream) at the deadline; kOs or kNoBuffers (ours) when no socket
// could be made; why `limits` called it off.
[[nodiscard]] Task<Result<int>> connect_tcp(Reactor& reactor, Resolver& resolver,
                                            std::string_view host, std::uint16_t port,
                                            Limits limits, Reach reach = Reach::kAny);

// The same without names: tries `addresses` in their order.
[[nodiscard]] Task<Result<int>> connect_any(Reactor& reactor, const AddressList& addresses,
                                            std::uint16_t port, Limits limits);

}  // namespace sluice
