#pragma once

#include <netinet/in.h>

#include <string_view>

namespace sluice::bench {

// Sockets of the bench programs: IPv4, TCP_NODELAY, close-on-exec. What fails ends the program.

// A listener; accepted connections inherit TCP_NODELAY.
[[nodiscard]] int open_listener(const sockaddr_in& address);

// Prints "listening on SCHEME://ADDRESS:PORT", which tells who started it that it is ready.
void announce_listener(int listener, std::string_view scheme);

// A connected socket, not yet non-blocking; -1 when the peer refuses.
[[nodiscard]] int connect_blocking(const sockaddr_in& address);

void set_nonblocking(int fd);
void set_no_delay(int fd);

// As many descriptors as this process may have.
void raise_descriptor_limit();

}  // namespace sluice::bench
