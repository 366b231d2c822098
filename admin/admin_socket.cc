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
#include <chrono>
#include <cstring>
#include <memory>

#include "base/file_descriptor.h"
#include "base/units.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr int kBacklog = 16;
constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kAcceptNap = std::chrono::milliseconds(100);  // without descriptors
// Arguments of a call are lists in an object at most; what is nested deeper would only serve to
// exhaust the stack of who copies it.
constexpr int kDepthMax = 8;

// A long path does not fit into the address; through the directory's descriptor a short one does.
std::optional<sockaddr_un> address_of(const std::string& path, const FileDescriptor& directory) {
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

// Conversation - bytes to and from a peer, until a deadline or until `stop_fd` says so.
//
// Lifetime  within that of both descriptors; stop_fd -1: nothing calls it off.
class Conversation {
 public:
  using Time = std::chrono::steady_clock::time_point;
  Conversation(int fd, int stop_fd, Time deadline)
      : fd_(fd), stop_fd_(stop_fd), deadline_(deadline) {}

  // A message: a JSON object in a line, then a secret.
  [[nodiscard]] bool receive(Json& head, Secret& secret);
  [[nodiscard]] bool send(Json head, const Secret& secret);
  void extend(Time deadline) noexcept { deadline_ = deadline; }

 private:
  [[nodiscard]] bool send_all(std::string_view bytes);
  [[nodiscard]] bool receive_exactly(std::span<char> out);
  // Until the peer is ready for `events`; false when it is too late.
  [[nodiscard]] bool wait(short events) const;

  int fd_;
  int stop_fd_;
  Time deadline_;
};

bool Conversation::wait(short events) const {
  while (true) {
    int patience = -1;
    if (deadline_ != Time::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          deadline_ - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      patience = static_cast<int>(left.count());
    }
    pollfd waits[] = {{.fd = fd_, .events = events, .revents = 0},
                      {.fd = stop_fd_, .events = POLLIN, .revents = 0}};
    const int ready = poll(waits, 2, patience);
    if (ready < 0 && errno != EINTR) return false;
    if (ready > 0) return waits[1].revents == 0;
  }
}

bool Conversation::send_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN && wait(POLLOUT)) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Conversation::receive_exactly(std::span<char> out) {
  while (!out.empty()) {
    const ssize_t n = recv(fd_, out.data(), out.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN && wait(POLLIN)) continue;
    if (n <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

// The line is read byte by byte, so that nothing of the secret is ever in a buffer that is not its
// own.
bool Conversation::receive(Json& head, Secret& secret) {
  std::string line;
  for (char c = 0; c != '\n'; line += c) {
    if (line.size() == kAdminLineMax || !receive_exactly({&c, 1})) return false;
  }
  bool shallow = true;
  const auto look = [&shallow](int depth, Json::parse_event_t, const Json&) {
    shallow = shallow && depth <= kDepthMax;
    return shallow;
  };
  head = Json::parse(line, look, false);
  if (!shallow || !head.is_object()) return false;
  const Json size = head.value("secret_bytes", Json(0u));
  if (!size.is_number_unsigned() || size.get<std::uint64_t>() > kAdminSecretMax) return false;
  const auto bytes = size.get<std::size_t>();
  if (bytes == 0) return true;
  bool whole = false;
  secret = Secret::written(bytes, [&](std::span<char> out) { whole = receive_exactly(out); });
  return whole;
}

bool Conversation::send(Json head, const Secret& secret) {
  head["secret_bytes"] = secret.reveal().size();
  const std::string line = head.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return send_all(line) && send_all(secret.reveal());
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
  const FileDescriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
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
    const FileDescriptor peer(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
    if (peer.get() < 0) {  // no descriptors are left: the next one may find some
      static_cast<void>(poll(waits + 1, 1, static_cast<int>(kAcceptNap.count())));
      continue;
    }
    try {
      serve(peer.get());
    } catch (const Json::exception&) {  // a head whose members are of other types: no answer
    }
  }
}

void AdminSocket::serve(int peer) {
  const auto in_time = [] { return std::chrono::steady_clock::now() + kPatience; };
  Conversation conversation(peer, stop_fd_, in_time());
  AdminCall call;
  Json head;
  if (!may_call(peer) || !conversation.receive(head, call.secret)) return;
  call.command = head.value("command", "");
  call.args = head.value("args", Json::object());
  const AdminAnswer answer = handler_(call);
  conversation.extend(in_time());
  static_cast<void>(conversation.send(
      {{"exit_code", answer.exit_code}, {"text", answer.text}, {"figures", answer.figures}},
      answer.secret));
}

std::optional<AdminAnswer> call_gateway(const std::string& directory, const AdminCall& call) {
  const std::string path = admin_socket_path(directory);
  const FileDescriptor folder(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = address_of(path, folder);
  if (folder.get() < 0 || fd.get() < 0 || !address) return std::nullopt;
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0)
    return std::nullopt;
  AdminAnswer answer;
  Json head;
  // A gateway takes its time where it has much to write.
  Conversation conversation(fd.get(), -1, Conversation::Time::max());
  const bool answered =
      conversation.send({{"command", call.command}, {"args", call.args}}, call.secret) &&
      conversation.receive(head, answer.secret);
  if (!answered) {
    return AdminAnswer{.exit_code = EX_IOERR,
                       .text = "the gateway at " + path + " did not answer; see its log\n"};
  }
  answer.exit_code = head.value("exit_code", EX_PROTOCOL);
  answer.text = head.value("text", "");
  answer.figures = head.value("figures", Json::object());
  return answer;
}

}  // namespace sluice
