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

// The receive buffers of a shard, which all its connections share, when they are few: peers send
// at once, each as much as `payload_`.
class ReceiveBuffers : public Uring {
 protected:
  void open(std::size_t peers) {
    for (std::size_t i = 0; i < peers; ++i) {
      pairs_.push_back(tcp_pair());
      streams_.push_back(std::make_unique<RecvStream>(reactor_, Side::kUpstream));
      streams_.back()->start(pairs_.back().ours);
    }
  }
  void all_send() {
    for (const Pair& pair : pairs_) {
      ASSERT_EQ(write(pair.theirs, payload_.data(), payload_.size()),
                static_cast<ssize_t>(payload_.size()));
    }
    for (const Pair& pair : pairs_) await_bytes(pair.ours, payload_.size());
  }
  void all_end() {
    for (const Pair& pair : pairs_) shutdown(pair.theirs, SHUT_WR);
  }
  void turn(int turns, Duration each) {
    for (int i = 0; i < turns; ++i) reactor_.turn(clock_.now() + each);
  }
  void read_all_of_each() {
    for (auto& stream : streams_) {
      Task<std::string> task = read_all(reactor_, *stream);
      finish(reactor_, task);
      EXPECT_EQ(task.take().size(), payload_.size());
    }
  }
  void TearDown() override {
    for (auto& stream : streams_) {
      const Task<void> stopped = stop_stream(reactor_, *stream);
      finish(reactor_, stopped);
    }
    streams_.clear();
    EXPECT_EQ(kernel_.buffers_free(), kernel_.buffers_total());
    EXPECT_EQ(reactor_.blocks().bytes_in_use(), 0u);
    for (const Pair& pair : pairs_) {
      close(pair.ours);
      close(pair.theirs);
    }
  }

  Reactor reactor_{kernel_, clock_};
  std::string payload_ = std::string(50'000, 'p');
  std::vector<Pair> pairs_;
  std::vector<std::unique_ptr<RecvStream>> streams_;
};

// B1: many peers send at once more than the ring holds, and nobody reads: nothing is lost,
// everything is read later.
TEST_P(ReceiveBuffers, RunsOutOfBuffersWithoutLosingAByte) {
  open(48);
  all_send();
  all_end();
  turn(100, 1ms);
  EXPECT_GT(reactor_.counters().starved, 0u);
  read_all_of_each();
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
  const Pair slow = tcp_pair();
  RecvStream slow_stream(reactor_, Side::kUpstream);
  slow_stream.start(slow.ours);
  std::vector<Slice> held;
  constexpr std::size_t kLeft = 3;  // below a quarter of the ring
  const Task<void> holding = hold_buffers(reactor_, slow_stream, held, kLeft);
  const std::string flood(4096, 'f');
  const Instant limit = clock_.now() + 60s;
  while (!holding.done()) {
    ASSERT_LT(clock_.now(), limit);
    static_cast<void>(send(slow.theirs, flood.data(), flood.size(), MSG_DONTWAIT));
    turn(1, 1ms);
  }
  open(24);
  all_send();
  all_end();
  turn(50, 1ms);
  EXPECT_GT(reactor_.counters().starved, 0u);
  read_all_of_each();
  held.clear();
  const Task<void> stopped = stop_stream(reactor_, slow_stream);
  finish(reactor_, stopped);
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

// What is sent lets go of buffers, and what comes up meanwhile needs them.
TEST_P(ReceiveBuffers, SendsGoFirstWhenBuffersAreFew) {
  constexpr int kRounds = 3;
  open(16);  // four fifths of the ring
  std::string back(kRounds * payload_.size(), ' ');
  std::vector<Task<void>> echoes;
  for (auto& stream : streams_) echoes.push_back(echo_bytes(reactor_, *stream, back.size()));
  turn(1, 0ms);
  all_send();
  turn(1, 0ms);
  for (int round = 1; round < kRounds; ++round) {
    all_send();
    turn(2, 0ms);  // the sends, the receives
  }
  for (const Task<void>& echo : echoes) finish(reactor_, echo);
  EXPECT_EQ(reactor_.counters().starved, 0u);
  for (const Pair& pair : pairs_) {
    EXPECT_EQ(recv(pair.theirs, back.data(), back.size(), MSG_WAITALL),
              static_cast<ssize_t>(back.size()));
  }
}

// Bytes that nobody reads give the ring's buffers back, though nobody waits for one yet.
TEST_P(ReceiveBuffers, WhatLiesUnreadForLongIsCopiedOutOfALowRing) {
  payload_.resize(RecvStream::kPauseBytes, 'p');
  open(11);  // two thirds of the ring
  all_send();
  turn(1, 0ms);
  EXPECT_LT(kernel_.buffers_free() * 2, kernel_.buffers_total());
  turn(100, 0ms);
  EXPECT_EQ(kernel_.buffers_free(), kernel_.buffers_total());
  EXPECT_EQ(reactor_.counters().starved, 0u);
  for (const auto& stream : streams_) EXPECT_EQ(stream->unread_bytes(), payload_.size());
}

INSTANTIATE_TEST_SUITE_P(Kernels, ReceiveBuffers, ::testing::ValuesIn(kVariants), variant_name);

}  // namespace
}  // namespace sluice
