#include <algorithm>

#include "engine/proxy/attempt.h"
#include "engine/proxy/body_decoder.h"
#include "engine/proxy/collect_head.h"

namespace sluice {
namespace {

// Passes an interim answer on: never to HTTP/1.0, never our own 100 (P1).
Task<Result<void>> relay_interim(Shard& shard, Exchange& exchange, Attempt& attempt) {
  const ResponseHead& head = *attempt.head;
  if (head.status == 100 || exchange.head->minor_version == 0) co_return Result<void>();
  if (exchange.stream_begun || attempt.races) co_return Result<void>();
  // The client may take its time: what came behind holds no memory of the ring meanwhile (B1).
  attempt.connection->stream.put_back(std::move(attempt.rest));
  Outbox outbox(shard.blocks());
  outbox.add(write_interim_head(exchange.arena, head));
  const WriteLimits limits{.stall = exchange.settings().client_stall, .cancel = &attempt.cancel};
  const Result<void> written = co_await write_all(shard, *exchange.client, outbox, limits);
  co_return written;
}

}  // namespace

Task<Result<void>> read_response_head(Shard& shard, Exchange& exchange, Attempt& attempt) {
  Stream& stream = attempt.connection->stream;
  attempt.head = exchange.arena.make<ResponseHead>();
  const Limits limits{
      .deadline = std::min(attempt.deadline, shard.now() + attempt.account->timeouts.first_byte),
      .cancel = &attempt.cancel};
  for (int interim = 0; interim <= kInterimMax; ++interim) {
    const bool head_request = exchange.head->method == Method::kHead;
    const Result<CollectedHead> collected =
        co_await collect_head(shard, stream, exchange.arena, attempt.rest, limits,
                              ParseResponse{.parser = ResponseHeadParser(),
                                            .head = attempt.head,
                                            .arena = &exchange.arena,
                                            .head_request = head_request},
                              kAnswerCopyBytes);
    if (!collected) co_return std::unexpected(collected.error());
    switch (collected->state) {
      case HeadState::kIncomplete: co_return fail(Errc::kEndOfStream, Side::kUpstream);
      case HeadState::kRefused:
        attempt.failure = exchange.arena.join(collected->refusal.message, " (rule ",
                                              collected->refusal.rule, ")");
        co_return fail(Errc::kMalformed, Side::kUpstream);
      case HeadState::kComplete: break;
    }
    if (!attempt.head->interim()) co_return Result<void>();
    const Result<void> passed = co_await relay_interim(shard, exchange, attempt);
    if (!passed) co_return passed;
  }
  attempt.failure = "more than ten interim answers (rule P1)";
  co_return fail(Errc::kMalformed, Side::kUpstream);
}

Task<std::optional<std::string_view>> read_whole_body(Shard& shard, Exchange& exchange,
                                                      Attempt& attempt, BodyBounds bounds) {
  const ResponseHead& head = *attempt.head;
  BodyDecoder decoder(head.framing, head.content_length);
  if (head.framing == BodyFraming::kLength && head.content_length > bounds.bytes_max)
    co_return std::nullopt;
  const bool known = head.framing == BodyFraming::kLength || head.framing == BodyFraming::kNone;
  const std::size_t capacity =
      known ? static_cast<std::size_t>(decoder.done() ? 0 : head.content_length) : bounds.bytes_max;
  char* const body = exchange.arena.bytes(capacity + 1);
  std::size_t size = 0;
  while (!decoder.done()) {
    if (attempt.rest.empty()) {
      const Instant idle = shard.now() + attempt.account->timeouts.idle;
      const Limits limits{.deadline = std::min(bounds.deadline, idle), .cancel = &attempt.cancel};
      Result<Slice> next = co_await read_some(shard, attempt.connection->stream, limits);
      if (!next) co_return std::nullopt;
      if (next->empty()) {
        if (!decoder.end()) co_return std::nullopt;
        break;
      }
      attempt.rest = std::move(*next);
    }
    const BodyDecoder::Step step = decoder.next(attempt.rest.view());
    if (step.malformed || step.payload.size() > capacity - size) co_return std::nullopt;
    if (!step.payload.empty()) std::memcpy(body + size, step.payload.data(), step.payload.size());
    size += step.payload.size();
    attempt.rest.drop_front(step.consumed);
  }
  co_return std::string_view(body, size);
}

}  // namespace sluice
