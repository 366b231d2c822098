#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tls/session.h"

namespace sluice::bench {

// Channel - a non-blocking connection, plain or under TLS, of a program that has one epoll.
//
// Owns      the descriptor, the session, and what the peer has not taken yet.
// Affinity  the thread of its epoll.
class Channel {
 public:
  // `data` is what the epoll says of events. A null session is plain TCP.
  Channel(int epoll, int fd, void* data, TlsSession::Owner tls);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // A client under TLS speaks first.
  [[nodiscard]] bool start_handshake();

  // True without TLS.
  [[nodiscard]] bool established() const { return !tls_ || tls_->established(); }

  struct Received {
    std::string_view bytes;  // in a buffer that all channels share: gone with the next call
    bool open;
  };
  // What one recv brings.
  [[nodiscard]] Received receive();

  // Sends `bytes`, the rest when the socket takes more. False when the connection is broken.
  [[nodiscard]] bool send(std::string_view bytes);
  // On EPOLLOUT.
  [[nodiscard]] bool flush();

 private:
  [[nodiscard]] Received decrypt(std::string_view ciphertext);
  [[nodiscard]] bool send_encrypted();
  [[nodiscard]] bool send_raw(std::string_view bytes);
  void watch(bool writable);

  int epoll_;
  int fd_;
  void* data_;
  TlsSession::Owner tls_;
  std::string waiting_;
  bool watches_writable_ = false;
};

}  // namespace sluice::bench
