#include "engine/net/dns_client.h"

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>

namespace sluice {
namespace {

// ares_library_init() counts without a lock.
int init_library() {
  static std::once_flag once;
  static int status = ARES_SUCCESS;
  std::call_once(once, [] { status = ares_library_init(ARES_LIB_INIT_ALL); });
  return status;
}

DnsClient::Outcome outcome_of(int status) noexcept {
  switch (status) {
    case ARES_SUCCESS: return DnsClient::Outcome::kAddresses;
    case ARES_ENOTFOUND:
    case ARES_EBADNAME: return DnsClient::Outcome::kNoSuchName;
    case ARES_ENODATA: return DnsClient::Outcome::kNoAddress;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION: return DnsClient::Outcome::kStopped;
    default: return DnsClient::Outcome::kNoAnswer;  // an open set of numbers, not an enum
  }
}

// ARES_ECONNREFUSED tells nothing: it is also what remains of a SERVFAIL from every server.
std::int32_t errno_of(int status) noexcept { return status == ARES_ETIMEOUT ? ETIMEDOUT : 0; }

// TTLs are 31 bits; a larger one counts as zero (RFC 2181 section 8).
Duration ttl_of(int seconds) noexcept { return std::chrono::seconds(std::max(seconds, 0)); }

DnsClient::Answer answer_of(int status, const ares_addrinfo* info) noexcept {
  DnsClient::Answer answer;
  answer.outcome = outcome_of(status);
  answer.os_errno = errno_of(status);
  if (answer.outcome != DnsClient::Outcome::kAddresses) return answer;
  answer.ttl = Duration::max();
  for (const ares_addrinfo_cname* cname = info->cnames; cname != nullptr; cname = cname->next) {
    answer.ttl = std::min(answer.ttl, ttl_of(cname->ttl));
  }
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    SocketAddress address;
    if (node->ai_addrlen > sizeof(address.storage)) continue;
    std::memcpy(&address.storage, node->ai_addr, node->ai_addrlen);
    address.bytes = node->ai_addrlen;
    if (const std::optional<IpAddress> ip = ip_of(address)) answer.addresses.add(*ip);
    answer.ttl = std::min(answer.ttl, ttl_of(node->ai_ttl));
  }
  if (answer.addresses.empty()) answer.outcome = DnsClient::Outcome::kNoAddress;
  return answer;
}

}  // namespace

// Sockets are made here, because c-ares, left alone, would close them while a poll is in flight.
struct DnsClient::Glue {
  static int open_socket(int family, int type, int protocol, void*) {
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  }
  static int close_socket(int fd, void* client) {
    static_cast<DnsClient*>(client)->give_up(fd);
    return 0;
  }
  static int connect_socket(int fd, const sockaddr* address, socklen_t bytes, void*) {
    return connect(fd, address, bytes);
  }
  static ssize_t receive(int fd, void* target, std::size_t bytes, int flags, sockaddr* from,
                         socklen_t* from_bytes, void*) {
    return recvfrom(fd, target, bytes, flags, from, from_bytes);
  }
  static ssize_t send(int fd, const iovec* pieces, int count, void*) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces);
    message.msg_iovlen = static_cast<std::size_t>(count);
    return sendmsg(fd, &message, MSG_NOSIGNAL);
  }
  static void socket_state(void* client, int fd, int readable, int writable) {
    const int mask = (readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0);
    static_cast<DnsClient*>(client)->watch(fd, static_cast<std::uint32_t>(mask));
  }
  static void answered(void* query, int status, int /*timeouts*/, ares_addrinfo* info) {
    const Answer answer = answer_of(status, info);
    if (info != nullptr) ares_freeaddrinfo(info);
    static_cast<Query*>(query)->on_answer(answer);
  }
  static constexpr ares_socket_functions kFunctions{open_socket, close_socket, connect_socket,
                                                    receive, send};
};

DnsClient::~DnsClient() {
  SL_ASSERT(idle() && !timeout_.linked());
  if (channel_ != nullptr) ares_destroy(channel_);
}

std::string DnsClient::open(const Options& options) {
  SL_ASSERT(channel_ == nullptr);
  std::string lookups = "b";  // name servers only: files would be read at every query
  std::string resolv_conf = options.resolv_conf != nullptr ? options.resolv_conf : "";
  ares_options settings{};
  settings.flags = ARES_FLAG_NOALIASES;  // HOSTALIASES names a file that every query would read
  settings.timeout = static_cast<int>(options.timeout / 1ms);
  settings.tries = options.tries;
  settings.lookups = lookups.data();
  settings.sock_state_cb = Glue::socket_state;
  settings.sock_state_cb_data = this;
  settings.resolvconf_path = resolv_conf.data();
  int chosen = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
               ARES_OPT_SOCK_STATE_CB;
  if (options.resolv_conf != nullptr) chosen |= ARES_OPT_RESOLVCONF;
  int status = init_library();
  if (status == ARES_SUCCESS) status = ares_init_options(&channel_, &settings, chosen);
  if (status != ARES_SUCCESS) {
    channel_ = nullptr;
    return std::string("the name resolver cannot start: ") + ares_strerror(status);
  }
  ares_set_socket_functions(channel_, &Glue::kFunctions, this);
  if (!options.servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, options.servers.c_str());
    if (status != ARES_SUCCESS) {
      return "the name servers \"" + options.servers +
             "\" cannot be used: " + ares_strerror(status);
    }
  }
  return {};
}

void DnsClient::ask(Reactor& reactor, const char* name, Query& query) {
  SL_ASSERT(channel_ != nullptr && (reactor_ == nullptr || reactor_ == &reactor));
  reactor_ = &reactor;
  ares_addrinfo_hints hints{};
  // in_trying_order() sorts: RFC 6724 by c-ares costs a socket per address.
  hints.ai_flags = ARES_AI_NOSORT;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_, name, nullptr, &hints, Glue::answered, &query);
  set_timeout();
}

void DnsClient::cancel_all() noexcept {
  if (channel_ == nullptr || reactor_ == nullptr) return;
  ares_cancel(channel_);
  set_timeout();
}

void DnsClient::process(int readable_fd, int writable_fd) noexcept {
  ares_process_fd(channel_, readable_fd, writable_fd);
  set_timeout();
}

void DnsClient::set_timeout() noexcept {
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) {
    reactor_->timers().stop(timeout_);
    return;
  }
  const Duration wait = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  reactor_->timers().start(timeout_, reactor_->clock().now() + wait);
}

void DnsClient::on_poll(WatchedSocket& socket, std::int32_t result) noexcept {
  if (socket.given_up) return release(socket);
  const int fd = socket.fd;
  const std::uint32_t asked = socket.armed;
  socket.armed = 0;
  if (result > 0) {
    // An error or a hang-up shows in what c-ares then reads or writes.
    const auto mask = static_cast<std::uint32_t>(result);
    const bool failed = (mask & (POLLERR | POLLHUP)) != 0;
    const bool readable = (asked & POLLIN) != 0 && (failed || (mask & POLLIN) != 0);
    const bool writable = (asked & POLLOUT) != 0 && (failed || (mask & POLLOUT) != 0);
    process(readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
  } else if (result != -ECANCELED) {
    return;  // not watched any more: the query ends by its timeout
  }
  // process() may have closed the socket, and opened another under the same number.
  if (WatchedSocket* const still = find(fd)) arm(*still);
}

void DnsClient::watch(int fd, std::uint32_t mask) noexcept {
  WatchedSocket* socket = find(fd);
  if (socket == nullptr) {
    if (mask == 0) return;
    socket = new (reactor_->blocks().take(sizeof(WatchedSocket))) WatchedSocket(*this, fd);
    sockets_.push_back(*socket);
  }
  socket->wanted = mask;
  arm(*socket);
}

void DnsClient::arm(WatchedSocket& socket) noexcept {
  if (socket.in_flight()) {
    if (socket.armed != socket.wanted) reactor_->kernel().cancel(socket);  // on_poll() arms anew
    return;
  }
  if (socket.wanted == 0) return;
  socket.armed = socket.wanted;
  reactor_->kernel().poll(socket.fd, socket.wanted, socket);
}

void DnsClient::give_up(int fd) noexcept {
  WatchedSocket* const socket = find(fd);
  if (socket == nullptr) {
    ::close(fd);
    return;
  }
  socket->given_up = true;
  if (socket->in_flight()) {
    reactor_->kernel().cancel(*socket);
  } else {
    release(*socket);
  }
}

void DnsClient::release(WatchedSocket& socket) noexcept {
  static_cast<ListNode&>(socket).unlink();
  reactor_->kernel().close_socket(socket.fd);
  socket.~WatchedSocket();
  reactor_->blocks().give(&socket, sizeof(WatchedSocket));
  if (sockets_.empty() && idle_waiter_ != nullptr) {
    idle_waiter_->wake();
    idle_waiter_ = nullptr;
  }
}

DnsClient::WatchedSocket* DnsClient::find(int fd) noexcept {
  for (WatchedSocket* socket = sockets_.front(); socket != nullptr;
       socket = sockets_.after(*socket)) {
    if (socket->fd == fd && !socket->given_up) return socket;
  }
  return nullptr;
}

}  // namespace sluice
