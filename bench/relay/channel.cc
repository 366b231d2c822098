#include "bench/relay/channel.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "bench/relay/options.h"
#include "bench/relay/sockets.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;  // a long prompt in one recv

std::array<char, kBufferBytes> g_received;
std::array<char, kBufferBytes> g_plaintext;  // never longer than its ciphertext

}  // namespace

Channel::Channel(int epoll, int fd, void* data, TlsSession::Owner tls)
    : epoll_(epoll), fd_(fd), data_(data), tls_(std::move(tls)) {
  set_nonblocking(fd_);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = data_;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event) != 0) end_os("epoll_ctl");
}

Channel::~Channel() { close(fd_); }

bool Channel::start_handshake() {
  return !tls_ || (tls_->handshake() != TlsStatus::kFailed && send_encrypted());
}

Channel::Received Channel::receive() {
  const ssize_t got = recv(fd_, g_received.data(), g_received.size(), 0);
  if (got < 0 && errno == EAGAIN) return {.bytes = {}, .open = true};
  if (got <= 0) return {.bytes = {}, .open = false};
  const std::string_view bytes(g_received.data(), static_cast<std::size_t>(got));
  return tls_ ? decrypt(bytes) : Received{.bytes = bytes, .open = true};
}

Channel::Received Channel::decrypt(std::string_view ciphertext) {
  tls_->set_input(ciphertext);
  if (!tls_->established()) {
    const TlsStatus status = tls_->handshake();
    if (!send_encrypted() || status == TlsStatus::kFailed) return {.bytes = {}, .open = false};
    if (status == TlsStatus::kWantInput) return {.bytes = {}, .open = true};
  }
  std::size_t bytes = 0;
  for (;;) {
    const TlsRead read =
        tls_->read(std::span(g_plaintext.data() + bytes, g_plaintext.size() - bytes));
    bytes += read.bytes;
    if (read.state == TlsReadState::kMore && bytes < g_plaintext.size()) continue;
    const bool open = read.state == TlsReadState::kWantInput || read.state == TlsReadState::kMore;
    return {.bytes = {g_plaintext.data(), bytes}, .open = send_encrypted() && open};
  }
}

bool Channel::send(std::string_view bytes) {
  if (!tls_) return send_raw(bytes);
  return tls_->write(bytes).has_value() && send_encrypted();
}

bool Channel::send_encrypted() {
  while (tls_->output_bytes() > 0) {
    const std::string_view output = tls_->output();
    if (!send_raw(output)) return false;
    tls_->consume_output(output.size());
  }
  return true;
}

bool Channel::send_raw(std::string_view bytes) {
  if (waiting_.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    bytes.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
  }
  waiting_.append(bytes);
  watch(!waiting_.empty());
  return true;
}

bool Channel::flush() {
  if (waiting_.empty()) return true;
  const std::string bytes = std::exchange(waiting_, {});
  return send_raw(bytes);
}

void Channel::watch(bool writable) {
  if (writable == watches_writable_) return;
  watches_writable_ = writable;
  epoll_event event{};
  event.events = EPOLLIN | (writable ? EPOLLOUT : 0u);
  event.data.ptr = data_;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd_, &event) != 0) end_os("epoll_ctl");
}

}  // namespace sluice::bench
