#include "engine/proxy/relay_response.h"

#include <algorithm>

#include "engine/proxy/body_pump.h"
#include "engine/proxy/early_stream.h"
#include "engine/proxy/json_text.h"

namespace sluice {
namespace {

// Relay - the state of one answer on its way through.
struct Relay {
  Relay(Shard& shard, Exchange& exchange, Attempt& attempt, const RelayPlan& plan, AnswerKind kind)
      : exchange(exchange),
        attempt(attempt),
        talks(plan.event_stream && plan.framing != OutFraming::kLength),
        pump(*attempt.head, plan.framing, kind, plan.filtered, exchange.arena),
        outbox(shard.blocks()),
        heard_at(shard.now()) {
    no_wait.request(Error{.code = Errc::kCancelled});
    if (exchange.stream_begun) {
      pump.add_comment(served_comment(exchange), outbox);
    } else {
      head_text = write_response_head(exchange, *attempt.head, plan, shard.clock().now());
      exchange.report.status = static_cast<std::uint16_t>(attempt.head->status);
    }
  }

  Exchange& exchange;
  Attempt& attempt;
  bool talks;  // we may put events of our own in: a stream whose length was not told
  BodyPump pump;
  Outbox outbox;
  std::string_view head_text;  // not sent yet
  CancelSource no_wait;        // always requested: for reads that must not wait
  Instant heard_at;            // the provider's last byte
  Instant commented_at{};      // our last comment
  Error failure;               // why it broke
  bool bytes_behind = false;   // the provider sent more than its answer (P3)

  [[nodiscard]] bool has_output() const { return !head_text.empty() || !outbox.empty(); }
};

enum class Gathered : std::uint8_t { kMore, kDone, kBroke, kWait };

// Until when to wait for the provider: its idle time, or the moment for a comment in a silent
// stream.
Instant wait_deadline(const Relay& relay) {
  const Instant idle = relay.heard_at + relay.attempt.account->timeouts.idle;
  return std::min(relay.attempt.deadline, idle);
}

bool comment_is_possible(const Relay& relay) {
  return relay.talks && relay.pump.between_events() && !relay.pump.done();
}

void note_progress(Shard& shard, Relay& relay) {
  ExchangeReport& report = relay.exchange.report;
  if (report.first_token_at == Instant{} && relay.pump.tap().first_event_seen())
    report.first_token_at = shard.now();
}

// How to read the provider's next bytes.
struct Reading {
  Limits limits;
  Instant idle_end;  // the provider has been silent for too long
  bool waits;        // there is nothing to send meanwhile
  bool may_comment;
};

Reading plan_reading(Shard& shard, Relay& relay) {
  const Instant end = wait_deadline(relay);
  const Instant silent_since = std::max(relay.heard_at, relay.commented_at);
  const Instant comment_at = silent_since + relay.exchange.settings().stream_comment_after;
  Reading reading{.limits = {.deadline = end},
                  .idle_end = end,
                  .waits = !relay.has_output(),
                  .may_comment = comment_is_possible(relay)};
  reading.limits.cancel = reading.waits ? &relay.attempt.cancel : &relay.no_wait;
  if (reading.may_comment)
    reading.limits.deadline = std::min(end, std::max(comment_at, shard.now() + 1ms));
  return reading;
}

// What came of it. False when there is something to send instead (a comment, or what is at hand),
// or when the provider broke: relay.failure says so.
bool take_read(Shard& shard, Relay& relay, const Reading& reading, Result<Slice>& next) {
  if (next && !next->empty()) {
    relay.heard_at = shard.now();
    relay.attempt.rest = std::move(*next);
    return true;
  }
  if (next) {
    relay.failure = Error{.code = Errc::kEndOfStream, .side = Side::kUpstream};
  } else if (!reading.waits && next.error().code == Errc::kCancelled) {
    return false;
  } else if (reading.may_comment && next.error().code == Errc::kTimedOut &&
             shard.now() < reading.idle_end) {
    relay.pump.add_comment(": keep-alive\n\n", relay.outbox);
    relay.commented_at = shard.now();
  } else {
    relay.failure = next.error();
  }
  return false;
}

// Fills the outbox with all that lies ready. kWait: gather() must go on.
Gathered gather_ready(Shard& shard, Relay& relay) {
  Stream& stream = relay.attempt.connection->stream;
  while (true) {
    const BodyPump::Fed fed = relay.pump.feed(relay.attempt.rest, relay.outbox);
    note_progress(shard, relay);
    switch (fed) {
      case BodyPump::Fed::kSendFirst: return Gathered::kMore;
      case BodyPump::Fed::kDone:
        relay.bytes_behind = !relay.attempt.rest.empty();
        return Gathered::kDone;
      case BodyPump::Fed::kMalformed:
        relay.failure = Error{.code = Errc::kMalformed, .side = Side::kUpstream};
        return Gathered::kBroke;
      case BodyPump::Fed::kMore: break;
    }
    relay.attempt.rest = stream.take_received();
    if (!relay.attempt.rest.empty()) relay.heard_at = shard.now();
    else return relay.has_output() && !stream.readable() ? Gathered::kMore : Gathered::kWait;
  }
}

// Goes on where gather_ready() could not: the end, records to decrypt, or a wait while there is
// nothing to send.
Task<Gathered> gather(Shard& shard, Relay& relay) {
  Stream& stream = relay.attempt.connection->stream;
  while (true) {
    const Reading reading = plan_reading(shard, relay);
    bool taken;
    if (stream.tls() == nullptr) {
      Result<Slice> next = co_await stream.recv().next(reading.limits);
      taken = take_read(shard, relay, reading, next);
    } else {
      Result<Slice> next = co_await read_some(shard, stream, reading.limits);
      taken = take_read(shard, relay, reading, next);
    }
    if (taken) {
      const Gathered gathered = gather_ready(shard, relay);
      if (gathered != Gathered::kWait) co_return gathered;
      continue;
    }
    if (relay.failure.code == Errc::kOk) co_return Gathered::kMore;
    if (relay.failure.code != Errc::kEndOfStream || relay.failure.side != Side::kUpstream)
      co_return Gathered::kBroke;
    // Closed: that completes a close-delimited body, and truncates any other.
    if (relay.pump.end(relay.outbox) != BodyPump::Fed::kDone) co_return Gathered::kBroke;
    relay.failure = Error{};
    co_return Gathered::kDone;
  }
}

WriteLimits client_limits(const Relay& relay) {
  return {.stall = relay.exchange.settings().client_stall, .cancel = &relay.exchange.cancel};
}

Task<Result<void>> send_within(Shard& shard, Relay& relay, const WriteLimits& limits) {
  relay.pump.frame(relay.outbox);
  relay.outbox.add_front(relay.head_text);
  relay.exchange.answered = true;
  if (!relay.head_text.empty()) relay.exchange.report.head_sent_at = shard.now();
  relay.head_text = {};
  // A client may take its time: what comes after this waits where it holds no memory of the ring
  // (B1).
  relay.pump.leave_ring(shard.blocks());
  relay.attempt.connection->stream.put_back(std::move(relay.attempt.rest));
  return write_all(shard, *relay.exchange.client, relay.outbox, limits);
}

Task<Result<void>> send_gathered(Shard& shard, Relay& relay) {
  return send_within(shard, relay, client_limits(relay));
}

std::string_view broken_stream_code(const Error& failure) {
  switch (failure.code) {
    case Errc::kTimedOut: return "upstream_timeout";
    case Errc::kMalformed: return "upstream_invalid_response";
    case Errc::kDrained: return "gateway_shutdown";
    default: return "upstream_unreachable";
  }
}

// Tells the client of an event stream that it broke: an error event, no [DONE], and no proper end
// of the body. A stream of known length just stays short.
Task<void> send_broken_stream(Shard& shard, Relay& relay) {
  if (!relay.talks || relay.pump.done()) co_return;
  Arena& arena = relay.exchange.arena;
  const bool cut = relay.failure.code == Errc::kDrained;
  const std::string_view start = relay.pump.between_events() ? "" : "\n\n";
  const std::string_view what =
      cut ? "the gateway is shutting down: " : "the provider's stream broke off: ";
  const Answer broken{.type = "server_error",
                      .code = broken_stream_code(relay.failure),
                      .message = arena.join(what, errc_text(relay.failure.code))};
  relay.outbox.add(start);
  relay.outbox.add(error_event(relay.exchange, broken));
  // Everything of this exchange is called off by now when it is cut: a last word, to a client that
  // takes it at once.
  constexpr Duration kLastWord = 100ms;
  WriteLimits limits = client_limits(relay);
  if (cut) limits = WriteLimits{.stall = kLastWord};
  static_cast<void>(co_await send_within(shard, relay, limits));
}

RelayPlan make_plan(Exchange& exchange, Attempt& attempt, AnswerKind kind) {
  const ResponseHead& head = *attempt.head;
  RelayPlan plan;
  plan.event_stream = kind == AnswerKind::kEventStream;
  plan.filtered = attempt.usage_injected && plan.event_stream;
  plan.framing = exchange.stream_begun ? OutFraming::kChunked
                                       : choose_framing(*exchange.head, head, plan.filtered);
  plan.account = attempt.account->name;
  plan.pool = attempt.account->pool == Pool::kPrimary ? "primary" : "fallback";
  plan.degraded = degraded_text(attempt.rung);
  if (exchange.head->close || exchange.worker->draining || plan.framing == OutFraming::kClose) {
    exchange.ending = Ending::kClose;
  }
  return plan;
}

RelayEnd end_of(const Error& failure) {
  if (failure.code == Errc::kDrained) return RelayEnd::kCut;
  return failure.side == Side::kUpstream ? RelayEnd::kUpstreamBroke : RelayEnd::kClientGone;
}

// What comes of it for the exchange and the connection to the provider.
void end_relay(Relay& relay, RelayEnd end) {
  Exchange& exchange = relay.exchange;
  Attempt& attempt = relay.attempt;
  const bool complete = end == RelayEnd::kComplete;
  if (end == RelayEnd::kUpstreamBroke) attempt.broke = relay.failure;
  if (!complete) exchange.ending = Ending::kClose;
  exchange.report.usage = usage_of(relay.pump.tap(), attempt);
  exchange.report.body_bytes_out = relay.pump.payload_total();
  exchange.report.error = complete ? std::string_view{} : errc_text(relay.failure.code);
  const bool reusable = complete && attempt.sent_all && !attempt.head->close &&
                        !relay.bytes_behind && attempt.head->framing != BodyFraming::kUntilClose;
  release_connection(exchange, attempt, reusable);
}

Task<RelayEnd> relay_as_it_comes(Shard& shard, Exchange& exchange, Attempt& attempt,
                                 AnswerKind kind) {
  Relay relay(shard, exchange, attempt, make_plan(exchange, attempt, kind), kind);
  std::optional<Reactor::StreamMark> mark;
  if (kind == AnswerKind::kEventStream) mark.emplace(shard);
  RelayEnd end = RelayEnd::kComplete;
  while (true) {
    Gathered gathered = gather_ready(shard, relay);
    if (gathered == Gathered::kWait) gathered = co_await gather(shard, relay);
    if (gathered == Gathered::kBroke) {
      end = end_of(relay.failure);
      break;
    }
    const Result<void> sent = co_await send_gathered(shard, relay);
    if (!sent) {
      relay.failure = sent.error();
      end = relay.failure.code == Errc::kDrained ? RelayEnd::kCut : RelayEnd::kClientGone;
      break;
    }
    if (gathered == Gathered::kDone) break;
  }
  // Events that came together with the break are the client's, as if they had come before it.
  const bool begun = exchange.answered || !relay.outbox.empty();
  const bool between_sends = relay.outbox.empty() || end == RelayEnd::kUpstreamBroke;
  if (end != RelayEnd::kClientGone && end != RelayEnd::kComplete && begun && between_sends)
    co_await send_broken_stream(shard, relay);
  end_relay(relay, end);
  co_return end;
}

}  // namespace

Usage usage_of(const UsageTap& tap, const Attempt& attempt) noexcept {
  const Usage usage = tap.usage(attempt.body_bytes);
  return usage.estimated && attempt.head->status >= 400 ? Usage{} : usage;
}

Task<RelayEnd> relay_response(Shard& shard, Exchange& exchange, Attempt& attempt) {
  const AnswerKind kind = answer_kind(*attempt.head);
  const bool as_event =
      exchange.stream_begun && (kind != AnswerKind::kEventStream || attempt.head->status >= 300);
  return as_event ? relay_as_event(shard, exchange, attempt, kind)
                  : relay_as_it_comes(shard, exchange, attempt, kind);
}

}  // namespace sluice
