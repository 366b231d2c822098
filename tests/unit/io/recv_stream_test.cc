#include "engine/io/recv_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "engine/io/operations.h"
#include "tests/unit/io/uring_fixture.h"

namespace sluice {
namespace {

class RecvStreams : public Uring {};

TEST_P(RecvStreams, TheEndOfTheStreamCallsOffWhoWatchesIt) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = tcp_pair();
  RecvStream stream(reactor, Side::kDownstream);
  stream.start(pair.ours);
  CancelSource exchange;
  stream.watch_end(&exchange);
  ASSERT_EQ(write(pair.theirs, "x", 1), 1);
  reactor.turn(clock_.now() + 50ms);
  EXPECT_FALSE(exchange.requested());
  close(pair.theirs);
  const Instant limit = clock_.now() + 60s;
  while (!exchange.requested() && clock_.now() < limit) reactor.turn(limit);
  EXPECT_EQ(exchange.cause().code, Errc::kEndOfStream);
  EXPECT_EQ(exchange.cause().side, Side::kDownstream);
  Task<std::string> rest = read_all(reactor, stream);
  finish(reactor, rest);
  EXPECT_EQ(rest.take(), "x");
  close(pair.ours);
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

TEST_P(RecvStreams, SomebodyElseMayReadWhileTheStreamIsPaused) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = tcp_pair();
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

Task<void> take_bytes(Reactor&, RecvStream& stream, std::size_t count, std::size_t& taken) {
  while (taken < count) {
    const Result<Slice> slice = co_await stream.next(Limits{});
    if (!slice || slice->empty()) co_return;
    taken += slice->size();
  }
}

std::size_t buffer_bytes(int fd, int option) {
  int bytes = 0;
  socklen_t size = sizeof(bytes);
  EXPECT_EQ(getsockopt(fd, SOL_SOCKET, option, &bytes, &size), 0);
  return static_cast<std::size_t>(bytes);
}

TEST_P(RecvStreams, AFloodingPeerIsPausedAtItsShare) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = tcp_pair();
  RecvStream stream(reactor, Side::kDownstream);
  stream.start(pair.ours);
  const std::string flood(4u << 20, 'f');
  std::size_t offset = 0;
  for (int turn = 0; turn < 200 && offset < flood.size(); ++turn) {
    const ssize_t n = send(pair.theirs, flood.data() + offset, flood.size() - offset, MSG_DONTWAIT);
    if (n > 0) offset += static_cast<std::size_t>(n);
    reactor.turn(clock_.now() + 1ms);
  }
  // What was on its way when the pause was asked for may still come: one turn's worth, which is
  // what the sockets hold.
  const std::size_t in_sockets =
      buffer_bytes(pair.theirs, SO_SNDBUF) + buffer_bytes(pair.ours, SO_RCVBUF);
  EXPECT_LE(stream.unread_bytes(), RecvStream::kPauseBytes + in_sockets);
  EXPECT_LT(stream.unread_bytes(), flood.size());
  send(pair.theirs, flood.data() + offset, 0, MSG_DONTWAIT);
  shutdown(pair.theirs, SHUT_WR);
  Task<std::string> task = read_all(reactor, stream);
  finish(reactor, task);
  EXPECT_EQ(task.take().size(), offset);
  close(pair.ours);
  close(pair.theirs);
}

// The kernel is asked to stop only for a reader that is behind: to stop and to go on costs as much
// as the bytes.
TEST_P(RecvStreams, AReaderThatTakesAllOfItInTheTurnIsNotPaused) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = tcp_pair();
  RecvStream stream(reactor, Side::kUpstream);
  stream.start(pair.ours);
  reactor.turn(clock_.now());
  const std::string flood(2 * RecvStream::kPauseBytes - 1, 'f');
  ASSERT_EQ(write(pair.theirs, flood.data(), flood.size()), static_cast<ssize_t>(flood.size()));
  std::size_t taken = 0;
  const Task<void> taking = take_bytes(reactor, stream, flood.size(), taken);
  finish(reactor, taking);
  EXPECT_EQ(taken, flood.size());
  EXPECT_EQ(reactor.turn(clock_.now()), 0u) << "no receive has ended";
  const Task<void> stopped = stop_stream(reactor, stream);
  finish(reactor, stopped);
  close(pair.ours);
  close(pair.theirs);
}

// Of AF_UNIX, for which a multishot receive may miss it (RecvMode).
TEST_P(RecvStreams, AnEndRightBehindBytesIsSeenThroughASocketPair) {
  Reactor reactor(kernel_, clock_);
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  RecvStream stream(reactor, Side::kOurs, RecvMode::kSingle);
  stream.start(fds[0]);
  reactor.turn(clock_.now());  // waits, before anything comes
  ASSERT_EQ(write(fds[1], "head", 4), 4);
  ASSERT_EQ(write(fds[1], "body", 4), 4);
  close(fds[1]);
  Task<std::string> task = read_all(reactor, stream);
  finish(reactor, task);
  EXPECT_EQ(task.take(), "headbody");
  close(fds[0]);
}

// COMPAT 37: a client that has sent more ahead than is received, and leaves.
TEST_P(RecvStreams, APeerThatLeavesBehindAFullQueueIsNoticed) {
  Reactor reactor(kernel_, clock_);
  // Not TCP: what does not fit would be the peer's until it is read, and its end behind it.
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  const Pair pair{fds[0], fds[1]};
  RecvStream stream(reactor, Side::kDownstream);
  stream.start(pair.ours);
  const std::string flood(1u << 20, 'f');
  for (int turn = 0; turn < 100; ++turn) {
    static_cast<void>(send(pair.theirs, flood.data(), flood.size(), MSG_DONTWAIT));
    reactor.turn(clock_.now() + 1ms);
  }
  ASSERT_FALSE(stream.in_flight());
  CancelSource exchange;
  stream.watch_end(&exchange);
  reactor.turn(clock_.now() + 1ms);
  EXPECT_FALSE(exchange.requested());
  close(pair.theirs);
  const Instant limit = clock_.now() + 60s;
  while (!exchange.requested() && clock_.now() < limit) reactor.turn(limit);
  EXPECT_EQ(exchange.cause().code, Errc::kEndOfStream);
  EXPECT_TRUE(stream.hung_up());
  EXPECT_FALSE(stream.ended());
  const Task<void> stopped = stop_stream(reactor, stream);
  finish(reactor, stopped);
  close(pair.ours);
}

Task<void> take_one(Reactor&, RecvStream& stream, std::size_t& got) {
  Result<Slice> slice = co_await stream.next(Limits{});
  got += slice ? slice->size() : 0;
}

// A poll that waits for the peer to hang up ends with the stream, and does not disturb its reading.
TEST_P(RecvStreams, AStreamThatIsWatchedWhileItPausesGoesOnAndStops) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = tcp_pair();
  RecvStream stream(reactor, Side::kDownstream);
  stream.start(pair.ours);
  CancelSource exchange;
  stream.watch_end(&exchange);
  const std::string flood(1u << 20, 'f');
  std::size_t sent = 0;
  for (int turn = 0; turn < 100; ++turn) {
    const ssize_t n = send(pair.theirs, flood.data(), flood.size(), MSG_DONTWAIT);
    if (n > 0) sent += static_cast<std::size_t>(n);
    reactor.turn(clock_.now() + 1ms);
  }
  ASSERT_FALSE(stream.in_flight());
  std::size_t got = 0;
  while (got < sent) {
    const Task<void> taking = take_one(reactor, stream, got);
    finish(reactor, taking);
  }
  EXPECT_EQ(got, sent);
  EXPECT_FALSE(exchange.requested());
  const Task<void> stopped = stop_stream(reactor, stream);
  finish(reactor, stopped);
  close(pair.ours);
  close(pair.theirs);
}

INSTANTIATE_TEST_SUITE_P(Kernels, RecvStreams, ::testing::ValuesIn(kVariants), variant_name);

}  // namespace
}  // namespace sluice
