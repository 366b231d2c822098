#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// ListenAddress - one address that the gateway accepts connections on.
struct ListenAddress {
  std::string host;           // "127.0.0.1", "::1" (no brackets); "": all addresses, IPv6 and IPv4
  std::uint16_t port = 9190;  // 0: the kernel chooses

  // "127.0.0.1:9190", "[::1]:9190", ":9190".
  [[nodiscard]] std::string text() const;
  // Whether only processes of this machine can reach it.
  [[nodiscard]] bool is_loopback() const;

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// "127.0.0.1:9190", "[::1]:9190", ":9190", "localhost:9190" (127.0.0.1), "*:9190" (all); nothing on
// anything else. Names other than localhost are refused: what they mean can change.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

// The host alone, as in SIDECAR_HOST: an address with or without brackets, "localhost", "*", "".
[[nodiscard]] std::optional<std::string> parse_listen_host(std::string_view text);

}  // namespace sluice
