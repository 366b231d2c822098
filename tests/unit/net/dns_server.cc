#include "tests/unit/net/dns_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace sluice {
namespace {

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeCname = 5;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr std::size_t kHeaderBytes = 12;

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}
void put32(std::string& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}
std::uint16_t get16(std::string_view in, std::size_t at) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(in[at]) << 8) |
                                    static_cast<unsigned char>(in[at + 1]));
}

std::string encoded(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out += static_cast<char>(label.size());
    out += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  out += '\0';
  return out;
}

void put_record(std::string& out, std::string_view owner, std::uint16_t type, std::uint32_t ttl,
                std::string_view data) {
  out += owner;
  put16(out, type);
  put16(out, 1);  // IN
  put32(out, ttl);
  put16(out, static_cast<unsigned>(data.size()));
  out += data;
}

int bound_socket(int type, std::uint16_t port) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

std::uint16_t port_of_socket(int fd) {
  sockaddr_in address{};
  socklen_t bytes = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes);
  return ntohs(address.sin_port);
}

}  // namespace

DnsServer::DnsServer() {
  // One port for both protocols: the kernel chooses it for UDP, and TCP may find it taken.
  for (int attempt = 0; attempt < 50 && tcp_ < 0; ++attempt) {
    if (udp_ >= 0) close(udp_);
    udp_ = bound_socket(SOCK_DGRAM, 0);
    port_ = port_of_socket(udp_);
    tcp_ = bound_socket(SOCK_STREAM, port_);
  }
  EXPECT_GE(tcp_, 0);
  EXPECT_EQ(listen(tcp_, 16), 0);
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  stop_read_ = fds[0];
  stop_write_ = fds[1];
  thread_ = std::thread([this] { run(); });
}

DnsServer::~DnsServer() {
  close(stop_write_);
  thread_.join();
  for (const TcpClient& client : tcp_clients_) close(client.fd);
  close(stop_read_);
  close(udp_);
  close(tcp_);
}

void DnsServer::set(std::string_view name, Record record) {
  const std::lock_guard lock(mutex_);
  records_[std::string(name)] = std::move(record);
}

int DnsServer::questions(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = questions_.find(name);
  return found == questions_.end() ? 0 : found->second;
}

int DnsServer::tcp_questions() {
  const std::lock_guard lock(mutex_);
  return tcp_questions_;
}

std::string DnsServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

void DnsServer::run() {
  while (true) {
    std::vector<pollfd> fds = {{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}, {stop_read_, POLLIN, 0}};
    for (const TcpClient& client : tcp_clients_) fds.push_back({client.fd, POLLIN, 0});
    poll(fds.data(), fds.size(), -1);
    if (fds[2].revents != 0) return;
    for (std::size_t i = fds.size(); i-- > 3;) {
      if (fds[i].revents == 0 || serve_tcp(tcp_clients_[i - 3])) continue;
      close(tcp_clients_[i - 3].fd);
      tcp_clients_.erase(tcp_clients_.begin() + static_cast<std::ptrdiff_t>(i - 3));
    }
    if (fds[0].revents != 0) serve_udp();
    if (fds[1].revents != 0) tcp_clients_.push_back({accept(tcp_, nullptr, nullptr), {}});
  }
}

void DnsServer::serve_udp() {
  char buffer[1500];
  sockaddr_in from{};
  socklen_t from_bytes = sizeof(from);
  const ssize_t count =
      recvfrom(udp_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &from_bytes);
  if (count < static_cast<ssize_t>(kHeaderBytes)) return;
  const std::string reply = answer({buffer, static_cast<std::size_t>(count)}, false);
  if (reply.empty()) return;
  sendto(udp_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), from_bytes);
}

bool DnsServer::serve_tcp(TcpClient& client) {
  char buffer[1500];
  const ssize_t count = read(client.fd, buffer, sizeof(buffer));
  if (count <= 0) return false;
  std::string& unread = client.unread;
  unread.append(buffer, static_cast<std::size_t>(count));
  while (unread.size() >= 2 && unread.size() >= 2u + get16(unread, 0)) {
    const std::size_t bytes = get16(unread, 0);
    const std::string reply = answer(std::string_view(unread).substr(2, bytes), true);
    unread.erase(0, 2 + bytes);
    std::string framed;
    put16(framed, static_cast<unsigned>(reply.size()));
    framed += reply;
    // The client may have gone: no signal then.
    send(client.fd, framed.data(), framed.size(), MSG_NOSIGNAL);
  }
  return true;
}

std::string DnsServer::answer(std::string_view question, bool tcp) {
  std::string name;
  std::size_t at = kHeaderBytes;
  while (at < question.size() && question[at] != 0) {
    const auto bytes = static_cast<std::size_t>(question[at]);
    if (!name.empty()) name += '.';
    name += question.substr(at + 1, bytes);
    at += 1 + bytes;
  }
  const std::uint16_t type = get16(question, at + 1);
  const std::string_view asked = question.substr(kHeaderBytes, at + 5 - kHeaderBytes);

  const std::lock_guard lock(mutex_);
  ++questions_[name];
  if (tcp) ++tcp_questions_;
  const auto found = records_.find(name);
  Record record = found == records_.end() ? Record{.rcode = 3} : found->second;
  if (record.silent) return {};
  if (record.nonsense) return std::string(question.substr(0, 2)) + std::string(40, '\xff');
  if (record.aaaa_servfail && type == kTypeAaaa) record.rcode = 2;
  const bool truncated = record.truncated && !tcp;

  std::string records;
  unsigned count = 0;
  std::string owner = "\xc0\x0c";  // the name of the question
  if (record.rcode == 0 && !truncated) {
    if (!record.cname.empty()) {
      put_record(records, owner, kTypeCname, record.cname_ttl, encoded(record.cname));
      owner = encoded(record.cname);
      ++count;
    }
    for (const std::string& text : type == kTypeA ? record.a : record.aaaa) {
      char bytes[16];
      EXPECT_EQ(inet_pton(type == kTypeA ? AF_INET : AF_INET6, text.c_str(), bytes), 1);
      put_record(records, owner, type, record.ttl, {bytes, type == kTypeA ? 4u : 16u});
      ++count;
    }
  }
  std::string reply(question.substr(0, 2));
  put16(reply, 0x8180u | (truncated ? 0x0200u : 0u) | static_cast<unsigned>(record.rcode));
  put16(reply, 1);
  put16(reply, count);
  put32(reply, 0);
  return reply + std::string(asked) + records;
}

}  // namespace sluice
