#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice {

struct Pair {
  int ours;
  int theirs;
};

// A TCP connection, as the gateway's are, whose ends buffer `buffer_bytes` each (the kernel doubles
// it). Not of AF_UNIX: see RecvMode.
inline Pair tcp_pair(int buffer_bytes = 200'000) {
  const auto open_socket = [buffer_bytes] {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
    constexpr int kOn = 1;  // accepted sockets inherit all three
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof(kOn));
    return fd;
  };
  const int listener = open_socket();
  sockaddr_in address{};
  socklen_t bytes = sizeof(address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listener, any, bytes), 0);
  EXPECT_EQ(listen(listener, 1), 0);
  EXPECT_EQ(getsockname(listener, any, &bytes), 0);
  const int ours = open_socket();
  EXPECT_EQ(connect(ours, any, bytes), 0);
  const int theirs = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  EXPECT_GE(theirs, 0);
  close(listener);
  return {ours, theirs};
}

}  // namespace sluice
