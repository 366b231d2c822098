// The bare epoll relay: forwards the bytes between each client and a connection of its own to the
// upstream, and parses nothing. The least that a proxy on epoll can cost.
//
// Level-triggered: one recv into a buffer that all connections share and one send for each event.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "bench/relay/options.h"
#include "bench/relay/sockets.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kUsage = "epoll_relay --upstream ADDRESS:PORT [--listen ADDRESS:PORT]";
constexpr std::size_t kBufferBytes = 64 * 1024;  // a whole large answer in one recv
constexpr int kEventsMax = 256;
constexpr std::uint32_t kNothing = 0;

struct RelayPair;

// One end of a pair. `waiting`: what its peer sent and it did not take yet.
struct RelayEnd {
  RelayPair* pair = nullptr;
  RelayEnd* other = nullptr;
  int fd = -1;
  std::string waiting;
};

struct RelayPair {
  RelayEnd client;
  RelayEnd upstream;
  bool dead = false;
};

class EpollRelay {
 public:
  EpollRelay(int listener, const sockaddr_in& upstream)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)), listener_(listener), upstream_(upstream) {
    if (epoll_ < 0) end_os("epoll_create1");
    set_nonblocking(listener_);
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, kEventsMax> events;
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), kEventsMax, -1);
      for (int i = 0; i < count; ++i) {
        auto* const end = static_cast<RelayEnd*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (end == nullptr) accept_all();
        else on_event(*end, events[static_cast<std::size_t>(i)].events);
      }
      for (RelayPair* const pair : dead_) delete pair;  // no event of this round names it any more
      dead_.clear();
    }
  }

 private:
  void watch(int operation, int fd, std::uint32_t events, RelayEnd* end) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = end;
    if (epoll_ctl(epoll_, operation, fd, &event) != 0) end_os("epoll_ctl");
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int upstream = connect_blocking(upstream_);
      if (upstream < 0) {
        close(fd);
        continue;
      }
      set_nonblocking(upstream);
      auto* const pair = new RelayPair;
      pair->client = {.pair = pair, .other = &pair->upstream, .fd = fd, .waiting = {}};
      pair->upstream = {.pair = pair, .other = &pair->client, .fd = upstream, .waiting = {}};
      watch(EPOLL_CTL_ADD, fd, EPOLLIN, &pair->client);
      watch(EPOLL_CTL_ADD, upstream, EPOLLIN, &pair->upstream);
    }
  }

  void on_event(RelayEnd& end, std::uint32_t events) {
    if (end.pair->dead) return;
    if ((events & EPOLLOUT) != 0 && !send_waiting(end)) return;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
    const ssize_t got = recv(end.fd, buffer_.data(), buffer_.size(), 0);
    if (got > 0) forward(*end.other, std::string_view(buffer_.data(), static_cast<size_t>(got)));
    else if (got == 0 || errno != EAGAIN) end_pair(*end.pair);
  }

  void forward(RelayEnd& to, std::string_view bytes) {
    const ssize_t sent = send(to.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return end_pair(*to.pair);
    bytes.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
    if (bytes.empty()) return;
    // The peer is slow: nothing more is read for it until it has taken this.
    to.waiting.append(bytes);
    watch(EPOLL_CTL_MOD, to.fd, EPOLLOUT, &to);
    watch(EPOLL_CTL_MOD, to.other->fd, to.other->waiting.empty() ? kNothing : EPOLLOUT, to.other);
  }

  // False when the pair has ended.
  bool send_waiting(RelayEnd& end) {
    const ssize_t sent = send(end.fd, end.waiting.data(), end.waiting.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      end_pair(*end.pair);
      return false;
    }
    end.waiting.erase(0, sent > 0 ? static_cast<std::size_t>(sent) : 0);
    if (!end.waiting.empty()) return true;
    RelayEnd& other = *end.other;
    watch(EPOLL_CTL_MOD, end.fd, other.waiting.empty() ? EPOLLIN : kNothing, &end);
    watch(EPOLL_CTL_MOD, other.fd, other.waiting.empty() ? EPOLLIN : EPOLLOUT, &other);
    return true;
  }

  void end_pair(RelayPair& pair) {
    if (pair.dead) return;
    pair.dead = true;
    close(pair.client.fd);
    close(pair.upstream.fd);
    dead_.push_back(&pair);
  }

  int epoll_;
  int listener_;
  sockaddr_in upstream_;
  std::array<char, kBufferBytes> buffer_;
  std::vector<RelayPair*> dead_;
};

int run(int argc, char** argv) {
  constexpr std::array<std::string_view, 2> kKnown = {"listen", "upstream"};
  const CommandLine options(argc, argv, kKnown, kUsage);
  raise_descriptor_limit();
  const int listener = open_listener(parse_ipv4(options.text("listen", "127.0.0.1:0")));
  static EpollRelay relay(listener, parse_ipv4(options.text("upstream")));
  announce_listener(listener, "http");
  relay.run();
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) { return sluice::bench::run(argc, argv); }
