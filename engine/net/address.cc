#include "engine/net/address.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace sluice {
namespace {

const sockaddr_in& as_v4(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
const sockaddr_in6& as_v6(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

}  // namespace

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

std::string address_text(const SocketAddress& address) {
  const std::optional<IpAddress> ip = ip_of(address);
  if (!ip) return "unknown";
  char text[kAddressTextBytesMax];
  return std::string(text, write_address(text, *ip, port_of(address)));
}

std::string peer_address(int fd) {
  SocketAddress address{};
  address.bytes = sizeof(address.storage);
  auto* const storage = reinterpret_cast<sockaddr*>(&address.storage);
  if (getpeername(fd, storage, &address.bytes) != 0) return "unknown";
  const std::string text = address_text(address);
  return text.substr(0, text.rfind(':'));
}

bool lacks_family(const Error& error) noexcept {
  return error.os_errno == EAFNOSUPPORT || error.os_errno == EADDRNOTAVAIL;
}

}  // namespace sluice
