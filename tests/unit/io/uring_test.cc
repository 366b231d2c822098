#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/io/accept_stream.h"
#include "engine/io/operations.h"
#include "engine/io/recv_stream.h"
#include "engine/io/uring_kernel.h"
#include "engine/task/scope.h"

namespace sluice {
namespace {

// Every test runs on the best features of this kernel and on those of older ones.
struct Variant {
  const char* name;
  UringKernel::Options options;
};

UringKernel::Options older_kernel() {
  UringKernel::Options options;
  options.ring.allow_no_sq_array = false;
  options.buffers.allow_incremental = false;
  options.allow_vectorized_send = false;
  return options;
}

class Uring : public ::testing::TestWithParam<Variant> {
 protected:
  void SetUp() override { ASSERT_EQ(kernel_.open(GetParam().options), 0); }

  // Turns until `task` is done; fails after five seconds.
  template <class T>
  void finish(Reactor& reactor, const Task<T>& task) {
    const Instant limit = clock_.now() + 5s;
    while (!task.done()) {
      ASSERT_LT(clock_.now(), limit) << "still waiting after five seconds";
      reactor.turn(limit);
    }
  }

  SystemClock clock_;
  UringKernel kernel_;
};

SocketAddress loopback() {
  SocketAddress address;
  auto* const in = reinterpret_cast<sockaddr_in*>(&address.storage);
  in->sin_family = AF_INET;
  in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.bytes = sizeof(sockaddr_in);
  return address;
}

struct Pair {
  int ours;
  int theirs;
};

Pair socket_pair() {
  int fds[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  return {fds[0], fds[1]};
}

Task<std::string> read_all(Reactor&, RecvStream& stream) {
  std::string text;
  while (true) {
    Result<Slice> slice = co_await stream.next(Limits{});
    if (!slice || slice->empty()) break;
    text += slice->view();
  }
  co_await stream.stop();
  co_return text;
}

TEST_P(Uring, ReceivesAllBytesInOrderAndTheEnd) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = socket_pair();
  std::string sent;
  for (int i = 0; i < 1500; ++i) sent += "line " + std::to_string(i) + "\n";
  RecvStream stream(reactor, Side::kDownstream);
  stream.start(pair.ours);
  Task<std::string> task = read_all(reactor, stream);
  std::size_t offset = 0;
  while (offset < sent.size()) {
    const std::size_t piece = std::min<std::size_t>(777, sent.size() - offset);
    ASSERT_EQ(write(pair.theirs, sent.data() + offset, piece), static_cast<ssize_t>(piece));
    offset += piece;
    reactor.turn(reactor.now());
  }
  close(pair.theirs);
  finish(reactor, task);
  EXPECT_EQ(task.take(), sent);
  EXPECT_EQ(kernel_.buffers_free(), kernel_.buffers_total());
  close(pair.ours);
}

Task<SendResult> send_pieces(Reactor& reactor, int fd, std::span<iovec> pieces, Limits limits) {
  const SendResult result = co_await Send(reactor, fd, pieces, limits, Side::kDownstream);
  co_return result;
}

TEST_P(Uring, GathersPiecesIntoOneSend) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = socket_pair();
  std::string parts[] = {"HTTP/1.1 200 OK\r\n", "\r\n", "body"};
  iovec pieces[3];
  for (int i = 0; i < 3; ++i) pieces[i] = {parts[i].data(), parts[i].size()};
  Task<SendResult> task = send_pieces(reactor, pair.ours, pieces, Limits{});
  finish(reactor, task);
  EXPECT_EQ(task.take().bytes, 23u);
  char buffer[64] = {};
  ASSERT_EQ(read(pair.theirs, buffer, sizeof(buffer)), 23);
  EXPECT_STREQ(buffer, "HTTP/1.1 200 OK\r\n\r\nbody");
  close(pair.ours);
  close(pair.theirs);
}

TEST_P(Uring, ASendToAPeerThatDoesNotReadEndsAtItsDeadlineAndTellsHowFarItCame) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = socket_pair();
  std::string megabytes(8u << 20, 'x');
  iovec piece{megabytes.data(), megabytes.size()};
  Task<SendResult> task = send_pieces(reactor, pair.ours, std::span(&piece, 1),
                                      Limits{.deadline = clock_.now() + 20ms});
  finish(reactor, task);
  const SendResult result = task.take();
  EXPECT_EQ(result.error.code, Errc::kTimedOut);
  EXPECT_EQ(result.error.side, Side::kDownstream);
  std::size_t arrived = 0;
  close(pair.ours);
  std::vector<char> buffer(1u << 20);
  for (ssize_t n; (n = read(pair.theirs, buffer.data(), buffer.size())) > 0;)
    arrived += static_cast<std::size_t>(n);
  EXPECT_EQ(result.bytes, arrived);
  close(pair.theirs);
}

Task<Errc> next_error(Reactor&, RecvStream& stream, Limits limits) {
  Result<Slice> slice = co_await stream.next(limits);
  const Errc code = slice ? Errc::kOk : slice.error().code;
  co_await stream.stop();
  co_return code;
}

TEST_P(Uring, AWaitForBytesEndsAtItsDeadlineOrWhenItIsCancelled) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = socket_pair();
  {
    RecvStream stream(reactor, Side::kUpstream);
    stream.start(pair.ours);
    Task<Errc> task = next_error(reactor, stream, Limits{.deadline = clock_.now() + 10ms});
    finish(reactor, task);
    EXPECT_EQ(task.take(), Errc::kTimedOut);
  }
  {
    RecvStream stream(reactor, Side::kUpstream);
    stream.start(pair.ours);
    CancelSource cancel;
    Task<Errc> task = next_error(reactor, stream, Limits{.cancel = &cancel});
    cancel.request(Error{.code = Errc::kDrained});
    finish(reactor, task);
    EXPECT_EQ(task.take(), Errc::kDrained);
  }
  close(pair.ours);
  close(pair.theirs);
}

TEST_P(Uring, TheEndOfTheStreamCallsOffWhoWatchesIt) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = socket_pair();
  RecvStream stream(reactor, Side::kDownstream);
  stream.start(pair.ours);
  CancelSource exchange;
  stream.watch_end(&exchange);
  ASSERT_EQ(write(pair.theirs, "x", 1), 1);
  reactor.turn(clock_.now() + 50ms);
  EXPECT_FALSE(exchange.requested());
  close(pair.theirs);
  const Instant limit = clock_.now() + 5s;
  while (!exchange.requested() && clock_.now() < limit) reactor.turn(limit);
  EXPECT_EQ(exchange.cause().code, Errc::kEndOfStream);
  EXPECT_EQ(exchange.cause().side, Side::kDownstream);
  Task<std::string> rest = read_all(reactor, stream);
  finish(reactor, rest);
  EXPECT_EQ(rest.take(), "x");
  close(pair.ours);
}

// B1: many peers send at once more than the ring holds, and nobody reads: nothing is lost,
// everything is read later.
TEST_P(Uring, RunsOutOfBuffersWithoutLosingAByte) {
  Reactor reactor(kernel_, clock_);
  constexpr int kPeers = 48;
  const std::string payload(50'000, 'p');
  std::vector<Pair> pairs;
  std::vector<std::unique_ptr<RecvStream>> streams;
  for (int i = 0; i < kPeers; ++i) {
    pairs.push_back(socket_pair());
    ASSERT_EQ(write(pairs.back().theirs, payload.data(), payload.size()),
              static_cast<ssize_t>(payload.size()));
    close(pairs.back().theirs);
    streams.push_back(std::make_unique<RecvStream>(reactor, Side::kDownstream));
    streams.back()->start(pairs.back().ours);
  }
  for (int turn = 0; turn < 100; ++turn) reactor.turn(clock_.now() + 1ms);
  EXPECT_GT(reactor.counters().starved, 0u);
  for (auto& stream : streams) {
    Task<std::string> task = read_all(reactor, *stream);
    finish(reactor, task);
    EXPECT_EQ(task.take().size(), payload.size());
  }
  EXPECT_EQ(kernel_.buffers_free(), kernel_.buffers_total());
  streams.clear();
  EXPECT_EQ(reactor.blocks().bytes_in_use(), 0u);
  for (const Pair& pair : pairs) close(pair.ours);
}

// Takes what the stream has received, reads `direct` bytes past it, and goes on with the stream.
Task<std::string> read_direct_between(Reactor& reactor, RecvStream& stream, int fd,
                                      std::size_t direct) {
  std::string text;
  co_await stream.pause();
  while (stream.readable()) {
    Result<Slice> slice = co_await stream.next(Limits{});
    text += slice->view();
  }
  direct += text.size();
  while (text.size() < direct) {
    char buffer[333];
    const std::span<char> target(buffer, std::min(sizeof(buffer), direct - text.size()));
    const Result<std::size_t> got =
        co_await RecvInto(reactor, fd, target, Limits{}, Side::kDownstream);
    if (!got || *got == 0) break;
    text.append(buffer, *got);
  }
  stream.resume();
  while (true) {
    Result<Slice> slice = co_await stream.next(Limits{});
    if (!slice || slice->empty()) break;
    text += slice->view();
  }
  co_await stream.stop();
  co_return text;
}

TEST_P(Uring, SomebodyElseMayReadWhileTheStreamIsPaused) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = socket_pair();
  std::string sent;
  for (int i = 0; i < 3000; ++i) sent += "line " + std::to_string(i) + "\n";
  RecvStream stream(reactor, Side::kDownstream);
  stream.start(pair.ours);
  ASSERT_EQ(write(pair.theirs, sent.data(), 5000), 5000);
  reactor.turn(clock_.now() + 1ms);
  ASSERT_EQ(write(pair.theirs, sent.data() + 5000, 5000), 5000);
  Task<std::string> task = read_direct_between(reactor, stream, pair.ours, 10000);
  for (std::size_t offset = 10000; offset < sent.size();) {
    const std::size_t piece = std::min<std::size_t>(777, sent.size() - offset);
    ASSERT_EQ(write(pair.theirs, sent.data() + offset, piece), static_cast<ssize_t>(piece));
    offset += piece;
    reactor.turn(reactor.now());
  }
  close(pair.theirs);
  finish(reactor, task);
  EXPECT_EQ(task.take(), sent);
  EXPECT_EQ(kernel_.buffers_free(), kernel_.buffers_total());
  close(pair.ours);
}

TEST_P(Uring, AFloodingPeerIsPausedAtItsShare) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = socket_pair();
  RecvStream stream(reactor, Side::kDownstream);
  stream.start(pair.ours);
  const std::string flood(1u << 20, 'f');
  std::size_t offset = 0;
  for (int turn = 0; turn < 200 && offset < flood.size(); ++turn) {
    const ssize_t n = send(pair.theirs, flood.data() + offset, flood.size() - offset, MSG_DONTWAIT);
    if (n > 0) offset += static_cast<std::size_t>(n);
    reactor.turn(clock_.now() + 1ms);
  }
  // What was in flight when the pause was asked for may still arrive, a socket buffer's worth.
  EXPECT_LE(stream.unread_bytes(), RecvStream::kPauseBytes + 512 * 1024);
  EXPECT_LT(stream.unread_bytes(), flood.size());
  send(pair.theirs, flood.data() + offset, 0, MSG_DONTWAIT);
  shutdown(pair.theirs, SHUT_WR);
  Task<std::string> task = read_all(reactor, stream);
  finish(reactor, task);
  EXPECT_EQ(task.take().size(), offset);
  close(pair.ours);
  close(pair.theirs);
}

Task<int> accept_one(Reactor&, AcceptStream& stream) {
  Result<int> fd = co_await stream.next(nullptr);
  co_return fd ? *fd : -1;
}
Task<void> stop_accepting(Reactor&, AcceptStream& stream) { co_await stream.stop(); }
Task<Errc> connect_to(Reactor& reactor, int fd, const SocketAddress& address, Limits limits) {
  const Result<void> connected = co_await Connect(reactor, fd, address, limits);
  co_return connected ? Errc::kOk : connected.error().code;
}

TEST_P(Uring, AcceptsWhatConnects) {
  Reactor reactor(kernel_, clock_);
  const Result<int> listener = kernel_.open_listener(loopback(), 16);
  ASSERT_TRUE(listener);
  const Result<SocketAddress> address = kernel_.local_address(*listener);
  ASSERT_TRUE(address);
  AcceptStream accept(reactor);
  accept.start(*listener);
  Task<int> accepted = accept_one(reactor, accept);
  const Result<int> client = kernel_.open_socket(AF_INET);
  ASSERT_TRUE(client);
  Task<Errc> connected = connect_to(reactor, *client, *address, Limits{});
  finish(reactor, connected);
  EXPECT_EQ(connected.take(), Errc::kOk);
  finish(reactor, accepted);
  const int fd = accepted.take();
  EXPECT_GE(fd, 0);
  Task<void> stopped = stop_accepting(reactor, accept);
  finish(reactor, stopped);
  kernel_.close_socket(fd);
  kernel_.close_socket(*client);
  kernel_.close_socket(*listener);
}

TEST_P(Uring, AConnectionThatIsRefusedIsAnErrorThatMayBeRetried) {
  Reactor reactor(kernel_, clock_);
  const Result<int> listener = kernel_.open_listener(loopback(), 16);
  ASSERT_TRUE(listener);
  const Result<SocketAddress> address = kernel_.local_address(*listener);
  kernel_.close_socket(*listener);
  const Result<int> client = kernel_.open_socket(AF_INET);
  Task<Errc> connected = connect_to(reactor, *client, *address, Limits{});
  finish(reactor, connected);
  EXPECT_EQ(connected.take(), Errc::kConnectFailed);
  kernel_.close_socket(*client);
}

INSTANTIATE_TEST_SUITE_P(Kernels, Uring,
                         ::testing::Values(Variant{"best", {}}, Variant{"older", older_kernel()}),
                         [](const auto& info) { return std::string(info.param.name); });

struct RefusalRow {
  const char* rule;
  int os_errno;
  const char* setting;
  const char* must_name;
};
constexpr RefusalRow kRefusalRows[] = {
    {"the setting is named when it is on", EPERM, "2\n", "kernel.io_uring_disabled is 2"},
    {"the group is named when it is needed", EPERM, "1\n", "kernel.io_uring_group"},
    {"a container's profile is named when the setting is off", EPERM, "0\n", "seccomp"},
    {"a container's profile is named when there is no setting", EPERM, "", "seccomp"},
    {"a kernel without it is named", ENOSYS, "", "Linux 6.1"},
    {"locked memory is named", ENOMEM, "0\n", "LimitMEMLOCK"},
};

TEST(UringRefusal, NamesTheCauseAndTheMend) {
  for (const RefusalRow& row : kRefusalRows) {
    EXPECT_NE(uring_refusal(row.os_errno, row.setting).find(row.must_name), std::string::npos)
        << row.rule;
  }
}

}  // namespace
}  // namespace sluice
