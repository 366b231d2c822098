// Load that wrk cannot make: many streams of events, whose delays it measures, or many connections
// that rest after one request each.
//
// Opens the connections, says "ready" when each has its first event (or its whole answer), measures
// until its standard input ends, says "measured", waits for the streams' own end, and prints one
// line of JSON.

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/block_pool.h"
#include "bench/relay/canned_answer.h"
#include "bench/relay/channel.h"
#include "bench/relay/options.h"
#include "bench/relay/sockets.h"
#include "parser/chunked.h"
#include "tls/context.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kUsage =
    "stream_load --mode streams|idle --url http[s]://ADDRESS:PORT --connections N --requests FILE "
    "[--ca PEM]";
constexpr std::array<std::string_view, 5> kKnown = {"mode", "url", "connections", "requests", "ca"};
// Connections that have no answer yet: enough to be quick, and few enough that a proxy needs no
// more connections to its upstream at once than these where answers are short.
constexpr std::size_t kOpeningMax = 64;

// What the answers on one connection are made of.
struct Answer {
  std::string head;
  bool in_body = false;
  bool chunked = false;
  std::uint64_t body_left = 0;
  ChunkedDecoder chunks;
  std::string line;  // of an event, as far as it has come
  std::uint64_t events = 0;
  bool said_done = false;
  bool complete = false;
};

struct LoadConnection {
  LoadConnection(int epoll, int fd, TlsSession::Owner tls)
      : channel(epoll, fd, this, std::move(tls)) {}
  Channel channel;
  Answer answer;
  std::string request;  // until the handshake is done and it is sent
  bool ready = false;
  bool failed = false;
};

struct LoadSettings {
  bool streams = false;
  std::size_t connections = 0;
  sockaddr_in address{};
  std::vector<std::string> requests;  // taken in turn
  std::optional<ClientTlsContext> tls;
};

class StreamLoad {
 public:
  explicit StreamLoad(LoadSettings settings)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)), settings_(std::move(settings)) {
    if (epoll_ < 0) end_os("epoll_create1");
    connections_.reserve(settings_.connections);
    epoll_event event{};
    event.events = EPOLLIN;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) end_os("epoll_ctl");
  }

  void run() {
    constexpr int kEventsMax = 256;
    std::array<epoll_event, kEventsMax> events;
    while (!finished()) {
      while (connections_.size() < settings_.connections && opening_ < kOpeningMax) open_one();
      const int count = epoll_wait(epoll_, events.data(), kEventsMax, -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        auto* const connection = static_cast<LoadConnection*>(event.data.ptr);
        if (connection == nullptr) read_input();
        else if (!connection->failed) on_event(*connection, event.events);
      }
    }
    report();
  }

 private:
  [[nodiscard]] bool finished() const {
    return failed_ > 0 || (input_ended_ && (!settings_.streams || over_ == connections_.size()));
  }

  void read_input() {
    char byte = 0;
    if (read(STDIN_FILENO, &byte, 1) == 1) return;
    input_ended_ = true;
    measures_ = false;
    std::printf("measured\n");
    std::fflush(stdout);
    epoll_ctl(epoll_, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
  }

  void open_one() {
    const std::size_t number = connections_.size();
    const int fd = connect_blocking(settings_.address);
    if (fd < 0) end_os("connect");
    TlsSession::Owner tls;
    if (settings_.tls) {
      const TlsPeer peer{.host = "localhost", .port = ntohs(settings_.address.sin_port)};
      tls = TlsSession::make(*settings_.tls, peer, blocks_);
    }
    connections_.push_back(std::make_unique<LoadConnection>(epoll_, fd, std::move(tls)));
    LoadConnection& connection = *connections_.back();
    ++opening_;
    const std::string& request = settings_.requests[number % settings_.requests.size()];
    if (settings_.tls) connection.request = request;
    const bool sent =
        settings_.tls ? connection.channel.start_handshake() : connection.channel.send(request);
    if (!sent) fail(connection, "the connection broke when it was opened");
  }

  void on_event(LoadConnection& connection, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && !connection.channel.flush())
      return fail(connection, "the connection broke");
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
    const auto [bytes, open] = connection.channel.receive();
    if (!connection.request.empty() && connection.channel.established()) {
      const std::string request = std::exchange(connection.request, {});
      if (!connection.channel.send(request)) return fail(connection, "the request was not sent");
    }
    take(connection, bytes);
    if (!open && !connection.failed && !(settings_.streams && connection.answer.complete))
      fail(connection, "the connection was closed");
  }

  void take(LoadConnection& connection, std::string_view bytes) {
    Answer& answer = connection.answer;
    if (!answer.in_body && !bytes.empty() && !take_head(connection, bytes)) return;
    while (!bytes.empty() && !answer.complete && !connection.failed) {
      if (answer.chunked) {
        const ChunkedDecoder::Step step = answer.chunks.next(bytes);
        if (step.state == ChunkedDecoder::Step::kMalformed)
          return fail(connection, "malformed chunks");
        take_body(answer, step.payload);
        answer.complete = step.state == ChunkedDecoder::Step::kDone;
        bytes.remove_prefix(step.consumed);
      } else {
        const std::size_t some = std::min<std::size_t>(bytes.size(), answer.body_left);
        answer.body_left -= some;
        answer.complete = answer.body_left == 0;
        bytes.remove_prefix(some);
        if (some == 0) return fail(connection, "bytes behind the answer");
      }
    }
    if (!connection.ready && (settings_.streams ? answer.events > 0 : answer.complete))
      become_ready(connection);
    if (settings_.streams && answer.complete && !answer.head.empty()) {
      answer.head.clear();
      ++over_;
      // A stream that ends while others are measured would make their load another one.
      if (!answer.said_done) fail(connection, "a stream ended without [DONE]");
      else if (!input_ended_) fail(connection, "a stream ended while it was measured");
    }
  }

  bool take_head(LoadConnection& connection, std::string_view& bytes) {
    Answer& answer = connection.answer;
    const std::size_t before = answer.head.size();
    answer.head.append(bytes);
    const std::size_t end = answer.head.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    bytes.remove_prefix(end + 4 - before);
    answer.head.resize(end);
    if (!answer.head.starts_with("HTTP/1.1 200")) {
      fail(connection, answer.head.substr(0, answer.head.find("\r\n")));
      return false;
    }
    answer.in_body = true;
    answer.chunked = head_field(answer.head, "transfer-encoding") == "chunked";
    const std::string_view length = head_field(answer.head, "content-length");
    std::from_chars(length.data(), length.data() + length.size(), answer.body_left);
    return true;
  }

  // Events are lines that begin with "data: "; their instants tell how long they were on the way.
  void take_body(Answer& answer, std::string_view payload) {
    if (!settings_.streams) return;
    while (!payload.empty()) {
      const std::size_t end = payload.find('\n');
      answer.line.append(payload.substr(0, end));
      if (end == std::string_view::npos) return;
      payload.remove_prefix(end + 1);
      take_line(answer);
      answer.line.clear();
    }
  }

  void take_line(Answer& answer) {
    if (answer.line == "data: [DONE]") answer.said_done = true;
    const std::size_t at = answer.line.rfind(kInstantBegins);
    if (at == std::string::npos) return;
    ++answer.events;
    ++events_;
    if (!measures_) return;
    std::uint64_t sent_ns = 0;
    const char* const digits = answer.line.data() + at + kInstantBegins.size();
    std::from_chars(digits, digits + kInstantDigits, sent_ns);
    delays_ns_.push_back(monotonic_ns() - sent_ns);
  }

  void become_ready(LoadConnection& connection) {
    connection.ready = true;
    --opening_;
    if (++ready_ < settings_.connections) return;
    measures_ = true;
    std::printf("ready\n");
    std::fflush(stdout);
  }

  void fail(LoadConnection& connection, std::string_view why) {
    connection.failed = true;
    ++failed_;
    if (fault_.empty()) fault_ = why;
  }

  [[nodiscard]] double delay_us(double share) {
    if (delays_ns_.empty()) return 0;
    const auto at = static_cast<std::size_t>(share * static_cast<double>(delays_ns_.size() - 1));
    std::ranges::nth_element(delays_ns_, delays_ns_.begin() + static_cast<std::ptrdiff_t>(at));
    return static_cast<double>(delays_ns_[at]) / 1000;
  }

  void report() {
    std::erase(fault_, '"');
    std::printf(
        "{\"streams\": %zu, \"open\": %zu, \"events\": %llu, \"measured\": %zu, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"failed\": %zu, "
        "\"fault\": \"%s\"}\n",
        over_, connections_.size() - failed_, static_cast<unsigned long long>(events_),
        delays_ns_.size(), delay_us(0.5), delay_us(0.99), delay_us(1), failed_, fault_.c_str());
  }

  int epoll_;
  LoadSettings settings_;
  BlockPool blocks_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::size_t opening_ = 0;
  std::size_t ready_ = 0;
  std::size_t over_ = 0;  // streams that have come to their end
  std::size_t failed_ = 0;
  std::string fault_;
  bool measures_ = false;
  bool input_ended_ = false;
  std::uint64_t events_ = 0;
  std::vector<std::uint64_t> delays_ns_;
};

std::vector<std::string> split_requests(const std::string& text) {
  std::vector<std::string> requests;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    requests.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return requests;
}

int run(int argc, char** argv) {
  const CommandLine options(argc, argv, kKnown, kUsage);
  raise_descriptor_limit();
  const std::string mode = options.text("mode");
  if (mode != "streams" && mode != "idle") end_usage("--mode: \"" + mode + "\" is no mode");
  const std::string url = options.text("url");
  const std::size_t host = url.find("://");
  if (host == std::string::npos) end_usage("--url: \"" + url + "\" is no URL");
  LoadSettings settings;
  settings.streams = mode == "streams";
  settings.connections = options.number("connections", 1);
  settings.address = parse_ipv4(std::string_view(url).substr(host + 3));
  settings.requests = split_requests(read_file(options.text("requests")));
  if (url.starts_with("https")) {
    auto trust = TrustStore::from_file(options.text("ca"));
    if (!trust) end_usage(trust.error());
    auto context = ClientTlsContext::create(std::move(*trust));
    if (!context) end_usage(context.error());
    settings.tls = std::move(*context);
  }
  StreamLoad load(std::move(settings));
  load.run();
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) { return sluice::bench::run(argc, argv); }
