#include "engine/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

#include "base/units.h"

namespace sluice {
namespace {

constexpr IpAddress kLoopback4{IpFamily::kV4, {127, 0, 0, 1}};
constexpr IpAddress kLoopback6{IpFamily::kV6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

std::optional<IpAddress> parse_family(IpFamily family, std::string_view text) noexcept {
  char terminated[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof(terminated)) return std::nullopt;
  if (text.find('\0') != text.npos) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  IpAddress ip{.family = family};
  const int domain = family == IpFamily::kV4 ? AF_INET : AF_INET6;
  if (inet_pton(domain, terminated, ip.bytes.data()) != 1) return std::nullopt;
  return ip;
}

const sockaddr_in& as_v4(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
const sockaddr_in6& as_v6(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

ListenAddresses both(const IpAddress& v4, const IpAddress& v6, std::uint16_t port) {
  return ListenAddresses{
      .items = {socket_address(v4, port), socket_address(v6, port)},
      .count = 2,
      .second_is_optional = true,
  };
}

std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return std::nullopt;
    return parse_family(IpFamily::kV6, text.substr(1, text.size() - 2));
  }
  const bool has_colon = text.find(':') != text.npos;
  return parse_family(has_colon ? IpFamily::kV6 : IpFamily::kV4, text);
}

SocketAddress socket_address(const IpAddress& ip, std::uint16_t port) noexcept {
  SocketAddress address;
  if (ip.family == IpFamily::kV4) {
    auto& in = reinterpret_cast<sockaddr_in&>(address.storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.bytes.data(), sizeof(in.sin_addr));
    address.bytes = sizeof(in);
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(address.storage);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    std::memcpy(&in.sin6_addr, ip.bytes.data(), sizeof(in.sin6_addr));
    address.bytes = sizeof(in);
  }
  return address;
}

std::optional<IpAddress> ip_of(const SocketAddress& address) noexcept {
  IpAddress ip;
  if (address.storage.ss_family == AF_INET) {
    std::memcpy(ip.bytes.data(), &as_v4(address).sin_addr, sizeof(in_addr));
    return ip;
  }
  if (address.storage.ss_family == AF_INET6) {
    ip.family = IpFamily::kV6;
    std::memcpy(ip.bytes.data(), &as_v6(address).sin6_addr, sizeof(in6_addr));
    return ip;
  }
  return std::nullopt;
}

std::uint16_t port_of(const SocketAddress& address) noexcept {
  if (address.storage.ss_family == AF_INET) return ntohs(as_v4(address).sin_port);
  if (address.storage.ss_family == AF_INET6) return ntohs(as_v6(address).sin6_port);
  return 0;
}

std::size_t write_address(char* out, const SocketAddress& address) noexcept {
  const std::optional<IpAddress> ip = ip_of(address);
  if (!ip) {
    std::memcpy(out, "unknown", 8);
    return 7;
  }
  char* at = out;
  const bool v6 = ip->family == IpFamily::kV6;
  if (v6) *at++ = '[';
  inet_ntop(v6 ? AF_INET6 : AF_INET, ip->bytes.data(), at, INET6_ADDRSTRLEN);
  at += std::strlen(at);
  if (v6) *at++ = ']';
  *at++ = ':';
  at = std::to_chars(at, out + kAddressTextBytesMax, port_of(address)).ptr;
  *at = '\0';
  return static_cast<std::size_t>(at - out);
}

std::string address_text(const SocketAddress& address) {
  char text[kAddressTextBytesMax];
  return std::string(text, write_address(text, address));
}

std::expected<ListenAddresses, std::string> parse_listen(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) {
    return std::unexpected("the listen address " + in_quotes(text) +
                           " has no port: write \"ADDRESS:PORT\", or \":PORT\" for every address");
  }
  const std::string_view host = text.substr(0, colon);
  const std::optional<std::uint64_t> port = parse_decimal(text.substr(colon + 1));
  if (!port || *port > 65535) {
    return std::unexpected("the listen address " + in_quotes(text) +
                           " does not end in a port: a number from 0 to 65535");
  }
  const auto number = static_cast<std::uint16_t>(*port);
  if (host.empty() || host == "*") {
    return both(IpAddress{IpFamily::kV4, {}}, IpAddress{IpFamily::kV6, {}}, number);
  }
  if (host == "localhost") return both(kLoopback4, kLoopback6, number);
  const std::optional<IpAddress> ip = parse_ip(host);
  if (ip && ip->family == IpFamily::kV6 && !host.starts_with('[')) {
    return std::unexpected("the listen address " + in_quotes(text) +
                           " needs brackets around its IPv6 address: write \"[" +
                           std::string(host) + "]:" + std::to_string(number) + '"');
  }
  if (!ip) {
    return std::unexpected(
        "the listen address " + in_quotes(text) + " is not an IP address: " + in_quotes(host) +
        " would have to be looked up (only \"localhost\" is " + "known by name)");
  }
  return ListenAddresses{.items = {socket_address(*ip, number), {}}, .count = 1};
}

}  // namespace sluice
