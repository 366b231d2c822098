#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

enum class IpFamily : std::uint8_t { kV4, kV6 };

// IpAddress - an IPv4 or IPv6 address without a port, 17 bytes: what caches and lists keep instead
// of the 128 bytes of a sockaddr_storage.
struct IpAddress {
  IpFamily family = IpFamily::kV4;
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 fills the first four

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

inline constexpr IpAddress kLoopback4{IpFamily::kV4, {127, 0, 0, 1}};
inline constexpr IpAddress kLoopback6{IpFamily::kV6,
                                      {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

// "192.0.2.1", "2001:db8::1" or "[2001:db8::1]". Strict: four decimal numbers or RFC 4291 text;
// "127.1", "0x7f000001" and zones ("fe80::1%eth0") are nothing.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text) noexcept;

// Whether it is an IPv4 address in the form of IPv6: ::ffff:0:0/96 (RFC 4291 section 2.5.5.2).
[[nodiscard]] bool is_v4_mapped(const IpAddress& ip) noexcept;

// Whether only processes of this machine can reach it: 127.0.0.0/8, also mapped into IPv6, and ::1.
[[nodiscard]] bool is_loopback(const IpAddress& ip) noexcept;

// "[" 45 bytes of IPv6 "]:65535", and a terminating NUL.
inline constexpr std::size_t kAddressTextBytesMax = 54;

// Writes "192.0.2.1:80" or "[2001:db8::1]:80" and a NUL to `out`, which holds
// kAddressTextBytesMax, and returns the length without the NUL.
std::size_t write_address(char* out, const IpAddress& ip, std::uint16_t port) noexcept;

}  // namespace sluice
