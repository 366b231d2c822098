#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "parser/ip_address.h"

namespace sluice {

// ListenAddress - what one listen setting names: an address, or, when it names no family, one
// address of each (listeners are IPV6_V6ONLY, so that both families need one).
struct ListenAddress {
  std::array<IpAddress, 2> addresses = {kLoopback4};
  std::size_t count = 1;      // 2: IPv4 first; on a machine without IPv6 go without the second
  std::uint16_t port = 9190;  // 0: the kernel chooses

  [[nodiscard]] std::span<const IpAddress> ips() const noexcept {
    return {addresses.data(), count};
  }
  // "127.0.0.1:9190", "[::1]:9190", ":9190", "localhost:9190"; parsed again it is the same.
  [[nodiscard]] std::string text() const;
  // Whether only processes of this machine can reach it.
  [[nodiscard]] bool is_loopback() const noexcept { return sluice::is_loopback(addresses[0]); }

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// A listen setting:
//   "127.0.0.1:9190", "[::1]:9190", "0.0.0.0:9190", "[::]:9190"   that address and family alone
//   ":9190", "*:9190"                                             every address, both families
//   "localhost:9190"                                              127.0.0.1 and ::1
// Other names are refused: a listener that depends on DNS would not start when DNS is down. The
// error is static and says what is wrong in words that follow the text: `"::1" has no port`.
[[nodiscard]] std::expected<ListenAddress, std::string_view> parse_listen_address(
    std::string_view text);

// The host alone, as in SIDECAR_HOST, with or without brackets: "::1", "[::1]", "localhost", "*".
[[nodiscard]] std::expected<ListenAddress, std::string_view> parse_listen_host(
    std::string_view host, std::uint16_t port);

// How to mend it: what follows such an error and "; expected ".
inline constexpr std::string_view kListenAddressExpected =
    "an IP address and a port like 127.0.0.1:9190 or [::1]:9190, localhost:9190 (127.0.0.1 and "
    "::1) or :9190 (all addresses)";

// Both: `"nowhere" has no port; expected an IP address and a port like ...`.
[[nodiscard]] std::string listen_refusal(std::string_view text, std::string_view error);

}  // namespace sluice
