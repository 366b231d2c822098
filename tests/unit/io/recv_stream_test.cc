#include "engine/io/recv_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/io/operations.h"
#include "tests/unit/io/uring_fixture.h"

namespace sluice {
namespace {

class RecvStreams : public Uring {};

TEST_P(RecvStreams, TheEndOfTheStreamCallsOffWhoWatchesIt) {
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
  const Instant limit = clock_.now() + 60s;
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
TEST_P(RecvStreams, RunsOutOfBuffersWithoutLosingAByte) {
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

// Reads until `stream` holds all buffers of the ring but `left` by the slices in `held`.
Task<void> hold_buffers(Reactor& reactor, RecvStream& stream, std::vector<Slice>& held,
                        std::size_t left) {
  while (reactor.kernel().buffers_free() > left) {
    Result<Slice> slice = co_await stream.next(Limits{});
    if (!slice || slice->empty()) co_return;
    held.push_back(std::move(*slice));
  }
}

// B1: a few buffers are enough for all others to get their turn, however long the rest is held.
TEST_P(RecvStreams, GoesOnWithTheFewBuffersThatSlowReadersLeave) {
  Reactor reactor(kernel_, clock_);
  const Pair slow = socket_pair();
  RecvStream slow_stream(reactor, Side::kUpstream);
  slow_stream.start(slow.ours);
  std::vector<Slice> held;
  constexpr std::size_t kLeft = 3;  // below a quarter of the ring
  const Task<void> holding = hold_buffers(reactor, slow_stream, held, kLeft);
  const std::string flood(4096, 'f');
  const Instant limit = clock_.now() + 60s;
  while (!holding.done()) {
    ASSERT_LT(clock_.now(), limit);
    static_cast<void>(send(slow.theirs, flood.data(), flood.size(), MSG_DONTWAIT));
    reactor.turn(clock_.now() + 1ms);
  }
  constexpr int kPeers = 24;
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
  for (int turn = 0; turn < 50; ++turn) reactor.turn(clock_.now() + 1ms);
  EXPECT_GT(reactor.counters().starved, 0u);
  for (auto& stream : streams) {
    Task<std::string> task = read_all(reactor, *stream);
    finish(reactor, task);
    EXPECT_EQ(task.take().size(), payload.size());
  }
  held.clear();
  const Task<void> stopped = stop_stream(reactor, slow_stream);
  finish(reactor, stopped);
  streams.clear();
  EXPECT_EQ(kernel_.buffers_free(), kernel_.buffers_total());
  for (const Pair& pair : pairs) close(pair.ours);
  close(slow.ours);
  close(slow.theirs);
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

Task<void> take_bytes(Reactor&, RecvStream& stream, std::size_t count, std::size_t& taken) {
  while (taken < count) {
    const Result<Slice> slice = co_await stream.next(Limits{});
    if (!slice || slice->empty()) co_return;
    taken += slice->size();
  }
}

// Sends back what has come, all of a turn at once.
Task<void> echo_bytes(Reactor& reactor, RecvStream& stream, std::size_t count) {
  while (count > 0) {
    std::vector<Slice> slices;
    std::vector<iovec> pieces;
    co_await stream.wait_readable(Limits{});
    for (Slice slice = stream.take(); !slice.empty(); slice = stream.take()) {
      pieces.push_back({const_cast<char*>(slice.view().data()), slice.size()});
      count -= slice.size();
      slices.push_back(std::move(slice));
    }
    const SendResult sent =
        co_await Send(reactor, stream.fd(), pieces, Limits{}, Side::kDownstream);
    if (sent.error.code != Errc::kOk || stream.ended()) co_return;
  }
}

TEST_P(RecvStreams, AFloodingPeerIsPausedAtItsShare) {
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

// The kernel is asked to stop only for a reader that is behind: to stop and to go on costs as much
// as the bytes.
TEST_P(RecvStreams, AReaderThatTakesAllOfItInTheTurnIsNotPaused) {
  Reactor reactor(kernel_, clock_);
  const Pair pair = socket_pair();
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

// What is sent lets go of buffers, and what comes up meanwhile needs them.
TEST_P(RecvStreams, SendsGoFirstWhenBuffersAreFew) {
  Reactor reactor(kernel_, clock_);
  constexpr int kPeers = 16;
  constexpr int kRounds = 3;
  const std::string payload(50'000, 'p');  // of all peers: four fifths of the ring
  std::vector<Pair> pairs;
  std::vector<std::unique_ptr<RecvStream>> streams;
  std::vector<Task<void>> echoes;
  for (int i = 0; i < kPeers; ++i) {
    pairs.push_back(socket_pair());
    streams.push_back(std::make_unique<RecvStream>(reactor, Side::kUpstream));
    streams.back()->start(pairs.back().ours);
    echoes.push_back(echo_bytes(reactor, *streams.back(), kRounds * payload.size()));
  }
  const auto write_to_all = [&] {
    for (const Pair& pair : pairs) {
      ASSERT_EQ(write(pair.theirs, payload.data(), payload.size()),
                static_cast<ssize_t>(payload.size()));
    }
  };
  reactor.turn(clock_.now());
  write_to_all();
  reactor.turn(clock_.now());
  for (int round = 1; round < kRounds; ++round) {
    write_to_all();
    reactor.turn(clock_.now());  // the sends
    reactor.turn(clock_.now());  // the receives
  }
  for (const Task<void>& echo : echoes) finish(reactor, echo);
  EXPECT_EQ(reactor.counters().starved, 0u);
  std::string back(kRounds * payload.size(), ' ');
  for (int i = 0; i < kPeers; ++i) {
    EXPECT_EQ(recv(pairs[i].theirs, back.data(), back.size(), MSG_WAITALL),
              static_cast<ssize_t>(back.size()));
    const Task<void> stopped = stop_stream(reactor, *streams[i]);
    finish(reactor, stopped);
    close(pairs[i].ours);
    close(pairs[i].theirs);
  }
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
  const Pair pair = socket_pair();
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
