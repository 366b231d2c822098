#include "tests/integration/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Calls `found` with the value of each field of that name.
template <class Found>
void each_field(std::string_view head, std::string_view name, Found found) {
  std::size_t at = head.find("\r\n");
  while (at != head.npos && at + 2 < head.size()) {
    const std::size_t end = head.find("\r\n", at + 2);
    const std::string_view line = head.substr(at + 2, end - at - 2);
    const std::size_t colon = line.find(':');
    if (colon != line.npos && same_name(line.substr(0, colon), name)) {
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      found(value);
    }
    at = end;
  }
}

}  // namespace

std::string RawResponse::field(std::string_view name) const {
  std::string first;
  bool seen = false;
  each_field(head, name, [&](std::string_view value) {
    if (!std::exchange(seen, true)) first = value;
  });
  return first;
}

int RawResponse::count_fields(std::string_view name) const {
  int count = 0;
  each_field(head, name, [&](std::string_view) { ++count; });
  return count;
}

RawClient::RawClient(std::uint16_t port, const char* address)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  inet_pton(AF_INET, address, &in.sin_addr);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&in), sizeof(in)) != 0) close();
  // Nagle's algorithm would hold back the second of two small sends for the peer's delayed ACK.
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

RawClient::~RawClient() { close(); }

RawClient::RawClient(RawClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      state_(other.state_),
      pending_(std::move(other.pending_)) {}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawClient::read_more(Clock::time_point deadline) {
  if (state_ != State::kOpen || fd_ < 0) return false;
  const auto left = std::chrono::ceil<Timeout>(deadline - Clock::now());
  pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(std::max<Timeout::rep>(0, left.count()))) <= 0) {
    return false;
  }
  char buffer[64 * 1024];
  const ssize_t count = recv(fd_, buffer, sizeof(buffer), 0);
  if (count > 0) {
    pending_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }
  state_ = count == 0 ? State::kEnded : State::kReset;
  return false;
}

std::string RawClient::read_some(Timeout timeout) {
  if (pending_.empty()) read_more(Clock::now() + timeout);
  return std::exchange(pending_, {});
}

std::string RawClient::read_until_end(Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  while (read_more(deadline)) continue;
  return std::exchange(pending_, {});
}

bool RawClient::wait_for_end(Timeout timeout) {
  if (!pending_.empty() || read_more(Clock::now() + timeout)) return false;
  return state_ != State::kOpen;
}

bool RawClient::take_bytes(std::size_t count, std::string& out, Clock::time_point deadline) {
  while (pending_.size() < count && read_more(deadline)) continue;
  const std::size_t taken = std::min(count, pending_.size());
  out.append(pending_, 0, taken);
  pending_.erase(0, taken);
  return taken == count;
}

bool RawClient::take_line(std::string& line, RawResponse& response, Clock::time_point deadline) {
  std::size_t end;
  while ((end = pending_.find("\r\n")) == std::string::npos) {
    if (!read_more(deadline)) return false;
  }
  line = pending_.substr(0, end);
  response.raw_body.append(pending_, 0, end + 2);
  pending_.erase(0, end + 2);
  return true;
}

bool RawClient::read_chunked(RawResponse& response, Clock::time_point deadline) {
  std::string line;
  while (true) {
    if (!take_line(line, response, deadline) || line.empty()) return false;
    if (line.find_first_not_of("0123456789abcdefABCDEF;") == 0) return false;
    const std::size_t bytes = std::stoull(line, nullptr, 16);
    if (bytes == 0) break;
    std::string payload;
    const bool whole = take_bytes(bytes, payload, deadline);
    response.raw_body += payload;
    response.body += payload;
    if (!whole || !take_line(line, response, deadline) || !line.empty()) return false;
  }
  do {
    if (!take_line(line, response, deadline)) return false;
  } while (!line.empty());
  return true;
}

std::optional<RawResponse> RawClient::read_response(bool head_request, Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  std::size_t end;
  while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more(deadline)) return std::nullopt;
  }
  RawResponse response;
  response.head = pending_.substr(0, end + 4);
  pending_.erase(0, end + 4);
  response.status = std::atoi(response.head.substr(std::min<std::size_t>(9, end)).c_str());
  const std::string length = response.field("content-length");
  const bool bodiless =
      head_request || response.status < 200 || response.status == 204 || response.status == 304;
  if (bodiless) {
    response.complete = true;
  } else if (same_name(response.field("transfer-encoding"), "chunked")) {
    response.complete = read_chunked(response, deadline);
  } else if (!length.empty()) {
    response.complete = take_bytes(std::stoull(length), response.body, deadline);
    response.raw_body = response.body;
  } else {
    response.body = response.raw_body = read_until_end(
        std::chrono::ceil<Timeout>(std::max(Clock::duration::zero(), deadline - Clock::now())));
    response.complete = state_ == State::kEnded;
  }
  return response;
}

void RawClient::shutdown_write() { shutdown(fd_, SHUT_WR); }

void RawClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void RawClient::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close();
}

std::string request_text(std::string_view method, std::string_view target, std::string_view body,
                         std::string_view fields, std::string_view key) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: mock.test\r\n");
  if (!key.empty()) text.append("Authorization: Bearer ").append(key).append("\r\n");
  text.append(fields);
  if (!body.empty() || method == "POST") {
    text.append("Content-Type: application/json\r\nContent-Length: ");
    text.append(std::to_string(body.size())).append("\r\n");
  }
  return text.append("\r\n").append(body);
}

}  // namespace sluice
