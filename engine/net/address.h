#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "engine/io/kernel.h"
#include "parser/ip_address.h"

namespace sluice {

[[nodiscard]] SocketAddress socket_address(const IpAddress& ip, std::uint16_t port) noexcept;
// The address of an AF_INET or AF_INET6 socket; nothing for another family.
[[nodiscard]] std::optional<IpAddress> ip_of(const SocketAddress& address) noexcept;
[[nodiscard]] std::uint16_t port_of(const SocketAddress& address) noexcept;  // 0 without a port

// "192.0.2.1:80", "[2001:db8::1]:80", "unknown" for another family: for messages.
[[nodiscard]] std::string address_text(const SocketAddress& address);

// The address of the other side of a connected socket, without its port, for messages and counts by
// client; "unknown" when there is none.
[[nodiscard]] std::string peer_address(int fd);

// Whether a listener failed because this machine has no address of that family, as where IPv6 is
// switched off.
[[nodiscard]] bool lacks_family(const Error& error) noexcept;

}  // namespace sluice
