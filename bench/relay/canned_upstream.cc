// The canned upstream: answers every request at once with the same completion, or with a stream of
// events in fixed steps. It reads of a request only where it ends. SIGUSR1 ends all streams that
// run, each with its next event.
//
// What it has answered stands in a file (--counters, two 64-bit words in the machine's order:
// requests, events), so that who measures reads it without asking.

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <unordered_map>

#include "base/block_pool.h"
#include "bench/relay/canned_answer.h"
#include "bench/relay/channel.h"
#include "bench/relay/options.h"
#include "bench/relay/sockets.h"
#include "tls/context.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kUsage =
    "canned_upstream [--listen ADDRESS:PORT] [--answer-bytes 2048] [--counters FILE] "
    "[--mode completions|streams] [--event-bytes 256] [--step-us 20000] "
    "[--certificate PEM --key PEM]";
constexpr std::array<std::string_view, 8> kKnown = {
    "listen", "answer-bytes", "counters", "mode", "event-bytes", "step-us", "certificate", "key"};
constexpr std::uint64_t kSecondNs = 1'000'000'000;

volatile std::sig_atomic_t g_end_streams = 0;  // SIGUSR1 came

struct Counters {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> events{0};
};

// The counters, in `path` when it is not empty.
Counters& open_counters(const std::string& path) {
  static Counters unseen;
  if (path.empty()) return unseen;
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate(fd, sizeof(Counters)) != 0) end_os(path);
  void* const memory = mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) end_os(path);
  close(fd);
  return *new (memory) Counters;
}

// A gateway's connection.
struct Connection {
  Connection(int epoll, int fd, TlsSession::Owner tls) : channel(epoll, fd, this, std::move(tls)) {}
  Channel channel;
  std::uint64_t id = 0;
  std::string head;
  std::uint64_t body_left = 0;
  bool in_body = false;
  bool is_post = false;
  bool streams = false;  // a stream runs on it
};

struct Settings {
  std::string answer;
  CannedEvent event;
  bool streams = false;
  std::uint64_t step_ns = 0;
};

class CannedUpstream {
 public:
  CannedUpstream(int listener, Settings settings, Counters& counters,
                 std::optional<ServerTlsContext> tls)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)),
        listener_(listener),
        settings_(std::move(settings)),
        counters_(counters),
        tls_(std::move(tls)) {
    if (epoll_ < 0) end_os("epoll_create1");
    set_nonblocking(listener_);
    epoll_event event{};
    event.events = EPOLLIN;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event) != 0) end_os("epoll_ctl");
  }

  [[noreturn]] void run() {
    constexpr int kEventsMax = 256;
    std::array<epoll_event, kEventsMax> events;
    for (;;) {
      const timespec left = until_next_event();
      const int count =
          epoll_pwait2(epoll_, events.data(), kEventsMax, due_.empty() ? nullptr : &left, nullptr);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        auto* const connection = static_cast<Connection*>(event.data.ptr);
        if (connection == nullptr) accept_all();
        else if (!on_event(*connection, event.events)) connections_.erase(connection->id);
      }
      send_due_events();
    }
  }

 private:
  struct Due {
    std::uint64_t at_ns;
    std::uint64_t connection;
    std::uint64_t stream;
    bool operator>(const Due& other) const { return at_ns > other.at_ns; }
  };

  [[nodiscard]] timespec until_next_event() const {
    if (due_.empty()) return {};
    const std::uint64_t now = monotonic_ns();
    const std::uint64_t left = due_.top().at_ns > now ? due_.top().at_ns - now : 0;
    return {.tv_sec = static_cast<time_t>(left / kSecondNs),
            .tv_nsec = static_cast<long>(left % kSecondNs)};
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      TlsSession::Owner tls = tls_ ? TlsSession::make(*tls_, blocks_) : nullptr;
      auto connection = std::make_unique<Connection>(epoll_, fd, std::move(tls));
      connection->id = ++last_id_;
      connections_.emplace(last_id_, std::move(connection));
    }
  }

  // False when the connection has ended.
  bool on_event(Connection& connection, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && !connection.channel.flush()) return false;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return true;
    auto [bytes, open] = connection.channel.receive();
    while (!bytes.empty()) {
      if (!take_request_bytes(connection, bytes)) return false;
    }
    return open;
  }

  // Drops from `bytes` what belongs to the present request, and answers it where it ends.
  bool take_request_bytes(Connection& connection, std::string_view& bytes) {
    if (!connection.in_body) {
      const std::size_t before = connection.head.size();
      connection.head.append(bytes);
      const std::size_t end = connection.head.find("\r\n\r\n", before < 3 ? 0 : before - 3);
      if (end == std::string::npos) {
        bytes = {};
        return true;
      }
      bytes.remove_prefix(end + 4 - before);
      const std::string_view head(connection.head.data(), end);
      const std::string_view length = head_field(head, "content-length");
      connection.body_left = 0;
      const auto [at, fault] =
          std::from_chars(length.data(), length.data() + length.size(), connection.body_left);
      connection.is_post = head.starts_with("POST");
      if (fault != std::errc() && connection.is_post) {
        std::fprintf(stderr, "a request without Content-Length: %s\n", connection.head.c_str());
        return false;
      }
      connection.head.clear();
      connection.in_body = true;
    }
    const std::uint64_t some = std::min<std::uint64_t>(bytes.size(), connection.body_left);
    bytes.remove_prefix(some);
    connection.body_left -= some;
    if (connection.body_left > 0) return true;
    connection.in_body = false;
    return answer(connection);
  }

  bool answer(Connection& connection) {
    // Not the load's: a gateway that looks how its provider is.
    if (!connection.is_post) return connection.channel.send(settings_.answer);
    counters_.requests.fetch_add(1, std::memory_order_relaxed);
    if (!settings_.streams) return connection.channel.send(settings_.answer);
    if (connection.streams) return false;  // a second request in a stream
    connection.streams = true;
    if (!connection.channel.send(canned_stream_head()) || !send_event(connection)) return false;
    // Streams are as evenly spread over a step as a multiplicative hash spreads their numbers.
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
    const std::uint64_t phase = ((++last_stream_ * kGolden) >> 32) * settings_.step_ns >> 32;
    due_.push(
        {.at_ns = monotonic_ns() + phase, .connection = connection.id, .stream = last_stream_});
    return true;
  }

  bool send_event(Connection& connection) {
    write_instant(settings_.event, monotonic_ns());
    counters_.events.fetch_add(1, std::memory_order_relaxed);
    return connection.channel.send(settings_.event.chunk);
  }

  void send_due_events() {
    if (g_end_streams != 0) {
      g_end_streams = 0;
      ending_to_ = last_stream_;
    }
    const std::uint64_t now = due_.empty() ? 0 : monotonic_ns();
    while (!due_.empty() && due_.top().at_ns <= now) {
      Due due = due_.top();
      due_.pop();
      const auto found = connections_.find(due.connection);
      if (found == connections_.end()) continue;
      Connection& connection = *found->second;
      const bool ends = due.stream <= ending_to_;
      bool sent = send_event(connection);
      if (ends) sent = sent && connection.channel.send(end_);
      if (!sent) {
        connections_.erase(found);
      } else if (ends) {
        connection.streams = false;
      } else {
        // Late by a step and more, it leaves events out, as a provider without time does: what
        // piled up would be another load.
        due.at_ns = std::max(due.at_ns, now - std::min(now, settings_.step_ns)) + settings_.step_ns;
        due_.push(due);
      }
    }
  }

  int epoll_;
  int listener_;
  Settings settings_;
  Counters& counters_;
  std::optional<ServerTlsContext> tls_;
  BlockPool blocks_;
  std::string end_ = canned_stream_end();
  std::uint64_t last_id_ = 0;
  std::uint64_t last_stream_ = 0;
  std::uint64_t ending_to_ = 0;  // streams up to this one have one more event
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

std::optional<ServerTlsContext> server_context(const CommandLine& options) {
  if (!options.has("certificate")) return std::nullopt;
  const CertificateFiles files{.certificate_file = options.text("certificate"),
                               .key_file = options.text("key")};
  auto context = ServerTlsContext::create(std::span(&files, 1));
  if (!context) end_usage(context.error());
  return std::move(*context);
}

int run(int argc, char** argv) {
  const CommandLine options(argc, argv, kKnown, kUsage);
  raise_descriptor_limit();
  const std::string mode = options.text("mode", "completions");
  if (mode != "completions" && mode != "streams") end_usage("--mode: \"" + mode + "\" is no mode");
  std::signal(SIGUSR1, [](int) { g_end_streams = 1; });
  Settings settings{
      .answer = canned_completion(options.number("answer-bytes", 2048)),
      .event = canned_event(options.number("event-bytes", 256)),
      .streams = mode == "streams",
      .step_ns = options.number("step-us", 20'000) * 1000,
  };
  Counters& counters = open_counters(options.text("counters", ""));
  std::optional<ServerTlsContext> tls = server_context(options);
  const std::string_view scheme = tls ? "https" : "http";
  const int listener = open_listener(parse_ipv4(options.text("listen", "127.0.0.1:0")));
  CannedUpstream upstream(listener, std::move(settings), counters, std::move(tls));
  announce_listener(listener, scheme);
  upstream.run();
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) { return sluice::bench::run(argc, argv); }
