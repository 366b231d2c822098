#include "engine/proxy/read_request.h"

#include "engine/io/operations.h"
#include "engine/proxy/body_decoder.h"
#include "engine/proxy/collect_head.h"

namespace sluice {
namespace {

// So much of a body must be missing before it pays to change over to receiving it where it will
// lie: two more operations against one copy. A usual prompt has come whole with its first reads.
constexpr std::uint64_t kDirectBytesMin = 128 * 1024;

Answer too_slow(std::string_view message) {
  return Answer{.status = 408,
                .type = "invalid_request_error",
                .code = "request_timeout",
                .message = message,
                .close = true};
}

// The deadline of the next read of a body: it may idle for body_idle, and after body_rate_after it
// must have come at body_rate_min all the time.
Instant body_deadline(const ProxySettings& settings, Instant began, std::uint64_t received,
                      Instant now) {
  const Instant idle = now + settings.body_idle;
  if (settings.body_rate_min == 0) return idle;
  const Duration earned = 1s * static_cast<std::int64_t>(received / settings.body_rate_min);
  return std::min(idle, began + settings.body_rate_after + earned);
}

Task<Served> send_continue(Shard& shard, Exchange& exchange) {
  Outbox outbox(shard.blocks());
  outbox.add("HTTP/1.1 100 Continue\r\n\r\n");
  const WriteLimits limits{.stall = exchange.settings().client_stall, .cancel = &exchange.cancel};
  const Result<void> written = co_await write_all(shard, *exchange.client, outbox, limits);
  if (!written) co_return nobody();
  co_return Served();
}

Answer body_read_failure(const Error& error) {
  return error.code == Errc::kTimedOut ? too_slow("the request body came too slowly") : Answer{};
}

Answer no_memory() {
  Answer answer = overloaded(
      "the gateway has no memory left for request bodies (limits.body_memory_max); see "
      "Retry-After");
  answer.close = true;
  return answer;
}

Answer head_refusal(Exchange& exchange, const Refusal& refusal) {
  Answer answer = answer_refusal(refusal);
  if (answer.status == 405) answer.allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
  answer.message = exchange.arena.join(answer.message, " (rule ", refusal.rule, ")");
  return answer;
}

Answer malformed_chunks() {
  Answer answer = bad_request("the chunked request body is malformed (rule B4)");
  answer.close = true;
  return answer;
}

// What became of bytes that were to go into the body.
Served added(Exchange& exchange, RequestBody::Added added) {
  switch (added) {
    case RequestBody::Added::kAll: break;
    case RequestBody::Added::kTooLarge:
      return refuse(exchange, too_large("the request body is above the limit"));
    case RequestBody::Added::kNoMemory: return refuse(exchange, no_memory());
  }
  return {};
}

// Moves what belongs to the body of known length; what lies behind it is the exchange's rest.
Served take_front(Exchange& exchange, Slice& slice) {
  RequestBody& body = exchange.body_memory;
  const std::size_t bytes = std::min<std::size_t>(body.missing(), slice.size());
  const Served result = added(exchange, body.append(slice.view().substr(0, bytes)));
  slice.drop_front(bytes);
  exchange.rest = std::move(slice);
  return result;
}

// The rest of a body of known length, received where it will lie: no buffer of the ring, no copy.
Task<Served> receive_directly(Shard& shard, Exchange& exchange, Instant began) {
  Stream& client = *exchange.client;
  RequestBody& body = exchange.body_memory;
  co_await client.recv().pause();
  Served result;
  while (result && body.missing() > 0) {
    const Limits limits{
        .deadline = body_deadline(exchange.settings(), began, body.size(), shard.now()),
        .cancel = &exchange.cancel};
    if (client.readable()) {  // received before the pause
      Result<Slice> slice = co_await client.recv().next(limits);
      if (!slice) result = refuse(exchange, body_read_failure(slice.error()));
      else if (slice->empty()) result = nobody();  // B8
      else result = take_front(exchange, *slice);
      continue;
    }
    if (body.tail().empty() && !body.grow()) {
      result = refuse(exchange, no_memory());
      break;
    }
    const Result<std::size_t> got =
        co_await RecvInto(shard, client.fd(), body.tail(), limits, Side::kDownstream);
    if (!got) result = refuse(exchange, body_read_failure(got.error()));
    else if (*got == 0) result = nobody();
    else body.filled(*got);
  }
  client.recv().resume();
  co_return result;
}

}  // namespace

Task<Served> read_request_head(Shard& shard, Exchange& exchange) {
  RequestHead* const head = exchange.arena.make<RequestHead>();
  const Limits limits{.deadline = exchange.began_at + exchange.settings().request_head,
                      .cancel = &exchange.cancel};
  const Result<CollectedHead> collected = co_await collect_head(
      shard, *exchange.client, exchange.arena, exchange.rest, limits,
      ParseRequest{.parser = RequestHeadParser(), .head = head, .arena = &exchange.arena});
  if (!collected) {
    if (collected.error().code != Errc::kTimedOut) co_return nobody();
    co_return refuse(exchange, too_slow("the request head was not complete in time"));
  }
  if (collected->state == HeadState::kIncomplete) co_return nobody();
  if (collected->state == HeadState::kRefused)
    co_return refuse(exchange, head_refusal(exchange, collected->refusal));
  exchange.head = head;
  exchange.head_text = collected->text;
  exchange.copied = collected->behind;
  co_return Served();
}

bool body_came_with_head(Exchange& exchange) noexcept {
  const RequestHead& head = *exchange.head;
  if (head.framing == BodyFraming::kNone) return true;
  if (head.framing != BodyFraming::kLength || head.content_length > exchange.copied.size())
    return false;
  exchange.take_body(exchange.copied.substr(0, head.content_length));
  exchange.rest.drop_front(head.content_length);
  return true;
}

Task<Served> read_request_body(Shard& shard, Exchange& exchange) {
  const RequestHead& head = *exchange.head;
  const ProxySettings& settings = exchange.settings();
  BodyDecoder decoder(head.framing, head.content_length);
  if (head.expect_continue && exchange.rest.empty() && head.minor_version == 1) {
    const Served continued = co_await send_continue(shard, exchange);
    if (!continued) co_return continued;
  }
  const bool known = head.framing == BodyFraming::kLength;
  constexpr std::size_t kFirstOfUnknown = 16 * 1024;
  RequestBody& body = exchange.body_memory;
  body.expect(known ? head.content_length : settings.body_bytes_max, settings.body_memory_max,
              known ? RequestBody::kFirstBlockBytes : kFirstOfUnknown);
  const Instant began = shard.now();
  std::uint64_t received = 0;
  while (true) {
    while (!exchange.rest.empty() && !decoder.done()) {
      const BodyDecoder::Step step = decoder.next(exchange.rest.view());
      if (step.malformed) co_return refuse(exchange, malformed_chunks());
      const Served kept = added(exchange, body.append(step.payload));
      if (!kept) co_return kept;
      received += step.consumed;
      exchange.rest.drop_front(step.consumed);
    }
    if (decoder.done()) break;
    const bool large =
        known && body.missing() >= kDirectBytesMin && exchange.client->tls() == nullptr;
    if (large) {
      const Served whole = co_await receive_directly(shard, exchange, began);
      exchange.take_body(body.view());
      co_return whole;
    }
    const Limits limits{.deadline = body_deadline(settings, began, received, shard.now()),
                        .cancel = &exchange.cancel};
    Result<Slice> next = co_await read_some(shard, *exchange.client, limits);
    if (!next) co_return refuse(exchange, body_read_failure(next.error()));
    if (next->empty()) co_return nobody();  // B8
    exchange.rest = std::move(*next);
  }
  exchange.take_body(body.view());
  co_return Served();
}

}  // namespace sluice
