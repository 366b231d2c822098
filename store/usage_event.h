#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// What a usage record tells of.
enum class UsageKind : std::uint8_t {
  kStart = 1,  // an account is about to be asked: no byte has left yet
  kEnd = 2,    // what came of it
  // A request that no account served. With `account`: this one was asked last, in an attempt of its
  // own, and gave the error that was answered, or nothing that could be; without: none was asked.
  kRefused = 3,
};

// Bits of UsageEvent::flags.
enum UsageFlag : std::uint16_t {
  kUsageLast = 1,            // this attempt's answer is what the client got; one per request
  kUsageStreamed = 2,        // the answer was an event stream
  kUsageFallback = 4,        // degraded: the fallback pool served
  kUsageEmergency = 8,       // degraded: the emergency channel served
  kUsageHedged = 16,         // another account was asked at the same time; of a start: before
  kUsageClientGone = 32,     // the client left before the end
  kUsageTokensGuessed = 64,  // the provider told no tokens; these are guesses from bytes
  kUsageCostKnown = 128,     // there was a price for the model
  kUsageUnsent = 256,        // no byte of the request left: the account's limits do not count it
  kUsageReserved = 512,      // nobody told what it used: they count what was reserved
  kUsageOverLimit = 1024,    // the client key's limits refused it, and do not count it
  kUsageOwnPrice = 2048,     // the price was the account's own, not the model's
  kUsageBrokenOff = 4096,    // of an end: the provider broke its answer off behind the head
};

// UsageEvent - one line of the usage journal: an attempt with one account begins, or ends. An end
// repeats what its start told, so that it can be read alone.
//
// Lifetime  the texts lie with whoever hands it out or takes it in.
struct UsageEvent {
  UsageKind kind = UsageKind::kStart;
  std::uint16_t flags = 0;
  std::uint16_t status = 0;    // of the provider's answer, of ours for kRefused; 0: there was none
  std::uint16_t attempt = 0;   // of the request, from 1; kRefused: how many there were
  std::uint64_t sequence = 0;  // of the record in its shard's journal, from 1, without gaps
  std::uint64_t started_by = 0;  // kEnd: the sequence of its start in the same journal
  std::int64_t unix_ms = 0;

  std::string_view request_id;  // at most 128 bytes
  std::string_view account;     // by its name
  std::string_view pool;        // "primary", "fallback"
  std::string_view client_key;  // by its name; empty without client keys
  std::string_view model;       // canonical, as the client asked for it; at most 256 bytes
  std::string_view native_model;

  // kStart alone: the tokens that the limits of the account and of the client key count until the
  // end tells better.
  std::uint64_t reserved_tokens = 0;
  std::uint64_t client_reserved_tokens = 0;

  // kEnd alone, but for the latency. Tokens as engine/llm/usage.h counts them: cached ones
  // are among `prompt`, reasoning ones among `completion`.
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t total_tokens = 0;
  std::uint64_t cached_read_tokens = 0;
  std::uint64_t cached_write_tokens = 0;
  std::uint64_t reasoning_tokens = 0;
  std::int64_t cost_nano_dollars = 0;
  // From the start of this attempt to the end of its answer; kRefused: since all of it was there.
  std::uint64_t latency_us = 0;
  std::uint64_t first_token_us = 0;  // 0: no token came
  std::uint64_t sent_ms = 0;         // from the start of this attempt until the request had left
  std::uint64_t queue_us = 0;        // the request's wait for a permit, of every kind
};

}  // namespace sluice
