#include "engine/net/port_probe.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "engine/net/address.h"

namespace sluice {
namespace {

// Binds as a listener of ours does, but without SO_REUSEPORT: refused beside any socket that
// listens there. With SO_REUSEADDR, as every server: connections in TIME_WAIT, and those that an
// earlier process still serves, are no hindrance.
bool bind_is_refused(const SocketAddress& address) noexcept {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return false;  // the listener itself will tell why
  const int on = 1;
  static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
  if (address.storage.ss_family == AF_INET6)
    static_cast<void>(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
  const int bound = bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.bytes);
  const bool taken = bound != 0 && errno == EADDRINUSE;
  close(fd);
  return taken;
}

}  // namespace

std::optional<std::string> taken_port(const ListenAddress& listen) {
  if (listen.port == 0) return std::nullopt;
  for (const IpAddress& ip : listen.ips()) {
    const SocketAddress address = socket_address(ip, listen.port);
    if (!bind_is_refused(address)) continue;
    const std::string port = std::to_string(listen.port);
    return "cannot listen on " + address_text(address) +
           ": the port is taken by another process; see which: ss -ltnp 'sport = :" + port + "'";
  }
  return std::nullopt;
}

}  // namespace sluice
