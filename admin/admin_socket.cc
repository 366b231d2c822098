#include "admin/admin_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/units.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr int kBacklog = 16;
constexpr timeval kPatience = {.tv_sec = 10, .tv_usec = 0};  // for each read and write of a peer

// Descriptor - closes what it holds.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A long path does not fit into the address; through the directory's descriptor a short one does.
std::optional<sockaddr_un> address_of(const std::string& path, const Descriptor& directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof(address.sun_path)) {
    name = "/proc/self/fd/" + std::to_string(directory.get()) + path.substr(path.rfind('/'));
  }
  if (name.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  return address;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool receive_exactly(int fd, std::span<char> out) {
  std::size_t got = 0;
  while (got < out.size()) {
    const ssize_t n = recv(fd, out.data() + got, out.size() - got, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return true;
}

// A message: a JSON object in a line, then a secret. The line is read byte by byte, so that nothing
// of the secret is ever in a buffer that is not its own.
bool receive(int fd, Json& head, Secret& secret) {
  std::string line;
  char c = 0;
  while (line.size() < kAdminLineMax) {
    if (!receive_exactly(fd, {&c, 1})) return false;
    if (c == '\n') break;
    line += c;
  }
  head = Json::parse(line, nullptr, false);
  if (!head.is_object()) return false;
  const std::size_t bytes = head.value("secret_bytes", std::size_t{0});
  if (bytes > kAdminSecretMax) return false;
  if (bytes == 0) return true;
  bool whole = false;
  secret = Secret::written(bytes, [&](std::span<char> out) { whole = receive_exactly(fd, out); });
  return whole;
}

bool send_message(int fd, Json head, const Secret& secret) {
  head["secret_bytes"] = secret.reveal().size();
  const std::string line = head.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return send_all(fd, line) && send_all(fd, secret.reveal());
}

void be_patient(int fd) {
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
}

// Only who could open the files themselves.
bool may_call(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == geteuid() || peer.uid == 0;
}

}  // namespace

std::string admin_socket_path(const std::string& directory) { return directory + "/admin.sock"; }

std::expected<std::unique_ptr<AdminSocket>, std::string> AdminSocket::open(
    const std::string& directory, Handler handler) {
  std::string path = admin_socket_path(directory);
  const auto failed = [&path] {
    return std::unexpected("cannot listen on " + path + ": " + std::strerror(errno));
  };
  const Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (folder.get() < 0 || fd.get() < 0) return failed();
  const auto address = address_of(path, folder);
  if (!address) {
    errno = ENAMETOOLONG;
    return failed();
  }
  unlink(path.c_str());  // of a process that died: the directory's lock is ours
  const mode_t before = umask(0177);
  const int bound = bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address));
  umask(before);
  if (bound != 0 || listen(fd.get(), kBacklog) != 0) return failed();
  return std::unique_ptr<AdminSocket>(
      new AdminSocket(std::move(path), fd.release(), std::move(handler)));
}

AdminSocket::AdminSocket(std::string path, int fd, Handler handler)
    : path_(std::move(path)),
      fd_(fd),
      stop_fd_(eventfd(0, EFD_CLOEXEC)),
      handler_(std::move(handler)),
      thread_([this] { run(); }) {}

AdminSocket::~AdminSocket() {
  const std::uint64_t one = 1;
  static_cast<void>(!write(stop_fd_, &one, sizeof(one)));
  thread_.join();
  unlink(path_.c_str());
  close(fd_);
  close(stop_fd_);
}

void AdminSocket::run() {
  while (true) {
    pollfd waits[] = {{.fd = fd_, .events = POLLIN, .revents = 0},
                      {.fd = stop_fd_, .events = POLLIN, .revents = 0}};
    if (poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents != 0) return;
    const Descriptor peer(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
    try {
      if (peer.get() >= 0) serve(peer.get());
    } catch (const Json::exception&) {  // a head whose members are of other types: no answer
    }
  }
}

void AdminSocket::serve(int peer) {
  be_patient(peer);
  AdminCall call;
  Json head;
  if (!may_call(peer) || !receive(peer, head, call.secret)) return;
  call.command = head.value("command", "");
  call.args = head.value("args", Json::object());
  const AdminAnswer answer = handler_(call);
  static_cast<void>(
      send_message(peer, {{"exit_code", answer.exit_code}, {"text", answer.text}}, answer.secret));
}

std::optional<AdminAnswer> call_gateway(const std::string& directory, const AdminCall& call) {
  const std::string path = admin_socket_path(directory);
  const Descriptor folder(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = address_of(path, folder);
  if (folder.get() < 0 || fd.get() < 0 || !address) return std::nullopt;
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0)
    return std::nullopt;
  AdminAnswer answer;
  Json head;
  const bool answered =
      send_message(fd.get(), {{"command", call.command}, {"args", call.args}}, call.secret) &&
      receive(fd.get(), head, answer.secret);
  if (!answered) {
    return AdminAnswer{.exit_code = EX_IOERR,
                       .text = "the gateway at " + path + " did not answer; see its log\n"};
  }
  answer.exit_code = head.value("exit_code", EX_PROTOCOL);
  answer.text = head.value("text", "");
  return answer;
}

}  // namespace sluice
