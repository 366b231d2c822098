#include "engine/proxy/relay_response.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/upstream_fixture.h"

namespace sluice {
namespace {

constexpr std::string_view kAsk = "POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\n\r\n";
constexpr std::string_view kEventStream =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

class RelayResponse : public UpstreamTest {
 protected:
  // Begins to relay an answer with this head.
  Task<RelayEnd> relay(std::string_view head, std::string_view request = kAsk) {
    ask(request);
    attempt_.head = const_cast<ResponseHead*>(&provider_head(head));
    return relay_response(*shard_, *exchange_, attempt_);
  }
  // The client's bytes behind the head.
  static std::string body_of(std::string_view text) {
    return std::string(text.substr(text.find("\r\n\r\n") + 4));
  }
};

TEST_F(RelayResponse, HeadAndBodyArePassedOnAndTheConnectionIsKept) {
  Task<RelayEnd> relaying = relay("HTTP/1.1 201 Made\r\nContent-Length: 5\r\n\r\n");
  provider_sends("he");
  EXPECT_TRUE(client_gets("\r\n\r\nhe").starts_with("HTTP/1.1 201 Made\r\n"));
  provider_sends("llo");
  finish(relaying);
  EXPECT_EQ(relaying.take(), RelayEnd::kComplete);
  EXPECT_EQ(client_got(), "llo");
  EXPECT_EQ(exchange_->report.status, 201);
  EXPECT_EQ(exchange_->report.body_bytes_out, 5u);
  EXPECT_EQ(exchange_->report.error, "");
  EXPECT_EQ(exchange_->ending, Ending::kKeepAlive);
  EXPECT_EQ(endpoint().idle_count(), 1u);
}

TEST_F(RelayResponse, BytesBehindTheAnswerEndTheConnectionAndNobodyGetsThem) {  // P3
  Task<RelayEnd> relaying = relay("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  provider_sends("helloHTTP/1.1 200 OK\r\n");
  finish(relaying);
  EXPECT_EQ(relaying.take(), RelayEnd::kComplete);
  EXPECT_EQ(body_of(client_got()), "hello");
  EXPECT_EQ(exchange_->ending, Ending::kKeepAlive);
  EXPECT_EQ(endpoint().idle_count(), 0u);
}

TEST_F(RelayResponse, AConnectionThatHasNotTakenTheRequestIsNotKept) {
  Task<RelayEnd> relaying = relay("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
  attempt_.sent_all = false;
  provider_sends("ok");
  finish(relaying);
  EXPECT_EQ(endpoint().idle_count(), 0u);
}

TEST_F(RelayResponse, ASilentStreamIsKeptAliveOnceInFifteenSeconds) {
  Task<RelayEnd> relaying = relay(kEventStream);
  provider_sends("9\r\ndata: 1\n\n\r\n");
  EXPECT_EQ(body_of(client_gets("1\n\n\r\n")), "9\r\ndata: 1\n\n\r\n");
  constexpr std::string_view kComment = "e\r\n: keep-alive\n\n\r\n";
  for (int round = 0; round < 4; ++round) {
    pass(14900ms);
    for (int turns = 0; turns < 5; ++turns) pass(10ms);
    EXPECT_EQ(client_got(), "") << round;
    pass(100ms);
    EXPECT_EQ(client_gets(kComment), kComment) << round;
  }
  provider_sends("0\r\n\r\n");
  finish(relaying);
  EXPECT_EQ(relaying.take(), RelayEnd::kComplete);
  EXPECT_EQ(exchange_->report.body_bytes_out, 9u);
}

TEST_F(RelayResponse, NoCommentWithinAnEvent) {
  Task<RelayEnd> relaying = relay(kEventStream);
  provider_sends("7\r\ndata: 1\r\n");
  static_cast<void>(client_gets("data: 1\r\n"));
  for (int i = 0; i < 5; ++i) pass(16s);
  EXPECT_EQ(client_got(), "");
  hang_up();
  finish(relaying);
}

TEST_F(RelayResponse, AStreamThatIsSilentForTooLongBreaksVisibly) {
  Task<RelayEnd> relaying = relay(kEventStream);
  provider_sends("9\r\ndata: 1\n\n\r\n");
  static_cast<void>(client_gets("1\n\n\r\n"));
  for (int i = 0; i < 130 && !relaying.done(); ++i) {
    pass(1s);
    shard_->turn(shard_->now());
  }
  finish(relaying);
  EXPECT_EQ(relaying.take(), RelayEnd::kUpstreamBroke);
  const std::string text = client_got();
  EXPECT_NE(text.find("data: {\"error\":{\"message\":\"the provider's stream broke off: "),
            std::string::npos);
  EXPECT_NE(text.find("\"code\":\"upstream_timeout\"}}\n\n\r\n"), std::string::npos) << text;
  EXPECT_FALSE(text.ends_with("0\r\n\r\n"));
  EXPECT_EQ(attempt_.broke.code, Errc::kTimedOut);
  EXPECT_EQ(exchange_->ending, Ending::kClose);
}

TEST_F(RelayResponse, AClientThatLeavesEndsItWithoutAMark) {
  Task<RelayEnd> relaying = relay(kEventStream);
  client_->recv().watch_end(&exchange_->cancel);
  provider_sends("9\r\ndata: 1\n\n\r\n");
  static_cast<void>(client_gets("1\n\n\r\n"));
  shutdown(peer_, SHUT_RDWR);
  finish(relaying);
  client_->recv().watch_end(nullptr);
  EXPECT_EQ(relaying.take(), RelayEnd::kClientGone);
  EXPECT_EQ(endpoint().idle_count(), 0u);
}

// Nothing of what waits with a client that takes no byte can keep the ring from others (B1).
class StalledClient : public RelayResponse {
 protected:
  StalledClient() { kernel_options_.buffers.allow_incremental = false; }  // a buffer for each read

  void fill_the_clients_socket() {
    const std::string bytes(64 * 1024, 'x');
    while (send(client_->fd(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
  }
  std::size_t buffers_held() { return kernel_.buffers_total() - kernel_.buffers_free(); }
  // The provider's bytes have come as far as they will, and what waited for a send has been copied.
  void stall() {
    turn_until([this] { return buffers_held() > 0 || exchange_->answered; });
    for (int i = 0; i < 10; ++i) {
      pass(5ms);
      shard_->turn(shard_->now() + 1ms);
    }
  }
  void end(Task<RelayEnd>& relaying) {
    exchange_->cancel.request(Error{.code = Errc::kEndOfStream, .side = Side::kDownstream});
    finish(relaying);
  }
};

TEST_F(StalledClient, ManySmallChunksHoldNoBuffer) {
  Task<RelayEnd> relaying = relay("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  fill_the_clients_socket();
  std::string body;
  for (int i = 0; i < 500; ++i) body += "1\r\na\r\n";
  provider_sends(body);
  stall();
  ASSERT_FALSE(relaying.done());
  attempt_.connection->stream.recv().copy_out();  // as the shard does when buffers run short
  EXPECT_EQ(buffers_held(), 0u);
  end(relaying);
}

TEST_F(StalledClient, EventsThatTheFilterHasNotTakenHoldNoBuffer) {
  ask(kAsk);
  attempt_.usage_injected = true;
  attempt_.head = const_cast<ResponseHead*>(
      &provider_head("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"));
  Task<RelayEnd> relaying = relay_response(*shard_, *exchange_, attempt_);
  fill_the_clients_socket();
  std::string body;
  for (int i = 0; i < 100; ++i) body += "data: {\"a\":1,\"usage\":null}\n\n";
  provider_sends(body);
  stall();
  ASSERT_FALSE(relaying.done());
  attempt_.connection->stream.recv().copy_out();
  EXPECT_EQ(buffers_held(), 0u);
  end(relaying);
}

TEST_F(StalledClient, NorDoBytesBehindTheAnswer) {
  Task<RelayEnd> relaying = relay("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  fill_the_clients_socket();
  provider_sends("hello, and more");
  stall();
  ASSERT_FALSE(relaying.done());
  attempt_.connection->stream.recv().copy_out();
  EXPECT_EQ(buffers_held(), 0u);
  end(relaying);
}

TEST_F(StalledClient, NorWhatFollowsAnInterimAnswer) {
  ask(kAsk);
  fill_the_clients_socket();
  Task<Result<void>> reading = read_response_head(*shard_, *exchange_, attempt_);
  provider_sends("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n");
  stall();
  ASSERT_FALSE(reading.done());
  attempt_.connection->stream.recv().copy_out();
  EXPECT_EQ(buffers_held(), 0u);
  exchange_->cancel.request(Error{.code = Errc::kEndOfStream, .side = Side::kDownstream});
  finish(reading);
}

}  // namespace
}  // namespace sluice
