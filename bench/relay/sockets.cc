#include "bench/relay/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "bench/relay/options.h"

namespace sluice::bench {
namespace {

constexpr int kBacklog = 4096;  // Linux' own default limit: a thousand clients connect at once

void set_flag(int fd, int level, int option) {
  const int on = 1;
  if (setsockopt(fd, level, option, &on, sizeof(on)) != 0) end_os("setsockopt");
}

int open_tcp() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) end_os("socket");
  set_no_delay(fd);
  return fd;
}

}  // namespace

int open_listener(const sockaddr_in& address) {
  const int fd = open_tcp();
  set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) end_os("bind");
  if (listen(fd, kBacklog) != 0) end_os("listen");
  return fd;
}

void announce_listener(int listener, std::string_view scheme) {
  sockaddr_in address{};
  socklen_t bytes = sizeof(address);
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &bytes) != 0)
    end_os("getsockname");
  char host[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host));
  std::printf("listening on %.*s://%s:%u\n", static_cast<int>(scheme.size()), scheme.data(), host,
              ntohs(address.sin_port));
  std::fflush(stdout);
}

int connect_blocking(const sockaddr_in& address) {
  const int fd = open_tcp();
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

void set_no_delay(int fd) { set_flag(fd, IPPROTO_TCP, TCP_NODELAY); }

void set_nonblocking(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) end_os("fcntl");
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace sluice::bench
