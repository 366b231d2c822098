#include "engine/load/ask_once.h"

#include <array>

#include "base/units.h"
#include "engine/load/answer_watch.h"
#include "engine/proxy/body_decoder.h"
#include "engine/proxy/collect_head.h"
#include "parser/retry_after.h"

namespace sluice {
namespace {

// Asking - one request under way.
struct Asking {
  LoadRun& run;
  Arena& arena;
  LoadOutcome& outcome;
  Limits limits;
  UpstreamConnection* connection = nullptr;
  ResponseHead* head = nullptr;
  Slice rest = {};  // received behind the head
  bool sent_all = false;
};

bool ends_well(const Asking& asking) noexcept {
  return asking.sent_all && !asking.head->close && asking.rest.empty() &&
         asking.head->framing != BodyFraming::kUntilClose;
}

Task<Result<void>> connect(Shard& shard, Asking& asking, bool fresh) {
  LoadRun& run = asking.run;
  if (!fresh) asking.connection = run.pools->take_idle(*run.pool);
  if (asking.connection != nullptr) co_return Result<void>();
  const Instant began = shard.clock().now();
  const Result<UpstreamConnection*> opened = co_await UpstreamPools::open(
      shard, *run.pools, *run.pool, run.trust, asking.limits, asking.arena, asking.outcome.failure);
  if (!opened) co_return std::unexpected(opened.error());
  run.tally->note_connection(shard.clock().now() - began);
  asking.connection = *opened;
  co_return Result<void>();
}

// Sends the request; again on a fresh connection when the server had closed an idle one and not a
// byte has left.
Task<Result<void>> send(Shard& shard, Asking& asking, std::uint64_t number) {
  for (bool fresh = false;; fresh = true) {
    const Result<void> connected = co_await connect(shard, asking, fresh);
    if (!connected) co_return connected;
    Outbox outbox(shard.blocks());
    asking.run.shape->write(number, asking.arena, outbox);
    const std::size_t bytes = outbox.bytes();
    asking.outcome.sent = shard.clock().now();
    const Duration patience = asking.limits.deadline - asking.outcome.sent;
    const WriteLimits limits{.stall = std::max(patience, Duration(1ms)),
                             .deadline = asking.limits.deadline,
                             .cancel = asking.limits.cancel};
    const Result<void> written =
        co_await write_all(shard, asking.connection->stream, outbox, limits);
    asking.sent_all = written.has_value();
    const bool stale = !written && asking.connection->exchanges > 1 && outbox.bytes() == bytes &&
                       written.error().side == Side::kUpstream && !fresh &&
                       written.error().code != Errc::kTimedOut;
    if (!stale) co_return written;
    asking.run.pools->give_back(*asking.connection, false);
    asking.connection = nullptr;
  }
}

Task<Result<void>> read_head(Shard& shard, Asking& asking) {
  asking.head = asking.arena.make<ResponseHead>();
  for (int interim = 0; interim <= kInterimMax; ++interim) {
    const Result<CollectedHead> collected = co_await collect_head(
        shard, asking.connection->stream, asking.arena, asking.rest, asking.limits,
        ParseResponse{.parser = ResponseHeadParser(), .head = asking.head, .arena = &asking.arena});
    if (!collected) co_return std::unexpected(collected.error());
    switch (collected->state) {
      case HeadState::kIncomplete: co_return fail(Errc::kEndOfStream, Side::kUpstream);
      case HeadState::kRefused:
        asking.outcome.failure =
            asking.arena.join(collected->refusal.message, " (rule ", collected->refusal.rule, ")");
        co_return fail(Errc::kMalformed, Side::kUpstream);
      case HeadState::kComplete: break;
    }
    if (!asking.head->interim()) co_return Result<void>();
  }
  asking.outcome.failure = "more than ten interim answers (rule P1)";
  co_return fail(Errc::kMalformed, Side::kUpstream);
}

Task<Result<void>> read_body(Shard& shard, Asking& asking, AnswerWatch& watch) {
  BodyDecoder decoder(asking.head->framing, asking.head->content_length);
  Instant now = shard.clock().now();
  while (!decoder.done()) {
    if (asking.rest.empty()) {
      Result<Slice> next = co_await read_some(shard, asking.connection->stream, asking.limits);
      if (!next) co_return std::unexpected(next.error());
      if (next->empty()) {
        if (decoder.end()) break;
        co_return fail(Errc::kEndOfStream, Side::kUpstream);
      }
      asking.rest = std::move(*next);
      now = shard.clock().now();
    }
    const BodyDecoder::Step step = decoder.next(asking.rest.view());
    if (step.malformed) co_return fail(Errc::kMalformed, Side::kUpstream);
    if (!step.payload.empty()) watch.watch(step.payload, now);
    asking.rest.drop_front(step.consumed);
  }
  co_return Result<void>();
}

GatewayFields gateway_fields(const FieldList& fields) noexcept {
  GatewayFields out;
  for (const Field& field : fields) {
    if (field.id != FieldId::kXSluice) continue;
    if (equals_ignoring_case(field.name, "x-sluice-account")) out.account = field.value;
    if (equals_ignoring_case(field.name, "x-sluice-queue-ms"))
      out.queue_ms = parse_decimal(field.value);
    if (equals_ignoring_case(field.name, "x-sluice-overhead-us"))
      out.overhead_us = parse_decimal(field.value);
    if (equals_ignoring_case(field.name, "x-sluice-attempts"))
      out.attempts = parse_decimal(field.value).value_or(0);
    if (equals_ignoring_case(field.name, "x-sluice-degraded")) out.degraded = true;
  }
  return out;
}

std::string_view value_of(const FieldList& fields, FieldId id) noexcept {
  const Field* const field = fields.find(id);
  return field == nullptr ? std::string_view() : field->value;
}

void note_head(Shard& shard, Asking& asking) {
  const FieldList& fields = asking.head->fields;
  asking.outcome.status = asking.head->status;
  asking.outcome.gateway = gateway_fields(fields);
  if (asking.head->status == 429)
    asking.outcome.retry_after = parse_retry_after(fields, shard.clock().unix_ms());
}

void note_body(Asking& asking, const AnswerWatch& watch, const Result<void>& read) {
  LoadOutcome& outcome = asking.outcome;
  outcome.stream = watch.is_stream();
  outcome.first_content = watch.first_content();
  outcome.content_events = watch.content_events();
  outcome.usage = watch.usage();
  if (watch.failed()) {
    outcome.end = LoadEnd::kErrorEvent;
    outcome.failure = "an event of the stream said that it had failed";
  } else if (!read) {
    outcome.error = read.error();
    outcome.end = load_end_of(read.error(), true);
  } else if (watch.is_stream() && !watch.end_seen() && outcome.status / 100 == 2) {
    outcome.end = LoadEnd::kCut;
    outcome.failure = "a stream ended without saying that it was complete";
  }
}

// Everything up to the end of the answer. Errors: what kept an answer from coming.
Task<Result<void>> exchange(Shard& shard, Asking& asking, std::uint64_t number) {
  const Result<void> sent = co_await send(shard, asking, number);
  if (!sent) {
    // A server that refuses a long request answers and closes while we still send.
    if (asking.connection == nullptr || !asking.connection->stream.readable()) co_return sent;
    asking.connection->stream.stop_writing();
  }
  const Result<void> answered = co_await read_head(shard, asking);
  if (!answered) co_return sent ? answered : sent;
  note_head(shard, asking);
  AnswerWatch watch(asking.run.shape->api(),
                    classify_answer(value_of(asking.head->fields, FieldId::kContentType),
                                    value_of(asking.head->fields, FieldId::kContentEncoding)),
                    asking.arena, asking.run.tally->gaps);
  const Result<void> read = co_await read_body(shard, asking, watch);
  asking.outcome.ended = shard.clock().now();
  note_body(asking, watch, read);
  asking.run.pools->give_back(*asking.connection, read && ends_well(asking));
  asking.connection = nullptr;
  co_return Result<void>();
}

}  // namespace

LoadEnd load_end_of(const Error& error, bool head_seen) noexcept {
  switch (error.code) {
    case Errc::kCancelled:
    case Errc::kDrained: return LoadEnd::kInterrupted;
    case Errc::kTimedOut: return LoadEnd::kTimeout;
    case Errc::kConnectFailed:
    case Errc::kUnreachable: return LoadEnd::kConnect;
    case Errc::kNameNotFound:
    case Errc::kNameLookupFailed: return LoadEnd::kName;
    case Errc::kTlsHandshakeFailed:
    case Errc::kTlsUntrusted: return LoadEnd::kTls;
    case Errc::kMalformed:
    case Errc::kTooLarge:
    case Errc::kUnsupported: return LoadEnd::kBroken;
    case Errc::kNoBuffers: return LoadEnd::kOurs;
    case Errc::kOk:
    case Errc::kEndOfStream:
    case Errc::kConnectionReset:
    case Errc::kTlsBroken:
    case Errc::kOs: break;
  }
  if (error.side == Side::kOurs) return LoadEnd::kOurs;
  return head_seen ? LoadEnd::kCut : LoadEnd::kClosed;
}

Task<void> ask_once(Shard& shard, LoadRun& run, std::uint64_t number, Instant due,
                    Instant deadline) {
  Arena arena(shard.blocks());
  LoadOutcome outcome{.due = due};
  Asking asking{.run = run,
                .arena = arena,
                .outcome = outcome,
                .limits = {.deadline = deadline, .cancel = &run.interrupt}};
  const Result<void> done = co_await exchange(shard, asking, number);
  if (!done) {
    outcome.ended = shard.clock().now();
    outcome.error = done.error();
    outcome.end = load_end_of(done.error(), false);
  }
  asking.rest.reset();
  if (asking.connection != nullptr) run.pools->give_back(*asking.connection, false);
  run.tally->note(outcome);
}

}  // namespace sluice
