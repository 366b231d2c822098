#include "engine/io/pool_block.h"
#include "tests/unit/net/scarce_home.h"
#include "tests/unit/net/stream_fixture.h"
#include "tests/unit/net/tls_wire.h"

namespace sluice {
namespace {

// A client's connection under TLS.
class StreamTlsTest : public StreamTest {
 protected:
  explicit StreamTlsTest(std::uint32_t slice_bytes = 4096) : StreamTest(slice_bytes) {}
  void SetUp() override {
    StreamTest::SetUp();
    stream_->use_tls(TlsSession::make(server_, shard_->blocks()));
    client_.emplace(*wire_, world_.client, TlsPeer{.host = "sluice.test", .port = 443},
                    world_.pool);
  }

  // Lets client and stream speak until `task` is done.
  template <class T>
  T speak(Task<T> task) {
    for (int turns = 0; !task.done() && turns < 1000; ++turns) {
      client_->step();
      shard_->turn(shard_->now());
    }
    EXPECT_TRUE(task.done());
    client_->step();
    return task.take();
  }
  void handshake() {
    ASSERT_EQ(text_of(speak(tls_handshake(*shard_, *stream_, {}))), "ok");
    ASSERT_TRUE(client_->session.established());
  }
  // What the client's socket holds is ciphertext and stays there: the reader is slow.
  Task<Result<void>> write_text(std::string_view text, WriteLimits limits = {}) {
    outbox_.add(text);
    return write(limits);
  }

  TlsWorld world_;
  ServerTlsContext server_ = world_.server(world_.authority.issue({.dns_names = {"sluice.test"}}));
  std::optional<TlsWire> client_;
};

TEST_F(StreamTlsTest, SpeaksBothWays) {
  handshake();
  client_->send("hello");
  EXPECT_EQ(read(), "hello");
  EXPECT_EQ(text_of(speak(write_text("world"))), "ok");
  EXPECT_EQ(client_->plaintext, "world");
  EXPECT_TRUE(outbox_.empty());
}

TEST_F(StreamTlsTest, CarriesMuchInOrder) {
  handshake();
  const std::string text = long_text(300'000);
  EXPECT_EQ(text_of(speak(write_text(text))), "ok");
  EXPECT_TRUE(same(client_->plaintext, text));
  client_->send(text);
  std::string got;
  while (got.size() < text.size()) {
    const Result<Slice> slice = speak(read_some(*shard_, *stream_, {}));
    ASSERT_TRUE(slice && !slice->empty()) << text_of(slice);
    EXPECT_FALSE(slice->scarce());
    got += slice->view();
  }
  EXPECT_TRUE(same(got, text));
}

// B1
TEST_F(StreamTlsTest, WhatIsUnreadCanBeCopiedOutOfTheRing) {
  // The client's last flight, a whole request behind it, and more than one reading's worth.
  Task<Result<void>> shaking = tls_handshake(*shard_, *stream_, {});
  client_->step();
  settle();
  std::string inbox = wire_->take();
  deliver(client_->session, inbox, client_->plaintext);
  const std::string text = long_text(40'000);
  ASSERT_TRUE(client_->session.write(text).has_value());
  client_->flush();
  EXPECT_EQ(text_of(finished(std::move(shaking))), "ok");
  settle();
  EXPECT_GT(buffers_held(), 0u);
  stream_->recv().copy_out();
  EXPECT_EQ(buffers_held(), 0u);
  std::string got = read();
  ASSERT_LT(got.size(), text.size());
  stream_->recv().copy_out();
  EXPECT_EQ(buffers_held(), 0u);
  while (got.size() < text.size()) got += read();
  EXPECT_TRUE(same(got, text));
}

TEST_F(StreamTlsTest, WhatIsPutBackComesFirst) {
  handshake();
  client_->send("one two");
  Result<Slice> slice = finished(read_some(*shard_, *stream_, {}));
  ASSERT_EQ(text_of(slice), "one two");
  slice->drop_front(4);
  stream_->put_back(std::move(*slice));
  EXPECT_TRUE(stream_->readable());
  EXPECT_EQ(buffers_held(), 0u);
  client_->send(" three");
  EXPECT_EQ(read(), "two");
  EXPECT_EQ(read(), " three");
}

TEST_F(StreamTlsTest, WhatIsPutBackIsUnreadThoughThePeerHasClosed) {
  handshake();
  client_->send("two requests");
  client_->close_notify();
  wire_->half_close();
  settle();
  ASSERT_TRUE(stream_->ended());
  Result<Slice> slice = finished(read_some(*shard_, *stream_, {}));
  ASSERT_EQ(text_of(slice), "two requests");
  EXPECT_EQ(stream_->recv().unread_bytes(), 0u);
  stream_->put_back(std::move(*slice));
  EXPECT_TRUE(stream_->has_unread());
  EXPECT_EQ(read(), "two requests");
  EXPECT_FALSE(stream_->has_unread());
  EXPECT_EQ(read(), "(end)");
}

// C6
TEST_F(StreamTlsTest, CloseNotifyIsTheEnd) {
  handshake();
  client_->send("bye");
  client_->close_notify();
  EXPECT_EQ(read(), "bye");
  EXPECT_EQ(read(), "(end)");
  EXPECT_EQ(read(), "(end)");
}

// C6
TEST_F(StreamTlsTest, AnEndWithoutCloseNotifyIsABrokenStream) {
  handshake();
  client_->send("bye");
  wire_->half_close();
  EXPECT_EQ(read(), "bye");
  const Result<Slice> end = finished(read_some(*shard_, *stream_, {}));
  EXPECT_EQ(text_of(end), "(TLS stream broken)");
  EXPECT_EQ(end.error().side, Side::kDownstream);
}

TEST_F(StreamTlsTest, ARecordThatDoesNotDecryptIsABrokenStreamAndThePeerIsTold) {
  handshake();
  EXPECT_EQ(wire_->take(), "");
  wire_->send(std::string_view("\x17\x03\x03\x00\x20", 5));
  wire_->send(std::string(32, 'x'));
  EXPECT_EQ(read(), "(TLS stream broken)");
  client_->step();
  EXPECT_EQ(client_->read, TlsReadState::kFailed);
  EXPECT_NE(client_->session.failure().find("alert"), std::string_view::npos)
      << client_->session.failure();
  EXPECT_EQ(text_of(finished(write_text("more"))), "TLS stream broken");
}

TEST_F(StreamTlsTest, AReadOfNoPlaintextWaitsForMoreUntilItsDeadline) {
  handshake();
  std::string record;
  ASSERT_TRUE(client_->session.write("hello").has_value());
  collect(client_->session, record);
  wire_->send(std::string_view(record).substr(0, 10));
  Task<Result<Slice>> reading =
      read_some(*shard_, *stream_, Limits{.deadline = shard_->now() + 10ms});
  leap(9ms);
  EXPECT_FALSE(reading.done());
  leap(1ms);
  EXPECT_EQ(text_of(finished(std::move(reading))), "(timed out)");
  EXPECT_TRUE(stream_->readable());  // a part of a record is no silence
  wire_->send(std::string_view(record).substr(10));
  EXPECT_EQ(read(), "hello");
}

TEST_F(StreamTlsTest, AHandshakeEndsAtItsDeadline) {
  Task<Result<void>> shaking =
      tls_handshake(*shard_, *stream_, Limits{.deadline = shard_->now() + 10ms});
  leap(9ms);
  EXPECT_FALSE(shaking.done());
  leap(1ms);
  EXPECT_EQ(text_of(finished(std::move(shaking))), "timed out");
}

TEST_F(StreamTlsTest, AHandshakeCanBeCancelled) {
  CancelSource cancel;
  Task<Result<void>> shaking = tls_handshake(*shard_, *stream_, Limits{.cancel = &cancel});
  cancel.request(Error{.code = Errc::kCancelled});
  EXPECT_EQ(text_of(finished(std::move(shaking))), "cancelled");
}

TEST_F(StreamTlsTest, APeerThatLeavesDuringTheHandshakeIsNamed) {
  Task<Result<void>> shaking = tls_handshake(*shard_, *stream_, {});
  wire_->half_close();
  const Result<void> shaken = finished(std::move(shaking));
  EXPECT_EQ(text_of(shaken), "TLS handshake failed");
  EXPECT_EQ(shaken.error().retry, Retry::kSafe);
  EXPECT_EQ(stream_->tls()->failure(), "connection closed during the TLS handshake");
}

TEST_F(StreamTlsTest, APeerThatLeavesInTheMiddleOfItsHelloIsNamedToo) {
  static_cast<void>(client_->session.handshake());
  wire_->send(client_->session.output().substr(0, 100));
  wire_->half_close();
  settle();
  EXPECT_EQ(text_of(finished(tls_handshake(*shard_, *stream_, {}))), "TLS handshake failed");
  EXPECT_EQ(stream_->tls()->failure(), "connection closed during the TLS handshake");
}

TEST_F(StreamTlsTest, AResetDuringTheHandshakeIsTheTransportsError) {
  Task<Result<void>> shaking = tls_handshake(*shard_, *stream_, {});
  client_->step();
  settle();  // the server's flight lies unread in the peer's socket
  wire_->close();
  EXPECT_EQ(text_of(finished(std::move(shaking))), "connection reset");
}

TEST_F(StreamTlsTest, WhoDoesNotSpeakTlsIsToldSo) {
  Task<Result<void>> shaking = tls_handshake(*shard_, *stream_, {});
  wire_->send("hello, this is no TLS");
  const Result<void> shaken = finished(std::move(shaking));
  EXPECT_EQ(text_of(shaken), "TLS handshake failed");
  EXPECT_NE(stream_->tls()->failure(), "");
  EXPECT_TRUE(wire_->take().starts_with("\x15")) << "no alert";
}

TEST_F(StreamTlsTest, APeerThatTakesNothingIsGivenUpAfterTheStall) {
  handshake();
  const std::string text = long_text(200'000);
  Task<Result<void>> writing = write_text(text, {.stall = 50ms});
  leap(50ms);  // the end of the first send, which had moved some KiB
  EXPECT_FALSE(writing.done());
  leap(49ms);
  EXPECT_FALSE(writing.done());
  leap(1ms);
  EXPECT_EQ(text_of(finished(std::move(writing))), "timed out");
  // What was encrypted is the session's.
  EXPECT_TRUE(same(text_of(outbox_), text.substr(TlsSession::kWriteBytesSuggested)));
}

TEST_F(StreamTlsTest, APeerThatTakesALittleAtATimeIsNoStall) {
  handshake();
  const std::string text = long_text(100'000);
  Task<Result<void>> writing = write_text(text, {.stall = 50ms});
  for (int i = 0; i < 100 && !writing.done(); ++i) {
    std::string inbox = wire_->take(5000);
    deliver(client_->session, inbox, client_->plaintext);
    leap(40ms);
  }
  EXPECT_EQ(text_of(speak(std::move(writing))), "ok");
  EXPECT_TRUE(same(client_->plaintext, text));
}

TEST_F(StreamTlsTest, ADeadlineEndsAWriteThatStillMoves) {
  handshake();
  const std::string text = long_text(200'000);
  Task<Result<void>> writing = write_text(text, {.stall = 50ms, .deadline = shard_->now() + 100ms});
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(writing.done());
    wire_->take(5000);
    leap(25ms);
  }
  EXPECT_EQ(text_of(finished(std::move(writing))), "timed out");
}

// B1
TEST_F(StreamTlsTest, WhatASlowReaderDoesNotTakeIsCopiedOutOfTheRing) {
  handshake();
  const std::string text = long_text(TlsSession::kWriteBytesSuggested + 10'000);
  ScarceHome home(text);
  Slice slice = home.whole();
  outbox_.add(slice.view());
  outbox_.keep(std::move(slice));
  Task<Result<void>> writing = write();
  leap(5ms);
  EXPECT_EQ(home.slices(), 0u);
  EXPECT_FALSE(writing.done());
  EXPECT_EQ(text_of(speak(std::move(writing))), "ok");
  EXPECT_TRUE(same(client_->plaintext, text));
}

TEST_F(StreamTlsTest, ClosingSaysGoodbye) {
  handshake();
  finished(close_stream(*shard_, *stream_));
  client_->step();
  EXPECT_EQ(client_->read, TlsReadState::kClosed);
  EXPECT_TRUE(wire_->ended());
}

TEST_F(StreamTlsTest, ClosingBeforeTheHandshakeIsDoneSaysNothing) {
  finished(close_stream(*shard_, *stream_));
  EXPECT_TRUE(wire_->ended());
}

TEST_F(StreamTlsTest, AGoodbyeThatIsNotTakenIsCutShort) {
  handshake();
  const std::string text = long_text(100'000);
  Task<Result<void>> writing = write_text(text, {.stall = 1ms});
  leap(1ms);
  leap(1ms);
  EXPECT_EQ(text_of(finished(std::move(writing))), "timed out");
  outbox_.clear();
  Task<void> closing = close_stream(*shard_, *stream_);
  for (int i = 0; i < 4; ++i) {  // moving, but slowly
    EXPECT_FALSE(closing.done());
    wire_->take(5000);
    leap(25ms);
  }
  finish(closing);
}

// B7
TEST_F(StreamTlsTest, LingeringSaysGoodbyeAndTheEnd) {
  handshake();
  Task<void> lingering = linger(*shard_, *stream_, nullptr);
  settle();
  client_->step();
  EXPECT_EQ(client_->read, TlsReadState::kClosed);
  EXPECT_TRUE(wire_->ended());
  client_->send("the rest of a body");
  settle();
  EXPECT_FALSE(lingering.done());
  wire_->half_close();
  finish(lingering);
}

TEST_F(StreamTlsTest, LingeringEndsAfterTwoSecondsThoughThePeerStillMoves) {
  handshake();
  const std::string text = long_text(100'000);
  Task<Result<void>> writing = write_text(text, {.stall = 1ms});
  leap(1ms);
  leap(1ms);
  EXPECT_EQ(text_of(finished(std::move(writing))), "timed out");
  Task<void> lingering = linger(*shard_, *stream_, nullptr);
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(lingering.done());
    wire_->take(5000);
    leap(500ms);
  }
  leap(1ms);  // what a timer takes at least
  finish(lingering);
}

// Slices as large as those of newer kernels.
class StreamTlsLargeSlicesTest : public StreamTlsTest {
 protected:
  StreamTlsLargeSlicesTest() : StreamTlsTest(64 * 1024) {}
};

TEST_F(StreamTlsLargeSlicesTest, PlaintextThatWaitsInTheSessionIsReadable) {
  handshake();
  const std::string text = long_text(32 * 1024);  // two records; a reading is a little shorter
  client_->send(text);
  settle();
  std::string got = read();
  ASSERT_LT(got.size(), text.size());
  EXPECT_TRUE(stream_->readable());
  got += read();
  EXPECT_TRUE(same(got, text));
  EXPECT_FALSE(stream_->readable());
}

}  // namespace
}  // namespace sluice
