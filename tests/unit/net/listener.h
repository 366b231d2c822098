#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/io/kernel.h"
#include "engine/net/address.h"

namespace sluice {

// Listener - a listener on a port of 127.0.0.1.
class Listener {
 public:
  explicit Listener(Kernel& kernel, int backlog = 16) {
    fd_ = *kernel.open_listener(socket_address(*parse_ip("127.0.0.1"), 0), backlog);
    port_ = port_of(*kernel.local_address(fd_));
    fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // The descriptor of the next connection that has come, or -1.
  [[nodiscard]] int accept() { return accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }

 private:
  int fd_;
  std::uint16_t port_;
};

}  // namespace sluice
