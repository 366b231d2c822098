#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "engine/llm/api.h"
#include "engine/llm/usage.h"
#include "engine/net/stream.h"
#include "engine/proxy/decision_log.h"
#include "engine/proxy/request_body.h"
#include "engine/proxy/worker.h"
#include "parser/http1_request.h"
#include "parser/json_probe.h"

namespace sluice {

// As the limits count it; what is told in the report of an exchange that used nothing is nothing.
[[nodiscard]] inline TokensUsed tokens_used(const Usage& usage) noexcept {
  return {.total = token_count(usage.total), .completion = token_count(usage.completion)};
}

// What becomes of the client's connection after an exchange.
enum class Ending : std::uint8_t {
  kKeepAlive,
  kClose,
  kLinger,    // close, but let the client read its answer first (HTTP_RULES B7)
  kHandOver,  // it is for the administrator
};

// Of two accounts that were asked at once, whose answer was the better one.
enum class HedgeWinner : std::uint8_t { kNone, kFirst, kSecond };

// ExchangeReport - what the access line tells of one exchange; filled as it goes on.
struct ExchangeReport {
  std::uint16_t status = 0;       // 0: nobody was answered
  std::uint16_t late_status = 0;  // what it would have been, had the head not left before
  std::uint32_t attempts = 0;
  bool hedged = false;                            // two accounts were asked at once, and ...
  HedgeWinner hedge_winner = HedgeWinner::kNone;  // ... this one had the better answer
  bool client_gone = false;
  bool priced = false;     // cost_nano_dollars tells what `usage` costs
  bool own_price = false;  // ... by the account's own price
  RequestLabels labels;    // of the model, and of the account and pool:
  std::string_view account;
  std::string_view pool;
  std::string_view degraded;  // the lesser rung that served: "fallback", "emergency"
  std::string_view error;     // why it went wrong, in words
  std::uint64_t body_bytes_in = 0;
  std::uint64_t body_bytes_out = 0;
  Instant head_sent_at{};
  Instant first_token_at{};
  Duration upstream_time{};  // waiting for providers, from received_at to the answer's head
  Duration queue_time{};     // waiting for a permit
  Usage usage;
  std::int64_t cost_nano_dollars = 0;
};

// Exchange - one request and its answer.
//
// Owns      the arena in which everything about the request lies, and the request's bytes in it.
// Affinity  one shard. Lifetime: from the first byte of the request to the access line.
struct Exchange {
  Exchange(Shard& shard, Worker& worker, Stream& client)
      : worker(&worker),
        client(&client),
        snapshot(worker.snapshot),
        arena(shard.blocks()),
        body_memory(shard.blocks(), worker.metrics.body_memory),
        began_at(shard.now()),
        cut_(worker.cut, cancel) {}

  [[nodiscard]] const ProxySettings& settings() const noexcept { return snapshot->settings; }
  [[nodiscard]] const Directory& directory() const noexcept { return *snapshot->directory; }

  void take_body(std::string_view text) noexcept {
    body = text;
    report.body_bytes_in = text.size();
  }
  // No other account will be asked: a body that has memory of its own gives it back, however long
  // the answer takes. What is read of it later (the model) lies in the arena.
  void release_body() noexcept {
    if (body_memory.size() == 0) return;
    body = probe.model = probe.user = {};
    body_memory.release();
  }

  Worker* worker;
  Stream* client;
  SnapshotRef snapshot;
  Arena arena;
  RequestBody body_memory;  // of a body that did not come with its head
  CancelSource cancel;      // the client has gone, or the drain is over
  Instant began_at;
  Instant received_at{};  // all of the request

  RequestHead* head = nullptr;  // null until the head is complete
  std::string_view head_text;   // the head as it came
  std::string_view request_id;
  Slice rest;               // received behind what has been read of the request
  std::string_view copied;  // the beginning of what lies behind the head, copied with it
  std::string_view body;    // 64 readable bytes follow; until release_body()

  const ClientKey* client_key = nullptr;
  ClientPass client_pass;  // within the key's limits
  ApiKind api = ApiKind::kNone;
  bool json = false;  // probe is valid
  RequestProbe probe;
  std::string_view model;      // canonical; "" for requests without one
  bool model_is_told = false;  // by the request itself; else it is the default
  Priority priority = Priority::kNormal;

  Ending ending = Ending::kKeepAlive;
  bool stream_begun = false;  // the head has left, of a stream that may yet be any account's
  bool forwarded = false;     // accounts are looked for: what comes of it is recorded
  bool asked = false;         // ... and at least one account's start is
  bool metered = false;       // ... and has been
  bool answered = false;      // the first byte of an answer has left (INVARIANTS R3)
  ExchangeReport report;
  DecisionTrail trail;

 private:
  CancelLink cut_;  // the end of the drain period calls off every exchange
};

}  // namespace sluice
