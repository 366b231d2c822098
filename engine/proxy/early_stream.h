#pragma once

#include <array>

#include "engine/proxy/answer.h"
#include "engine/proxy/attempt.h"
#include "engine/proxy/relay_response.h"

namespace sluice {

// QueueComments - what a request for a stream is told while it waits for a permit (queue.comments):
// after the first interval the head of its answer, before any provider is known, and then a comment
// in each interval (docs/WIRE.md, Streams that wait).
//
// Owns      the text of the comment that is being sent.
// Affinity  one shard. Lifetime: one wait of the exchange.
class QueueComments {
 public:
  QueueComments(const Exchange& exchange, Instant began) noexcept;

  // When the next comment is due; kNever for a request that gets none.
  [[nodiscard]] Instant due() const noexcept { return due_; }

 private:
  friend Task<void> say_queued(Shard&, Exchange&, QueueComments&);

  Instant began_;
  Instant due_ = kNever;
  std::array<char, 64> text_{};
};

// Says that the request still waits, behind the head when that has not left yet. A client that does
// not take it has left: the exchange is called off.
Task<void> say_queued(Shard& shard, Exchange& exchange, QueueComments& comments);

// Once exchange.stream_begun, everything that is no stream has to become an event of it:

// An answer of the gateway's own, and the end of the body.
Task<void> send_error_event(Shard& shard, Exchange& exchange, const Answer& answer);
// A provider's refusal, whose body is `body`, and the end of the body.
Task<void> send_provider_error(Shard& shard, Exchange& exchange, const ResponseHead& head,
                               std::string_view body, std::optional<Duration> retry_after);
// attempt.head's answer to a request for a stream, which is none. Reads its body, gives the
// connection back or closes it; fills exchange.ending, exchange.report and attempt.broke as
// relay_response() does.
Task<RelayEnd> relay_as_event(Shard& shard, Exchange& exchange, Attempt& attempt, AnswerKind kind);

// The comment that tells of a stream which began early what its head could not: who serves it. ""
// where that is not to be told.
[[nodiscard]] std::string_view served_comment(Exchange& exchange);

}  // namespace sluice
