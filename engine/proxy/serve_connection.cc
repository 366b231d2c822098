#include "engine/proxy/serve_connection.h"

#include <cstring>

#include "engine/io/pool_block.h"
#include "engine/proxy/access_log.h"
#include "engine/proxy/answer.h"
#include "engine/proxy/count_exchange.h"
#include "engine/proxy/hand_over.h"
#include "engine/proxy/metering.h"
#include "engine/proxy/serve_request.h"

namespace sluice {
namespace {

// One request and its answer. The only place that answers errors.
Task<Ending> serve_exchange(Shard& shard, Worker& worker, Stream& client) {
  Exchange exchange(shard, worker, client);
  ++worker.metrics.requests;
  ++worker.metrics.in_flight;
  Served served = co_await receive_request(shard, exchange);
  if (served) served = co_await forward_request(shard, exchange);
  if (exchange.ending == Ending::kHandOver) {
    --worker.metrics.in_flight;
    co_await hand_over(shard, exchange);
    co_return Ending::kHandOver;
  }
  // What the client has sent ahead holds no memory of the ring while it takes its answer (B1).
  client.put_back(std::move(exchange.rest));
  if (!served) co_await send_answer(shard, exchange, *served.error());
  meter_unserved(shard, exchange);
  count_exchange(shard, exchange);
  keep_decision(shard, exchange);
  log_exchange(shard, exchange);
  --worker.metrics.in_flight;
  // Who has not asked for the end may have sent the next request already.
  const bool may_send = exchange.head != nullptr && !exchange.head->close && !client.ended() &&
                        !exchange.report.client_gone;
  if (exchange.ending == Ending::kClose && may_send) co_return Ending::kLinger;
  co_return exchange.ending;
}

Task<bool> greet(Shard& shard, Worker& worker, Stream& client) {
  client.use_tls(TlsSession::make(*worker.snapshot->listener_tls, shard.blocks()));
  const Limits limits{.deadline = shard.now() + worker.snapshot->settings.tls_handshake,
                      .cancel = &worker.cut};
  const Result<void> shaken = co_await tls_handshake(shard, client, limits);
  if (!shaken) {
    LogLine(shard.log(), LogLevel::kInfo, "TLS handshake with a client failed")
        .field("reason", client.tls()->failure());
  }
  co_return shaken.has_value();
}

// Its next bytes or its end: a plain function, so that the limits take no room in a frame.
RecvStream::Readable next_request(Shard& shard, Worker& worker, Stream& client, bool fresh) {
  const auto& settings = worker.snapshot->settings;
  // A fresh connection has come to ask.
  const Duration patience = fresh ? settings.request_head : settings.keep_alive_idle;
  return client.recv().wait_readable(
      Limits{.deadline = shard.now() + patience, .cancel = &worker.drain});
}

// Request after request, until it is over or handed over. `received` was read of a connection that
// comes back, and is taken before the first wait. It waits between two requests without a buffer
// and without a frame but this one: what stands here every connection pays for.
Task<void> serve(Shard& shard, Worker& worker, int fd, Slice& received) {
  Stream client(shard, fd, Side::kDownstream);
  ++worker.metrics.connections_open;
  Ending ending = Ending::kKeepAlive;
  bool fresh = true;
  if (!received.empty()) {
    client.put_back(std::move(received));
  } else if (worker.snapshot->listener_tls) {
    if (!co_await greet(shard, worker, client)) ending = Ending::kClose;
  }
  while (ending == Ending::kKeepAlive) {
    if (!client.readable()) co_await next_request(shard, worker, client, fresh);
    if (!client.has_unread()) break;
    ending = co_await serve_exchange(shard, worker, client);
    fresh = false;
  }
  if (ending == Ending::kLinger) co_await linger(shard, client, &worker.cut);
  co_await close_stream(shard, client);
  --worker.metrics.connections_open;
}

}  // namespace

Task<void> serve_connection(Shard& shard, Worker& worker, int fd) {
  Slice nothing;
  return serve(shard, worker, fd, nothing);
}

Task<void> resume_connection(Shard& shard, Worker& worker, int fd, std::string_view bytes) {
  PoolBlock& block = PoolBlock::create(shard.blocks(), bytes.size());
  std::memcpy(block.data(), bytes.data(), bytes.size());
  Slice received(block, block.data(), static_cast<std::uint32_t>(bytes.size()));
  return serve(shard, worker, fd, received);
}

}  // namespace sluice
