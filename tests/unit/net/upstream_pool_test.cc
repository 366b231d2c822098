#include "tests/unit/net/upstream_pool_fixture.h"

namespace sluice {
namespace {

TEST_F(UpstreamPoolTest, EveryTargetHasItsPool) {
  const UpstreamTargetView target{.host = "a.test", .ca_file = "", .port = 443, .tls = true};
  EndpointPool& pool = pools_->pool_for(target);
  EXPECT_EQ(&pools_->pool_for(target), &pool);
  EXPECT_EQ(pool.target().host, "a.test");
  for (const UpstreamTargetView& other :
       {UpstreamTargetView{.host = "b.test", .ca_file = "", .port = 443, .tls = true},
        UpstreamTargetView{.host = "a.test", .ca_file = "ca.pem", .port = 443, .tls = true},
        UpstreamTargetView{.host = "a.test", .ca_file = "", .port = 8443, .tls = true},
        UpstreamTargetView{.host = "a.test", .ca_file = "", .port = 443, .tls = false}}) {
    EndpointPool& its = pools_->pool_for(other);
    EXPECT_NE(&its, &pool);
    EXPECT_EQ(&pools_->pool_for(other), &its);
  }
}

TEST_F(UpstreamPoolTest, AConnectionGivenBackIsUsedAgain) {
  EXPECT_EQ(take(), nullptr);
  UpstreamConnection& connection = open();
  EXPECT_EQ(connection.exchanges, 1u);
  EXPECT_EQ(pool().open_count(), 1u);
  EXPECT_EQ(pool().idle_count(), 0u);
  EXPECT_EQ(take(), nullptr);  // in use
  pools_->give_back(connection, true);
  EXPECT_EQ(pool().idle_count(), 1u);
  EXPECT_EQ(take(), &connection);
  EXPECT_EQ(connection.exchanges, 2u);
  EXPECT_EQ(pool().idle_count(), 0u);
  EXPECT_EQ(pool().open_count(), 1u);
  EXPECT_EQ(take(), nullptr);
  pools_->give_back(connection, true);
}

TEST_F(UpstreamPoolTest, ATargetsConnectionsAreItsOwn) {
  open_idle();
  EXPECT_EQ(pools_->take_idle(pool_at(1)), nullptr);
}

TEST_F(UpstreamPoolTest, TheYoungestIsTakenFirst) {
  UpstreamConnection& first = open();
  UpstreamConnection& second = open();
  pools_->give_back(second, true);
  pools_->give_back(first, true);
  EXPECT_EQ(take(), &first);
  EXPECT_EQ(take(), &second);
  pools_->give_back(first, true);
  pools_->give_back(second, true);
}

TEST_F(UpstreamPoolTest, OneThatMayNotBeReusedIsClosed) {
  UpstreamConnection& connection = open();
  pools_->give_back(connection, false);
  EXPECT_EQ(take(), nullptr);
  expect_closed(*wires_[0]);
  EXPECT_EQ(pool().open_count(), 0u);
}

TEST_F(UpstreamPoolTest, AnIdleConnectionIsClosedAtItsTime) {
  open_idle();
  leap(45s - 1ms);
  EXPECT_EQ(pool().idle_count(), 1u);
  leap(1ms);
  EXPECT_EQ(take(), nullptr);
  expect_closed(*wires_[0]);
  EXPECT_EQ(pool().open_count(), 0u);
}

TEST_F(UpstreamPoolTest, TheIdleTimeBeginsWithEachUse) {
  UpstreamConnection& connection = open_idle();
  leap(30s);
  ASSERT_EQ(take(), &connection);
  leap(60s);  // in use for longer than it may be idle
  EXPECT_FALSE(wires_[0]->ended());
  pools_->give_back(connection, true);
  leap(45s - 1ms);
  EXPECT_EQ(take(), &connection);
  pools_->give_back(connection, true);
}

TEST_F(UpstreamPoolTest, AnOldConnectionIsNotKept) {
  UpstreamConnection& connection = open();
  leap(10min - 10s);
  pools_->give_back(connection, true);
  ASSERT_EQ(take(), &connection);
  leap(10s);
  pools_->give_back(connection, true);
  EXPECT_EQ(take(), nullptr);
  expect_closed(*wires_[0]);
}

TEST_F(UpstreamPoolTest, AnIdleConnectionIsClosedWhenItIsOld) {
  UpstreamConnection& connection = open();
  leap(10min - 10s);
  pools_->give_back(connection, true);
  leap(10s - 1ms);
  EXPECT_EQ(pool().idle_count(), 1u);
  leap(1ms);
  EXPECT_EQ(take(), nullptr);
  expect_closed(*wires_[0]);
}

// C7
TEST_F(UpstreamPoolTest, OneThatTheProviderClosesIsNotGivenOut) {
  open_idle();
  wires_[0]->half_close();
  turn_until([&] { return pool().idle_count() == 0; });
  EXPECT_EQ(take(), nullptr);
  expect_closed(*wires_[0]);
  EXPECT_EQ(pool().open_count(), 0u);
}

// C7
TEST_F(UpstreamPoolTest, OneOnWhichAByteComesUnaskedIsNotGivenOut) {
  open_idle();
  wires_[0]->send("H");
  turn_until([&] { return pool().idle_count() == 0; });
  EXPECT_EQ(take(), nullptr);
  expect_closed(*wires_[0]);
}

// C7
TEST_F(UpstreamPoolTest, OneThatIsGivenBackWithUnreadBytesIsClosed) {
  UpstreamConnection& connection = open();
  wires_[0]->send("behind the answer");
  turn_until([&] { return connection.stream.readable(); });
  pools_->give_back(connection, true);
  EXPECT_EQ(take(), nullptr);
  expect_closed(*wires_[0]);
}

TEST_F(UpstreamPoolTest, OneThatEndedInUseIsClosed) {
  UpstreamConnection& connection = open();
  wires_[0]->half_close();
  turn_until([&] { return connection.stream.ended(); });
  pools_->give_back(connection, true);
  EXPECT_EQ(take(), nullptr);
  expect_closed(*wires_[0]);
}

TEST_F(UpstreamPoolTest, NobodyWatchesWhileItIsInUse) {
  UpstreamConnection& connection = open_idle();
  ASSERT_EQ(take(), &connection);
  wires_[0]->send("an answer");
  turn_until([&] { return connection.stream.readable(); });
  const Result<Slice> answer = finished(read_some(*shard_, connection.stream, {}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->view(), "an answer");
  pools_->give_back(connection, true);
  EXPECT_EQ(take(), &connection);  // and watched anew
  pools_->give_back(connection, true);
  wires_[0]->send("unasked");
  turn_until([&] { return pool().idle_count() == 0; });
}

TEST_F(UpstreamPoolTest, TheOthersStayWhenOneIsClosed) {
  UpstreamConnection& first = open();
  UpstreamConnection& second = open();
  UpstreamConnection& third = open();
  for (UpstreamConnection* const connection : {&first, &second, &third})
    pools_->give_back(*connection, true);
  wires_[1]->close();
  turn_until([&] { return pool().idle_count() == 2; });
  EXPECT_EQ(take(), &third);
  EXPECT_EQ(take(), &first);
  EXPECT_EQ(pool().open_count(), 2u);
  pools_->give_back(first, false);
  pools_->give_back(third, false);
}

TEST_F(UpstreamPoolTest, StoppingClosesWhatIsIdleAndWaitsForWhatIsInUse) {
  UpstreamConnection& used = open();
  open_idle();
  Task<void> stopping = UpstreamPools::stop(*shard_, *pools_);
  expect_closed(*wires_[1]);
  EXPECT_EQ(take(), nullptr);
  settle();
  EXPECT_FALSE(stopping.done());
  EXPECT_FALSE(wires_[0]->ended());
  pools_->give_back(used, true);
  finish(stopping);
  expect_closed(*wires_[0]);
  EXPECT_EQ(pool().open_count(), 0u);
}

TEST_F(UpstreamPoolTest, AProviderThatDoesNotListenIsSafeToRetry) {
  listener_.emplace(kernel_, 16);
  const std::uint16_t port = listener_->port();
  listener_.reset();
  EndpointPool& gone = pool_at(port);
  const Result<UpstreamConnection*> opened =
      finished(UpstreamPools::open(*shard_, *pools_, gone, nullptr, {}, *arena_, failure_));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kConnectFailed);
  EXPECT_EQ(opened.error().retry, Retry::kSafe);
  EXPECT_EQ(gone.open_count(), 0u);
}

// The provider's side of a handshake.
class UpstreamPoolTlsTest : public UpstreamPoolTest {
 protected:
  // A provider with this name; gives what open() gave.
  Result<UpstreamConnection*> open_tls(const LeafSpec& name, const TrustStore* trust = nullptr) {
    Task<Result<UpstreamConnection*>> task = opening(true, {}, trust);
    const ServerTlsContext context = world_.server(world_.authority.issue(name));
    server_.emplace(accept(), context, world_.pool);
    turn_until([&] {
      server_->step();
      return task.done();
    });
    server_->step();
    return task.take();
  }

  std::optional<TlsWire> server_;
};

TEST_F(UpstreamPoolTlsTest, AConnectionIsShakenOnceAndUsedAgain) {
  const Result<UpstreamConnection*> opened = open_tls({.addresses = {"127.0.0.1"}});
  ASSERT_TRUE(opened) << failure_;
  Stream& stream = (*opened)->stream;
  EXPECT_TRUE(stream.tls()->established());
  server_->send("an answer");
  const Result<Slice> answer = finished(read_some(*shard_, stream, {}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->view(), "an answer");
  pools_->give_back(**opened, true);
  EXPECT_EQ(pools_->take_idle(pool(true)), *opened);
  EXPECT_EQ(pools_->take_idle(pool(false)), nullptr);
  pools_->give_back(**opened, true);
}

// C7
TEST_F(UpstreamPoolTlsTest, OneWithAPieceOfARecordBehindTheAnswerIsClosed) {
  const Result<UpstreamConnection*> opened = open_tls({.addresses = {"127.0.0.1"}});
  ASSERT_TRUE(opened) << failure_;
  std::string records;
  ASSERT_TRUE(server_->session.write("an answer").has_value());
  collect(server_->session, records);
  ASSERT_TRUE(server_->session.write("and more").has_value());
  records += server_->session.output().substr(0, 9);
  wires_[0]->send(records);
  const Result<Slice> answer = finished(read_some(*shard_, (*opened)->stream, {}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->view(), "an answer");
  pools_->give_back(**opened, true);
  EXPECT_EQ(pool(true).idle_count(), 0u);
}

TEST_F(UpstreamPoolTlsTest, AProviderThatIsNotTheOneIsSafeToRetryAndSaysWhy) {
  const Result<UpstreamConnection*> opened = open_tls({.dns_names = {"other.test"}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kTlsUntrusted);
  EXPECT_EQ(opened.error().retry, Retry::kSafe);
  EXPECT_NE(failure_.find("127.0.0.1"), std::string_view::npos) << failure_;
  EXPECT_EQ(pool(true).open_count(), 0u);
  expect_closed(*wires_[0]);
}

TEST_F(UpstreamPoolTlsTest, TheTrustOfTheCallerCounts) {
  const TestAuthority other("another authority");
  const TrustStore trust = world_.trust_in("other.pem", other.certificate_pem());
  const Result<UpstreamConnection*> opened = open_tls({.addresses = {"127.0.0.1"}}, &trust);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kTlsUntrusted);
}

TEST_F(UpstreamPoolTlsTest, AHandshakeEndsAtTheDeadlineAndIsSafeToRetry) {
  Task<Result<UpstreamConnection*>> task = opening(true, Limits{.deadline = shard_->now() + 10ms});
  Wire& wire = accept();
  turn_until([&] { return pool(true).open_count() == 1; });
  leap(9ms);
  EXPECT_FALSE(task.done());
  leap(1ms);
  const Result<UpstreamConnection*> opened = finished(std::move(task));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kTimedOut);
  EXPECT_EQ(opened.error().side, Side::kUpstream);
  EXPECT_EQ(opened.error().retry, Retry::kSafe);
  EXPECT_EQ(pool(true).open_count(), 0u);
  wire.take();
  expect_closed(wire);
}

TEST_F(UpstreamPoolTlsTest, AHandshakeThatIsCalledOffLeavesNothingOpen) {
  CancelSource cancel;
  Task<Result<UpstreamConnection*>> task = opening(true, Limits{.cancel = &cancel});
  accept();
  turn_until([&] { return pool(true).open_count() == 1; });
  cancel.request(Error{.code = Errc::kCancelled, .side = Side::kDownstream});
  const Result<UpstreamConnection*> opened = finished(std::move(task));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kCancelled);
  EXPECT_EQ(opened.error().side, Side::kDownstream);
  EXPECT_EQ(pool(true).open_count(), 0u);
}

}  // namespace
}  // namespace sluice
