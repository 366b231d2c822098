#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/io/accept_stream.h"
#include "engine/io/operations.h"
#include "engine/io/recv_stream.h"
#include "engine/io/uring_kernel.h"
#include "tests/unit/io/uring_fixture.h"

namespace sluice {
namespace {

TEST_P(Uring, ReceivesAllBytesInOrderAndTheEnd) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = tcp_pair();
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

TEST_P(Uring, ASleepWaitsForMoreCompletionsWhenAsked) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = tcp_pair();
  RecvStream stream(reactor, Side::kDownstream);
  stream.start(pair.ours);
  reactor.turn(clock_.now());
  // The shortest of many sleeps that one byte ends, each of `longest` at most.
  const auto sleep = [&](Duration longest) {
    Duration shortest = 1s;
    for (int i = 0; i < 30; ++i) {
      EXPECT_EQ(write(pair.theirs, "x", 1), 1);
      const Instant began = clock_.now();
      EXPECT_EQ(kernel_.collect(began, began + longest), 1u);
      shortest = std::min(shortest, clock_.now() - began);
      EXPECT_EQ(stream.take().size(), 1u);
    }
    return shortest;
  };
  const Duration gathers = UringRing::kGatherMax * 9 / 10;
  const bool can = kernel_.features().contains("min-wait");
  EXPECT_LT(sleep(1s), gathers);
  kernel_.set_gathering(true);
  EXPECT_EQ(sleep(1s) >= gathers, can);
  EXPECT_LT(sleep(999us), gathers) << "a timer is due soon";
  kernel_.set_gathering(false);
  EXPECT_LT(sleep(1s), gathers);
  Task<void> stopping = stop_stream(reactor, stream);
  finish(reactor, stopping);
  close(pair.theirs);
  close(pair.ours);
}

TEST_P(Uring, GathersPiecesIntoOneSend) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = tcp_pair();
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
  const Pair pair = tcp_pair();
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
  const Pair pair = tcp_pair();
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

Task<Result<int>> accept_next(Reactor&, AcceptStream& stream) {
  const Result<int> fd = co_await stream.next(nullptr);
  co_return fd;
}

TEST_P(Uring, AcceptingGoesOnAfterALackOfDescriptorsAndTellsOfIt) {
  Reactor reactor(kernel_, clock_);
  const Result<int> listener = kernel_.open_listener(loopback(), 16);
  ASSERT_TRUE(listener);
  const Result<SocketAddress> address = kernel_.local_address(*listener);
  const Result<int> client = kernel_.open_socket(AF_INET);
  ASSERT_TRUE(client);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(*client), .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  AcceptStream accept(reactor);
  accept.start(*listener);
  reactor.turn(reactor.now());  // the limit of this moment is that of the operation
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  Task<Errc> connected = connect_to(reactor, *client, *address, Limits{});
  finish(reactor, connected);
  Task<Result<int>> failed = accept_next(reactor, accept);
  finish(reactor, failed);
  const Result<int> failure = failed.take();
  ASSERT_FALSE(failure);
  EXPECT_EQ(failure.error().os_errno, EMFILE);
  Task<Result<int>> accepted = accept_next(reactor, accept);
  finish(reactor, accepted);
  const Result<int> fd = accepted.take();
  ASSERT_TRUE(fd);
  Task<void> stopped = stop_accepting(reactor, accept);
  finish(reactor, stopped);
  kernel_.close_socket(*fd);
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

INSTANTIATE_TEST_SUITE_P(Kernels, Uring, ::testing::ValuesIn(kVariants), variant_name);

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
