#pragma once

#include <optional>

#include "engine/net/upstream_pool.h"
#include "engine/proxy/answer.h"
#include "engine/proxy/response_head.h"
#include "parser/http1_response.h"
#include "parser/json_splice.h"

namespace sluice {

// Attempt - one try of an exchange with one account: its connection, its answer.
//
// Affinity  one shard. Lifetime: within the exchange, whose arena holds the heads.
struct Attempt {
  // Once for each attempt: what calls off the exchange calls off this one too.
  void follow(Exchange& exchange) noexcept { link.emplace(exchange.cancel, cancel); }
  // Another attempt has won. It still has to be awaited.
  void call_off() noexcept {
    called_off = true;
    cancel.request(kCalledOff);
  }
  static constexpr Error kCalledOff{.code = Errc::kCancelled, .side = Side::kOurs};

  CancelSource cancel;
  std::optional<CancelLink> link;
  bool called_off = false;
  bool races = false;  // another attempt may run beside it, and the first to have an answer wins:
                       // nothing may be said to the client yet
  const Account* account = nullptr;
  Rung rung = Rung::kPrimary;
  UpstreamConnection* connection = nullptr;  // null: none yet, or given back
  std::uint64_t body_bytes = 0;              // of the request as it goes to this account
  bool usage_injected = false;               // we asked for usage, the client did not
  bool sent_any = false;                     // a byte of the request has left
  bool sent_all = false;
  Instant deadline = kNever;  // the account's total timeout
  Instant asked_at{};         // from here on the provider is waited for
  Instant sent_at = kNever;   // the request had left, or as much of it as the provider took
  Duration waited{};          // for the provider, until its answer could be relayed
  ResponseHead* head = nullptr;
  Slice rest;                // received behind the head
  Error broke;               // why the answer broke off behind its head; kOk when it did not
  std::string_view failure;  // a sentence on what went wrong, "" when the code says it all
};

// Opens or reuses a connection and sends the request. Errors: those of the transport;
// attempt.sent_any tells whether the provider may have seen something of it.
Task<Result<void>> send_request(Shard& shard, Exchange& exchange, Attempt& attempt,
                                std::string_view native_model);

// Reads the answer's head into attempt.head; interim answers (1xx) are passed on (P1). Errors:
// kMalformed, kEndOfStream, kTimedOut, and those of the transport.
Task<Result<void>> read_response_head(Shard& shard, Exchange& exchange, Attempt& attempt);

// Gives the connection back or closes it.
void release_connection(Exchange& exchange, Attempt& attempt, bool reusable) noexcept;

struct BodyBounds {
  std::size_t bytes_max;
  Instant deadline;
};

// Reads the rest of an answer that is not relayed as it comes; nothing when it is longer, broken or
// too slow. Then the connection can be used again if can_be_reused().
Task<std::optional<std::string_view>> read_whole_body(Shard& shard, Exchange& exchange,
                                                      Attempt& attempt, BodyBounds bounds);
[[nodiscard]] inline bool can_be_reused(const Attempt& attempt) noexcept {
  return attempt.sent_all && !attempt.head->close && attempt.rest.empty() &&
         attempt.head->framing != BodyFraming::kUntilClose;
}

}  // namespace sluice
