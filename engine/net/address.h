#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "engine/io/kernel.h"

namespace sluice {

enum class IpFamily : std::uint8_t { kV4, kV6 };

// IpAddress - an IPv4 or IPv6 address without a port, 17 bytes: what caches and lists keep instead
// of the 128 bytes of a sockaddr_storage.
struct IpAddress {
  IpFamily family = IpFamily::kV4;
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 fills the first four

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// "192.0.2.1", "2001:db8::1" or "[2001:db8::1]". Strict: four decimal numbers or RFC 4291 text;
// "127.1", "0x7f000001" and zones ("fe80::1%eth0") are nothing.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text) noexcept;

[[nodiscard]] SocketAddress socket_address(const IpAddress& ip, std::uint16_t port) noexcept;
// The address of an AF_INET or AF_INET6 socket; nothing for another family.
[[nodiscard]] std::optional<IpAddress> ip_of(const SocketAddress& address) noexcept;
[[nodiscard]] std::uint16_t port_of(const SocketAddress& address) noexcept;  // 0 without a port

// "[" 45 bytes of IPv6 "]:65535", and a terminating NUL.
inline constexpr std::size_t kAddressTextBytesMax = 54;

// Writes "192.0.2.1:80" or "[2001:db8::1]:80" (an address of another family: "unknown") to `out`,
// which holds kAddressTextBytesMax, and returns the length.
std::size_t write_address(char* out, const SocketAddress& address) noexcept;
[[nodiscard]] std::string address_text(const SocketAddress& address);  // the same, for messages

// ListenAddresses - the one or two addresses that a listen setting names. Two when it names no
// family: listeners are IPV6_V6ONLY, so that both families need one each.
struct ListenAddresses {
  SocketAddress items[2];
  std::size_t count = 0;
  // The second item is IPv6 and nobody asked for it by its number: on a machine without IPv6
  // (EAFNOSUPPORT, EADDRNOTAVAIL) go without it.
  bool second_is_optional = false;
};

// A listen setting:
//   "127.0.0.1:9190", "[::1]:9190", "0.0.0.0:9190", "[::]:9190"   that address and family alone
//   ":9190", "*:9190"                                             every address, both families
//   "localhost:9190"                                              127.0.0.1 and ::1
// Port 0 lets the kernel choose. Other names are refused: a listener that depends on DNS would not
// start when DNS is down. The error is a sentence for the operator.
[[nodiscard]] std::expected<ListenAddresses, std::string> parse_listen(std::string_view text);

}  // namespace sluice
