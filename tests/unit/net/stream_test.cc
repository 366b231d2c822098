#include "engine/net/stream.h"

#include <fcntl.h>

#include "engine/io/pool_block.h"
#include "tests/unit/net/scarce_home.h"
#include "tests/unit/net/stream_fixture.h"

namespace sluice {
namespace {

TEST_F(StreamTest, GivesWhatCameAndThenTheEnd) {
  EXPECT_FALSE(stream_->readable());
  wire_->send("hello");
  EXPECT_EQ(read(), "hello");
  wire_->send("world");
  wire_->half_close();
  settle();
  EXPECT_TRUE(stream_->readable());
  EXPECT_TRUE(stream_->ended());
  EXPECT_EQ(read(), "world");
  EXPECT_EQ(read(), "(end)");
  EXPECT_EQ(read(), "(end)");
  EXPECT_TRUE(stream_->readable());
}

TEST_F(StreamTest, AResetComesBehindTheBytesBeforeIt) {
  outbox_.add("nobody reads this");
  EXPECT_EQ(text_of(finished(write())), "ok");
  wire_->send("hello");
  wire_->close();
  EXPECT_EQ(read(), "hello");
  EXPECT_EQ(read(), "(connection reset)");
  EXPECT_TRUE(stream_->ended());
}

TEST_F(StreamTest, AReadEndsAtItsDeadlineAndNotBefore) {
  Task<Result<Slice>> reading =
      read_some(*shard_, *stream_, Limits{.deadline = shard_->now() + 10ms});
  leap(9ms);
  EXPECT_FALSE(reading.done());
  leap(1ms);
  ASSERT_TRUE(reading.done());
  const Result<Slice> read = reading.take();
  EXPECT_EQ(text_of(read), "(timed out)");
  EXPECT_EQ(read.error().side, Side::kDownstream);
}

TEST_F(StreamTest, ACancelledReadTellsTheCauseAndLosesNothing) {
  CancelSource cancel;
  Task<Result<Slice>> reading = read_some(*shard_, *stream_, Limits{.cancel = &cancel});
  cancel.request(Error{.code = Errc::kCancelled});
  EXPECT_EQ(text_of(finished(std::move(reading))), "(cancelled)");
  EXPECT_EQ(read({.cancel = &cancel}), "(cancelled)");
  wire_->send("later");
  EXPECT_EQ(read(), "later");
}

TEST_F(StreamTest, WhatIsPutBackComesFirst) {
  wire_->send("one two");
  Result<Slice> slice = finished(read_some(*shard_, *stream_, {}));
  ASSERT_EQ(text_of(slice), "one two");
  EXPECT_TRUE(slice->scarce());
  slice->drop_front(4);
  stream_->put_back(std::move(*slice));
  stream_->put_back(Slice{});
  wire_->send(" three");
  settle();
  EXPECT_TRUE(stream_->readable());
  std::string text = read();
  while (text.size() < 9) text += read();
  EXPECT_EQ(text, "two three");
  EXPECT_FALSE(stream_->readable());
}

// B1
TEST_F(StreamTest, WhatIsPutBackCanBeCopiedOutOfTheRing) {
  wire_->send("kept");
  Result<Slice> slice = finished(read_some(*shard_, *stream_, {}));
  ASSERT_EQ(text_of(slice), "kept");
  stream_->put_back(std::move(*slice));
  EXPECT_EQ(buffers_held(), 1u);
  stream_->recv().copy_out();
  EXPECT_EQ(buffers_held(), 0u);
  EXPECT_EQ(read(), "kept");
}

TEST_F(StreamTest, WhatIsPutBackOutOfThePoolComesFirstToo) {
  wire_->send("behind it");
  settle();
  stream_->put_back(copy_to_pool(shard_->blocks(), "a block"));
  EXPECT_EQ(read(), "a block");
  EXPECT_EQ(read(), "behind it");
  stream_->put_back(copy_to_pool(shard_->blocks(), "the last thing"));
  EXPECT_TRUE(stream_->readable());  // close_stream() gives its memory back
}

TEST_F(StreamTest, SendsAllPiecesInOrder) {
  const std::string text = long_text(300'000);
  outbox_.add(std::string_view(text).substr(5, 100'000));
  outbox_.add(std::string_view(text).substr(100'005));
  outbox_.add_front(std::string_view(text).substr(0, 5));
  const Task<Result<void>> writing = write();
  EXPECT_TRUE(same(take_until_done(writing), text));
  EXPECT_TRUE(outbox_.empty());
}

TEST_F(StreamTest, APeerThatTakesNothingIsGivenUpAfterTheStall) {
  const std::string text = long_text(100'000);
  outbox_.add(text);
  Task<Result<void>> writing = write({.stall = 50ms});
  leap(49ms);
  EXPECT_FALSE(writing.done());
  leap(1ms);  // the end of the first send, which had moved some KiB
  EXPECT_FALSE(writing.done());
  leap(49ms);
  EXPECT_FALSE(writing.done());
  leap(1ms);
  const Result<void> written = finished(std::move(writing));
  EXPECT_EQ(text_of(written), "timed out");
  EXPECT_EQ(written.error().side, Side::kDownstream);
  EXPECT_LT(outbox_.bytes(), text.size());
  EXPECT_TRUE(same(wire_->take() + text_of(outbox_), text));
}

TEST_F(StreamTest, APeerThatTakesALittleAtATimeIsNoStall) {
  const std::string text = long_text(60'000);
  outbox_.add(text);
  Task<Result<void>> writing = write({.stall = 50ms});
  std::string got;
  for (int i = 0; i < 100 && !writing.done(); ++i) {
    got += wire_->take(5000);
    leap(40ms);
  }
  EXPECT_EQ(text_of(finished(std::move(writing))), "ok");
  EXPECT_TRUE(same(got + wire_->take(), text));
}

TEST_F(StreamTest, ADeadlineEndsAWriteThatStillMoves) {
  const std::string text = long_text(200'000);
  outbox_.add(text);
  Task<Result<void>> writing = write({.stall = 50ms, .deadline = shard_->now() + 100ms});
  std::string got;
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(writing.done());
    got += wire_->take(5000);
    leap(25ms);
  }
  EXPECT_EQ(text_of(finished(std::move(writing))), "timed out");
  EXPECT_TRUE(same(got + wire_->take() + text_of(outbox_), text));
}

TEST_F(StreamTest, ACancelledWriteLeavesTheRestForTheNext) {
  const std::string text = long_text(100'000);
  outbox_.add(text);
  CancelSource cancel;
  Task<Result<void>> writing = write({.cancel = &cancel});
  settle();
  cancel.request(Error{.code = Errc::kCancelled, .side = Side::kUpstream});
  const Result<void> written = finished(std::move(writing));
  EXPECT_EQ(text_of(written), "cancelled");
  EXPECT_EQ(written.error().side, Side::kUpstream);
  const std::size_t left = outbox_.bytes();
  EXPECT_GT(left, 0u);
  EXPECT_LT(left, text.size());
  EXPECT_EQ(text_of(finished(write({.cancel = &cancel}))), "cancelled");
  EXPECT_EQ(outbox_.bytes(), left);
  const Task<Result<void>> rest = write();
  EXPECT_TRUE(same(take_until_done(rest), text));
}

TEST_F(StreamTest, APeerThatHasGoneIsAnErrorAndTheOutboxKeepsTheRest) {
  const std::string text = long_text(100'000);
  outbox_.add(text);
  Task<Result<void>> writing = write();
  settle();
  const std::string got = wire_->take(1000);
  wire_->close();
  EXPECT_EQ(text_of(finished(std::move(writing))), "connection reset");
  EXPECT_GT(outbox_.bytes(), 0u);
  EXPECT_TRUE(same(text_of(outbox_), text.substr(text.size() - outbox_.bytes())));
}

// B1
TEST_F(StreamTest, WhatASlowReaderDoesNotTakeIsCopiedOutOfTheRing) {
  const std::string text = long_text(40 * 1024);
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  Stream source(*shard_, fds[0], Side::kUpstream, RecvMode::kSingle);
  Wire provider(fds[1]);
  provider.send(text);
  while (outbox_.bytes() < text.size()) {
    Result<Slice> slice = finished(read_some(*shard_, source, {}));
    ASSERT_TRUE(slice && !slice->empty());
    outbox_.add(slice->view());
    outbox_.keep(std::move(*slice));
  }
  EXPECT_EQ(buffers_held(), 10u);
  Task<Result<void>> writing = write();
  leap(4ms);  // kRingPatience is 5 ms
  EXPECT_EQ(buffers_held(), 10u);
  leap(1ms);
  EXPECT_EQ(buffers_held(), 0u);
  EXPECT_FALSE(writing.done());
  EXPECT_TRUE(same(take_until_done(writing), text));
  EXPECT_EQ(text_of(finished(std::move(writing))), "ok");
  finished(close_stream(*shard_, source));
}

TEST_F(StreamTest, AStallAfterTheRingWasFreedIsAStall) {
  const std::string text = long_text(50'000);
  ScarceHome home(text);
  Slice slice = home.whole();
  outbox_.add(slice.view());
  outbox_.keep(std::move(slice));
  Task<Result<void>> writing = write({.stall = 50ms});
  leap(5ms);
  EXPECT_EQ(home.slices(), 0u);
  leap(50ms);
  EXPECT_EQ(text_of(finished(std::move(writing))), "timed out");
  EXPECT_TRUE(same(wire_->take() + text_of(outbox_), text));
}

// C2
TEST_F(StreamTest, ClosingEndsTheReceiveAndTheDescriptor) {
  wire_->send("unread");
  settle();
  stream_->put_back(copy_to_pool(shard_->blocks(), "put back"));
  finished(close_stream(*shard_, *stream_));
  EXPECT_EQ(stream_->fd(), -1);
  EXPECT_FALSE(stream_->recv().in_flight());
  EXPECT_EQ(fcntl(fd_, F_GETFD), -1);
  finished(close_stream(*shard_, *stream_));  // the second time nothing happens
}

// B7
TEST_F(StreamTest, LingeringSaysTheEndAndWaitsForTheOthers) {
  Task<void> lingering = linger(*shard_, *stream_, nullptr);
  EXPECT_TRUE(wire_->ended());
  wire_->send("the rest of a body");
  settle();
  EXPECT_FALSE(lingering.done());
  EXPECT_FALSE(stream_->readable());
  wire_->half_close();
  finish(lingering);
}

TEST_F(StreamTest, LingeringDiscardsAllOfALargeBody) {
  Task<void> lingering = linger(*shard_, *stream_, nullptr);
  const std::string text(16 * 1024, 'x');
  for (int i = 0; i < 100; ++i) {
    wire_->send(text);
    settle();
    ASSERT_FALSE(lingering.done());
    ASSERT_FALSE(stream_->readable());
  }
  wire_->half_close();
  finish(lingering);
}

TEST_F(StreamTest, LingeringEndsAfterTwoSecondsOfSilence) {
  Task<void> lingering = linger(*shard_, *stream_, nullptr);
  leap(1999ms);
  wire_->send("x");
  settle();
  leap(1999ms);
  EXPECT_FALSE(lingering.done());
  leap(2ms);
  finish(lingering);
}

TEST_F(StreamTest, LingeringEndsAfterTenSecondsWhateverComes) {
  Task<void> lingering = linger(*shard_, *stream_, nullptr);
  for (int i = 0; i < 9; ++i) {
    leap(1s);
    wire_->send("x");
    settle();
  }
  leap(999ms);
  EXPECT_FALSE(lingering.done());
  leap(1ms);
  finish(lingering);
}

TEST_F(StreamTest, LingeringEndsEarlierWhereItIsTold) {
  Task<void> lingering = linger(*shard_, *stream_, nullptr, 1s);
  leap(999ms);
  EXPECT_FALSE(lingering.done());
  leap(1ms);
  finish(lingering);
}

TEST_F(StreamTest, LingeringEndsWhenThePeerHasGone) {
  Task<void> lingering = linger(*shard_, *stream_, nullptr);
  wire_->close();
  finish(lingering);
}

}  // namespace
}  // namespace sluice
