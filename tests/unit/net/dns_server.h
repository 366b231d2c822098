#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice {

// DnsServer - a name server on a loopback port, UDP and TCP, that says what a test wants to hear.
//
// Owns      its thread and its sockets.
// Affinity  any thread may call set() and the counters.
class DnsServer {
 public:
  struct Record {
    std::vector<std::string> a = {};     // "192.0.2.1"
    std::vector<std::string> aaaa = {};  // "2001:db8::1"
    std::string cname = {};              // the addresses belong to this name
    std::uint32_t ttl = 60;
    std::uint32_t cname_ttl = 60;
    int rcode = 0;           // 2 SERVFAIL, 3 NXDOMAIN
    bool silent = false;     // never answers
    bool truncated = false;  // UDP answers say: ask again by TCP
    bool nonsense = false;   // answers with bytes that are no DNS message
    bool aaaa_servfail = false;
  };

  DnsServer();
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  // Names that were never set do not exist (NXDOMAIN).
  void set(std::string_view name, Record record);

  // How many questions of any type came for `name`.
  [[nodiscard]] int questions(std::string_view name);
  [[nodiscard]] int tcp_questions();

  // "127.0.0.1:40053"
  [[nodiscard]] std::string address() const;

 private:
  void run();
  void serve_udp();
  struct TcpClient {
    int fd;
    std::string unread;
  };
  // False when the client has closed.
  bool serve_tcp(TcpClient& client);
  [[nodiscard]] std::string answer(std::string_view question, bool tcp);

  int udp_ = -1;
  int tcp_ = -1;
  int stop_read_ = -1;
  int stop_write_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::map<std::string, Record, std::less<>> records_;
  std::map<std::string, int, std::less<>> questions_;
  int tcp_questions_ = 0;
  std::vector<TcpClient> tcp_clients_;
  std::thread thread_;
};

}  // namespace sluice
