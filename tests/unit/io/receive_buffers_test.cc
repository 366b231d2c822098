#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/io/operations.h"
#include "engine/io/recv_stream.h"
#include "tests/unit/io/uring_fixture.h"

namespace sluice {
namespace {

// The receive buffers of a shard, which all its connections share, when they are few.
class ReceiveBuffers : public Uring {};

// B1: many peers send at once more than the ring holds, and nobody reads: nothing is lost,
// everything is read later.
TEST_P(ReceiveBuffers, RunsOutOfBuffersWithoutLosingAByte) {
  Reactor reactor(kernel_, clock_);
  constexpr int kPeers = 48;
  const std::string payload(50'000, 'p');
  std::vector<Pair> pairs;
  std::vector<std::unique_ptr<RecvStream>> streams;
  for (int i = 0; i < kPeers; ++i) {
    pairs.push_back(tcp_pair());
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
TEST_P(ReceiveBuffers, GoesOnWithTheFewBuffersThatSlowReadersLeave) {
  Reactor reactor(kernel_, clock_);
  const Pair slow = tcp_pair();
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
    pairs.push_back(tcp_pair());
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

// Until `bytes` lie unread in the socket: TCP hands them over in its own time.
void await_bytes(int fd, std::size_t bytes) {
  int unread = 0;
  for (int wait_ms = 0; wait_ms < 60'000; ++wait_ms) {
    ASSERT_EQ(ioctl(fd, FIONREAD, &unread), 0);
    if (static_cast<std::size_t>(unread) >= bytes) return;
    usleep(1000);
  }
  FAIL() << unread << " bytes of " << bytes << " came";
}

// What is sent lets go of buffers, and what comes up meanwhile needs them.
TEST_P(ReceiveBuffers, SendsGoFirstWhenBuffersAreFew) {
  Reactor reactor(kernel_, clock_);
  constexpr int kPeers = 16;
  constexpr int kRounds = 3;
  const std::string payload(50'000, 'p');  // of all peers: four fifths of the ring
  std::vector<Pair> pairs;
  std::vector<std::unique_ptr<RecvStream>> streams;
  std::vector<Task<void>> echoes;
  for (int i = 0; i < kPeers; ++i) {
    pairs.push_back(tcp_pair());
    streams.push_back(std::make_unique<RecvStream>(reactor, Side::kUpstream));
    streams.back()->start(pairs.back().ours);
    echoes.push_back(echo_bytes(reactor, *streams.back(), kRounds * payload.size()));
  }
  const auto write_to_all = [&] {
    for (const Pair& pair : pairs) {
      ASSERT_EQ(write(pair.theirs, payload.data(), payload.size()),
                static_cast<ssize_t>(payload.size()));
    }
    for (const Pair& pair : pairs) await_bytes(pair.ours, payload.size());
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

// Bytes that nobody reads give the ring's buffers back, though nobody waits for one yet.
TEST_P(ReceiveBuffers, WhatLiesUnreadForLongIsCopiedOutOfALowRing) {
  Reactor reactor(kernel_, clock_);
  constexpr std::size_t kPeers = 11;  // two thirds of the ring
  const std::string payload(RecvStream::kPauseBytes, 'p');
  std::vector<Pair> pairs;
  std::vector<std::unique_ptr<RecvStream>> streams;
  for (std::size_t i = 0; i < kPeers; ++i) {
    pairs.push_back(tcp_pair());
    streams.push_back(std::make_unique<RecvStream>(reactor, Side::kUpstream));
    streams.back()->start(pairs.back().ours);
    ASSERT_EQ(write(pairs.back().theirs, payload.data(), payload.size()),
              static_cast<ssize_t>(payload.size()));
    await_bytes(pairs.back().ours, payload.size());
  }
  reactor.turn(clock_.now());
  EXPECT_LT(kernel_.buffers_free() * 2, kernel_.buffers_total());
  for (int turn = 0; turn < 100; ++turn) reactor.turn(clock_.now());
  EXPECT_EQ(kernel_.buffers_free(), kernel_.buffers_total());
  EXPECT_EQ(reactor.counters().starved, 0u);
  for (std::size_t i = 0; i < kPeers; ++i) {
    EXPECT_EQ(streams[i]->unread_bytes(), payload.size());
    const Task<void> stopped = stop_stream(reactor, *streams[i]);
    finish(reactor, stopped);
    close(pairs[i].ours);
    close(pairs[i].theirs);
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, ReceiveBuffers, ::testing::ValuesIn(kVariants), variant_name);

}  // namespace
}  // namespace sluice
