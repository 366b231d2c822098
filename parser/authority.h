#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// Authority - host and port of a Host field or a URL, taken apart. Views into the text.
struct Authority {
  std::string_view host;   // without the brackets of an IPv6 address
  std::uint16_t port = 0;  // 0: none was given
  bool ipv6 = false;
};

// H2: reg-name, IPv4 address or [IPv6 address], with a port of 1-65535 or none (RFC 3986 section
// 3.2.2). Stricter than the grammar where parsers are known to differ: no empty host, no empty
// port, no comma, no IPvFuture, no zone, and an escape stands only for a byte that needs none or is
// not ASCII. Userinfo is refused.
[[nodiscard]] bool parse_authority(std::string_view text, Authority& out) noexcept;

}  // namespace sluice
