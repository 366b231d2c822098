#include "tools/mock/connection.h"

#include <sys/socket.h>

#include <utility>

#include "engine/io/operations.h"
#include "tools/mock/answer_head.h"
#include "tools/mock/control.h"
#include "tools/mock/request_reader.h"

namespace sluice {
namespace {

constexpr Duration kHandshakePatience = 10s;

// The provider ends, and so does its connection.
bool drained(const MockConnection& connection) {
  return connection.cancel.cause().code == Errc::kDrained;
}

Task<bool> write_text(Shard& shard, MockConnection& connection, std::string_view text) {
  Outbox outbox(shard.blocks());
  outbox.add(text);
  const WriteLimits limits{.cancel = &connection.cancel};
  const Result<void> written = co_await write_all(shard, connection.stream, outbox, limits);
  connection.end.answer_bytes += text.size() - outbox.bytes();
  co_return written.has_value();
}

// Sends the steps, each when it is due; false when the client has gone.
Task<bool> send_steps(Shard& shard, MockConnection& connection, const WirePlan& plan) {
  Ledger& ledger = connection.state.ledger();
  const UnixClock& clock = connection.state.clock();
  Instant due = shard.now();
  for (const WireStep& step : plan.steps) {
    due += step.pause;
    if (due > shard.now()) {
      const Result<void> slept = co_await Sleep(shard, due, &connection.cancel);
      if (!slept) co_return false;
    }
    // Before the client can see it, so that a test that has the answer finds it in the ledger.
    if (step.head_done && connection.exchange != 0) {
      ledger.answered(connection.exchange, clock.now_us(), plan.status);
    }
    if (!step.bytes.empty()) {
      const bool written = co_await write_text(shard, connection, step.bytes);
      if (!written) co_return false;
    }
    if (step.answer_done) {
      connection.end.complete = true;
      connection.end.unix_us = clock.now_us();
    }
  }
  co_return true;
}

void begin_exchange(MockConnection& connection, MockRequest& request) {
  connection.end = {};
  MockExchange exchange;
  exchange.connection = connection.number;
  exchange.key = request.key;
  exchange.method = request.method;
  exchange.target = request.target;
  if (const std::string* const id = request.field("x-request-id")) exchange.request_id = *id;
  exchange.head_us = connection.state.clock().now_us();
  request.id = connection.state.ledger().begin(std::move(exchange));
  connection.exchange = request.id;
}

// Notes the end, once.
void end_exchange(MockConnection& connection) {
  if (connection.exchange == 0) return;
  Ledger::End& end = connection.end;
  if (end.unix_us == 0) end.unix_us = connection.state.clock().now_us();
  connection.state.ledger().end(std::exchange(connection.exchange, 0), end);
}

// Sends the answer and carries out its end; true when the connection goes on. A client that leaves
// is seen at once, also while the answer waits.
Task<bool> carry_out(Shard& shard, MockConnection& connection, const WirePlan& plan) {
  Stream& stream = connection.stream;
  stream.recv().watch_end(&connection.cancel);
  const bool sent = co_await send_steps(shard, connection, plan);
  stream.recv().watch_end(nullptr);
  if (!sent) connection.end.client_left = !connection.end.complete && !drained(connection);
  end_exchange(connection);
  if (!sent) co_return false;
  switch (plan.end) {
    case WireEnd::kKeep: co_return !connection.cancel.requested();
    case WireEnd::kClose: co_await linger(shard, stream, nullptr); co_return false;
    case WireEnd::kCut:
      stream.use_tls(nullptr);  // no close_notify
      shard.kernel().shutdown_socket(stream.fd(), SHUT_WR);
      co_return false;
    case WireEnd::kReset: {
      stream.use_tls(nullptr);
      const ::linger at_once{.l_onoff = 1, .l_linger = 0};  // close() sends RST (socket(7))
      static_cast<void>(setsockopt(stream.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
      co_return false;
    }
  }
  co_return false;
}

WirePlan plan_for(const MockConnection& connection, const MockRequest& request,
                  const Verdict& verdict, bool close) {
  const std::int64_t unix_us = connection.state.clock().now_us();
  const MockAnswer answer = build_answer(request, verdict.behaviour, *verdict.script, unix_us);
  const WireRequest wire{
      .head_request = request.is_head(), .minor_version = request.minor_version, .close = close};
  return plan_answer(answer, verdict.behaviour, wire, unix_us / 1'000'000);
}

// Answers before the body is read; true when the connection goes on.
Task<bool> answer_early(Shard& shard, MockConnection& connection, MockRequest& request,
                        const Verdict& verdict) {
  const bool keep = verdict.behaviour.fault.early == Early::kKeep;
  connection.state.ledger().note_rule(request.id, verdict.rule);
  const WirePlan plan = plan_for(connection, request, verdict, !keep || request.close);
  const bool go_on = co_await carry_out(shard, connection, plan);
  if (!go_on) co_return false;
  const bool whole = co_await read_request_body(shard, connection, request);
  co_return whole;
}

// Notes that the request has arrived whole, and decides on it.
Verdict receive_request(MockConnection& connection, MockRequest& request) {
  ProviderState& state = connection.state;
  const std::int64_t now_us = state.clock().now_us();
  if (takes_json(request.endpoint)) request.facts = read_body_facts(request.body);
  Verdict verdict = state.decide(request, now_us);
  state.ledger().read(request.id, now_us, request.facts.model, request.facts.stream,
                      {.key = request.key, .head = request.head, .body = request.body});
  state.ledger().note_rule(request.id, verdict.rule);
  return verdict;
}

// Reads the rest of a request whose head has come and answers it; true when the connection goes on.
Task<bool> serve_exchange(Shard& shard, MockConnection& connection, MockRequest& request) {
  ProviderState& state = connection.state;
  const std::optional<Verdict> early = state.decide_early(request);
  if (early) {
    const bool go_on = co_await answer_early(shard, connection, request, *early);
    co_return go_on;
  }
  Behaviour asked;
  static_cast<void>(apply_directives(asked, request.fault));
  if (request.expect_continue && !asked.fault.no_continue) {
    const bool written = co_await write_text(shard, connection, informational_head(100));
    if (!written) co_return false;
  }
  const bool whole = co_await read_request_body(shard, connection, request);
  if (!whole) {
    if (request.body_malformed) state.ledger().note_refused(request.id, "B4");
    else connection.end.client_left = !drained(connection);
    co_return false;
  }
  const Verdict verdict = receive_request(connection, request);
  if (verdict.behaviour.wire.close_after) connection.idle_max = verdict.behaviour.wire.close_after;
  const WirePlan plan = plan_for(connection, request, verdict, request.close);
  const bool go_on = co_await carry_out(shard, connection, plan);
  co_return go_on;
}

// A request below /mock/ leaves no trace in the ledger.
Task<bool> serve_control(Shard& shard, MockConnection& connection, MockRequest& request) {
  const bool whole = co_await read_request_body(shard, connection, request);
  if (!whole) co_return false;
  const MockAnswer answer = answer_control(connection.state, request);
  const WireRequest wire{.head_request = request.is_head(), .close = request.close};
  const std::int64_t unix_s = connection.state.clock().now_us() / 1'000'000;
  const WirePlan plan = plan_answer(answer, Behaviour{}, wire, unix_s);
  const bool go_on = co_await carry_out(shard, connection, plan);
  co_return go_on;
}

// A head that is no valid request: noted, answered with the rule's status, and the end.
Task<void> refuse_head(Shard& shard, MockConnection& connection, Refusal why) {
  MockRequest request;
  begin_exchange(connection, request);
  connection.state.ledger().note_refused(request.id, why.rule);
  Verdict verdict{.behaviour = {}, .script = connection.state.script()};
  verdict.behaviour.head.status = why.status;
  verdict.behaviour.head.message = std::string(why.message);
  verdict.behaviour.head.error_code = std::string(why.rule);
  const WirePlan plan = plan_for(connection, request, verdict, true);
  static_cast<void>(co_await carry_out(shard, connection, plan));
}

Task<void> serve_requests(Shard& shard, MockConnection& connection) {
  while (true) {
    Refusal why;
    std::optional<MockRequest> request = co_await read_request_head(shard, connection, why);
    if (!request) {
      if (why.status != 0) co_await refuse_head(shard, connection, why);
      co_return;
    }
    bool go_on = false;
    if (request->endpoint == MockEndpoint::kControl) {
      go_on = co_await serve_control(shard, connection, *request);
    } else {
      begin_exchange(connection, *request);
      go_on = co_await serve_exchange(shard, connection, *request);
      end_exchange(connection);
    }
    if (!go_on) co_return;
  }
}

Task<bool> shake_hands(Shard& shard, MockConnection& connection, const ServerTlsContext& tls) {
  connection.stream.use_tls(TlsSession::make(tls, shard.blocks()));
  const Limits limits{.deadline = shard.now() + kHandshakePatience, .cancel = &connection.cancel};
  const Result<void> shaken = co_await tls_handshake(shard, connection.stream, limits);
  co_return shaken.has_value();
}

}  // namespace

Task<void> serve_mock_connection(Shard& shard, ProviderState& provider, int fd,
                                 const ServerTlsContext* tls, CancelSource& shard_end) {
  const std::uint64_t number = provider.ledger().connection_opened();
  MockConnection connection(shard, fd, number, provider, shard_end);
  bool ready = true;
  if (tls != nullptr) ready = co_await shake_hands(shard, connection, *tls);
  if (ready) co_await serve_requests(shard, connection);
  co_await close_stream(shard, connection.stream);
  provider.ledger().connection_closed();
}

}  // namespace sluice
