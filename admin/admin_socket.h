#pragma once

#include <atomic>
#include <expected>
#include <functional>
#include <string>
#include <thread>

#include "admin/operations.h"

namespace sluice {

// The socket's name in a data directory.
[[nodiscard]] std::string admin_socket_path(const std::string& directory);

// AdminSocket - takes calls from commands of this machine, one after the other, over a socket in
// the data directory that only the gateway's user can reach (mode 0600, and the peer's user is
// asked for). A call is a line of JSON {"command", "args", "secret_bytes"} and that many bytes
// behind it; an answer {"exit_code", "text", "secret_bytes"} likewise.
//
// Owns      the socket and a thread.
// Affinity  made and stopped by the starting thread; `handler` runs on its own.
// Limits    kAdminLineMax, kAdminSecretMax; a peer has 10 s for all of its call, and as long to
//           take its answer. Until then the next one waits.
class AdminSocket {
 public:
  using Handler = std::function<AdminAnswer(const AdminCall& call)>;

  // The error is a text for a person.
  [[nodiscard]] static std::expected<std::unique_ptr<AdminSocket>, std::string> open(
      const std::string& directory, Handler handler);
  ~AdminSocket();
  AdminSocket(const AdminSocket&) = delete;
  AdminSocket& operator=(const AdminSocket&) = delete;

 private:
  AdminSocket(std::string path, int fd, Handler handler);
  void run();
  void serve(int peer);

  std::string path_;
  int fd_;
  int stop_fd_;
  Handler handler_;
  std::thread thread_;
};

// Hands `call` to the gateway that serves `directory`. Nothing: none does.
[[nodiscard]] std::optional<AdminAnswer> call_gateway(const std::string& directory,
                                                      const AdminCall& call);

inline constexpr std::size_t kAdminLineMax = 1 << 20;     // a model list of thousands
inline constexpr std::size_t kAdminSecretMax = 64 << 20;  // the hours of an import: 500,000 of them

}  // namespace sluice
