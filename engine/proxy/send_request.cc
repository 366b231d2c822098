#include "engine/proxy/attempt.h"
#include "engine/proxy/upstream_head.h"

namespace sluice {
namespace {

// A stall of a provider that takes no byte of a request: as long as a client may stall in sending
// one.
constexpr Duration kUpstreamStall = 30s;

UpstreamTargetView target_of(const Endpoint& endpoint) {
  return UpstreamTargetView{.host = endpoint.host,
                            .ca_file = endpoint.ca_file,
                            .port = endpoint.port,
                            .tls = endpoint.tls,
                            .reach = endpoint.reach};
}

Task<Result<void>> open_connection(Shard& shard, Exchange& exchange, Attempt& attempt,
                                   EndpointPool& pool) {
  UpstreamPools& upstreams = *exchange.worker->upstreams;
  const Endpoint& endpoint = attempt.account->endpoint;
  const Limits limits{.deadline = shard.now() + attempt.account->timeouts.connect,
                      .cancel = &attempt.cancel};
  const TrustStore* const trust = exchange.snapshot->trust_for(endpoint.ca_file);
  const Result<UpstreamConnection*> opened = co_await UpstreamPools::open(
      shard, upstreams, pool, trust, limits, exchange.arena, attempt.failure);
  if (!opened) co_return std::unexpected(opened.error());
  attempt.connection = *opened;
  co_return Result<void>();
}

// True when what lies received from a provider that was not yet sent everything is a final answer:
// it has made up its mind (413, 401), and may not read on. Interim answers (1xx) are none, nor is
// the beginning of what may become one. Under TLS what arrives may also be a session's ticket.
bool has_final_answer(Shard& shard, Stream& stream) {
  constexpr std::string_view kInterim = "HTTP/1.1 1";
  constexpr std::size_t kLookBytes = 4096;  // past the interim answers that a provider may send
  char bytes[kLookBytes];
  std::string_view text(bytes, stream.peek(shard.blocks(), bytes));
  while (text.starts_with(kInterim)) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == text.npos) return false;
    text.remove_prefix(end + 4);
  }
  return !kInterim.starts_with(text);
}

// Ends the watch for an early answer. True when one came (or the provider closed): the switch of
// the attempt, which the watch has used, is made fresh again, unless somebody else has called it
// off meanwhile.
bool end_watch(const Exchange& exchange, Attempt& attempt) noexcept {
  attempt.connection->stream.recv().watch_data(nullptr);
  CancelSource& cancel = attempt.cancel;
  const bool early = cancel.requested() && cancel.cause().code == Errc::kCancelled &&
                     cancel.cause().side == Side::kUpstream;
  if (!early) return false;
  cancel.reset();
  if (exchange.cancel.requested()) cancel.request(exchange.cancel.cause());
  else if (attempt.called_off) cancel.request(Attempt::kCalledOff);
  return true;
}

// Sends everything, unless the provider answers before it has taken it all.
Task<Result<void>> send_pieces(Shard& shard, Exchange& exchange, Attempt& attempt, Outbox& outbox) {
  Stream& stream = attempt.connection->stream;
  const std::uint64_t total = outbox.bytes();
  while (true) {
    stream.recv().watch_data(&attempt.cancel);
    const WriteLimits limits{
        .stall = kUpstreamStall, .deadline = attempt.deadline, .cancel = &attempt.cancel};
    const Result<void> sent = co_await write_all(shard, stream, outbox, limits);
    const bool early = end_watch(exchange, attempt);
    attempt.sent_any = attempt.sent_any || outbox.bytes() < total;
    if (sent) break;
    if (!early) co_return sent;
    if (attempt.cancel.requested()) co_return fail(attempt.cancel.cause());
    if (has_final_answer(shard, stream)) {
      stream.stop_writing();
      co_return Result<void>();
    }
  }
  attempt.sent_all = true;
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> send_request(Shard& shard, Exchange& exchange, Attempt& attempt,
                                std::string_view native_model) {
  SplicedBody body;
  if (exchange.json) {
    const bool inject =
        api_injects_usage(exchange.api) && exchange.probe.stream && !exchange.probe.include_usage;
    body = splice_request(exchange.body, exchange.probe, native_model, inject, exchange.arena);
    attempt.usage_injected = inject;
  } else if (!exchange.body.empty()) {
    body.pieces[0] = exchange.body;
    body.count = 1;
    body.bytes = exchange.body.size();
  }
  attempt.body_bytes = body.bytes;
  attempt.asked_at = shard.clock().now();
  EndpointPool& pool = exchange.worker->upstreams->pool_for(target_of(attempt.account->endpoint));
  attempt.connection = exchange.worker->upstreams->take_idle(pool);
  while (true) {
    if (attempt.connection == nullptr) {
      const Result<void> connected = co_await open_connection(shard, exchange, attempt, pool);
      if (!connected) co_return connected;
    }
    Outbox outbox(shard.blocks());
    add_upstream_head(exchange, *attempt.account, body.bytes, shard.prng(), outbox);
    for (std::uint32_t i = 0; i < body.count; ++i) outbox.add(body.pieces[i]);
    const Result<void> sent = co_await send_pieces(shard, exchange, attempt, outbox);
    if (sent) co_return sent;
    // A provider that refuses a body may answer and close while we still send: its answer counts,
    // not our failure.
    Stream& stream = attempt.connection->stream;
    if (attempt.sent_any && has_final_answer(shard, stream)) {
      stream.stop_writing();
      co_return Result<void>();
    }
    const bool stale = attempt.connection->exchanges > 1 && !attempt.sent_any &&
                       sent.error().side == Side::kUpstream;
    release_connection(exchange, attempt, false);
    if (!stale) co_return sent;
    // The provider had closed the idle connection: nothing has left us, so a new one may try.
  }
}

void release_connection(Exchange& exchange, Attempt& attempt, bool reusable) noexcept {
  attempt.rest.reset();
  if (attempt.connection == nullptr) return;
  exchange.worker->upstreams->give_back(*attempt.connection, reusable);
  attempt.connection = nullptr;
}

}  // namespace sluice
