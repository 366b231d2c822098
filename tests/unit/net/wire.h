#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

// Wire - the peer's end of a connection. Nothing here waits.
//
// Owns      the descriptor.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  ~Wire() { close(); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void send(std::string_view text) { EXPECT_EQ(send_some(text), text.size()); }
  // Returns how much the socket took.
  std::size_t send_some(std::string_view text) {
    std::size_t taken = 0;
    while (taken < text.size()) {
      const ssize_t n = ::send(fd_, text.data() + taken, text.size() - taken, kNow | MSG_NOSIGNAL);
      if (n <= 0) break;
      taken += static_cast<std::size_t>(n);
    }
    return taken;
  }

  // What lies there, at most `bytes_max`.
  std::string take(std::size_t bytes_max = std::string::npos) {
    std::string text;
    char buffer[16384];
    while (text.size() < bytes_max) {
      const ssize_t n = recv(fd_, buffer, std::min(sizeof(buffer), bytes_max - text.size()), kNow);
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
  }
  // The end has come, and everything before it was taken.
  [[nodiscard]] bool ended() const {
    char byte;
    return recv(fd_, &byte, 1, kNow | MSG_PEEK) == 0;
  }

  void half_close() { shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  static constexpr int kNow = MSG_DONTWAIT;
  int fd_;
};

}  // namespace sluice
