#include "engine/proxy/serve_connection.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/proxy_fixture.h"
#include "tests/unit/tcp_pair.h"

namespace sluice {
namespace {

// A client of a gateway whose ring has one buffer, and a second connection, client_, beside it.
class ServeConnection : public ProxyTest {
 protected:
  ServeConnection() {
    kernel_options_.buffers.allow_incremental = false;
    kernel_options_.buffers.plain_buffers = 1;
  }
  void SetUp() override {
    ProxyTest::SetUp();
    asker_ = tcp_pair();
    begin("GET / HTTP/1.0\r\n\r\n");  // makes the worker
    exchange_.reset();
  }
  void TearDown() override {
    close(asker_.theirs);
    ProxyTest::TearDown();
  }
  void ask(std::string_view text) {
    ASSERT_EQ(send(asker_.theirs, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }

  Pair asker_{-1, -1};  // the gateway's end, the client's
};

TEST_F(ServeConnection, WhoDoesNotTakeAnAnswerKeepsNoBufferFromOthers) {  // INVARIANTS B1
  const std::string bytes(64 * 1024, 'x');
  while (send(asker_.ours, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
  }
  Task<void> serving = serve_connection(*shard_, *worker_, asker_.ours);
  ask("POST /nowhere HTTP/1.1\r\nHost: g\r\nContent-Length: 100\r\n\r\nthe body's beginning");
  for (int i = 0; i < 10; ++i) {
    pass(5ms);
    shard_->turn(shard_->now() + 1ms);
  }
  ASSERT_EQ(worker_->metrics.requests, 1u);
  ASSERT_FALSE(serving.done());
  ASSERT_EQ(send(peer_, "y", 1, 0), 1);
  turn_until([this] { return client_->readable(); });
  shutdown(asker_.theirs, SHUT_RDWR);
  finish(serving);
}

TEST_F(ServeConnection, RequestsSentAheadAreAnsweredInOrder) {  // C1
  Task<void> serving = serve_connection(*shard_, *worker_, asker_.ours);
  ask("GET /livez HTTP/1.1\r\nHost: g\r\nX-Request-Id: first\r\n\r\n"
      "GET /nowhere HTTP/1.1\r\nHost: g\r\nX-Request-Id: second\r\n\r\n"
      "GET /livez HTTP/1.1\r\nHost: g\r\nX-Request-Id: third\r\nConnection: close\r\n\r\n"
      "GET /livez HTTP/1.1\r\nHost: g\r\nX-Request-Id: never\r\n\r\n");
  finish(serving);
  std::string got(64 * 1024, '\0');
  const ssize_t bytes = recv(asker_.theirs, got.data(), got.size(), MSG_WAITALL);  // to the end
  ASSERT_GT(bytes, 0);
  got.resize(static_cast<std::size_t>(bytes));
  std::string ids;
  constexpr std::string_view kName = "x-request-id: ";
  for (std::size_t at = got.find(kName); at != got.npos; at = got.find(kName, at + 1))
    ids += got.substr(at + kName.size(), got.find('\r', at) - at - kName.size()) + ";";
  EXPECT_EQ(ids, "first;second;third;");
  EXPECT_EQ(worker_->metrics.requests, 3u);
}

}  // namespace
}  // namespace sluice
