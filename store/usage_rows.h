#pragma once

#include <cstdint>
#include <string>

#include "store/tables.h"

namespace sluice {

// UsageSums - what many attempts used. All are exact sums; one that would pass 2^64 - 1 stays there
// (add() says so).
struct UsageSums {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr Table kTable = Table::kUsageHourly;

  std::uint64_t requests = 0;         // counted at their last attempt, or when refused
  std::uint64_t errors = 0;           // of `requests`: as is_error() has it
  std::uint64_t attempts = 0;         // with an account; a request may need several
  std::uint64_t failed_attempts = 0;  // of `attempts`
  std::uint64_t unknown = 0;          // of `attempts`: the process died before their end
  std::uint64_t unpriced = 0;         // of `attempts` with tokens: no price for the model
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t total_tokens = 0;
  std::uint64_t cached_read_tokens = 0;
  std::uint64_t cached_write_tokens = 0;
  std::uint64_t reasoning_tokens = 0;
  std::uint64_t cost_nano_dollars = 0;
  std::uint64_t latency_us = 0;      // over attempts - unknown
  std::uint64_t first_token_us = 0;  // over first_tokens
  std::uint64_t first_tokens = 0;    // attempts in which a token came
  std::uint64_t queue_us = 0;        // over requests

  // Whether all sums still fitted.
  bool add(const UsageSums& other) noexcept;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.requests, row.errors, row.attempts, row.failed_attempts, row.unknown, row.unpriced,
          row.prompt_tokens, row.completion_tokens, row.total_tokens, row.cached_read_tokens,
          row.cached_write_tokens, row.reasoning_tokens, row.cost_nano_dollars, row.latency_us,
          row.first_token_us, row.first_tokens, row.queue_us);
  }
  friend bool operator==(const UsageSums&, const UsageSums&) = default;
};

// a + b, or the largest number when that does not fit; `fits` becomes false then.
[[nodiscard]] std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b, bool& fits) noexcept;

// DailySums - of one day and pool.
struct DailySums {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr Table kTable = Table::kUsageDaily;

  UsageSums sums;
  std::uint64_t unique_accounts = 0;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.sums, row.unique_accounts);
  }
  friend bool operator==(const DailySums&, const DailySums&) = default;
};

enum class RequestOutcome : std::uint8_t {
  kEnded,    // with `status`
  kRefused,  // no account served it (UsageKind::kRefused)
  kUnknown,  // the process died before the end
  kOpen,     // in open_attempts only
  kLast = kOpen,
};

// StoredRequest - one attempt of one request, or a request that was refused. Names are the numbers
// of the table `names`; 0 is the empty name.
struct StoredRequest {
  static constexpr std::uint8_t kVersion = 2;
  static constexpr std::uint8_t kFormerVersion = 1;  // without what added() names
  static constexpr Table kTable = Table::kRequests;

  RequestOutcome outcome = RequestOutcome::kEnded;
  std::uint16_t flags = 0;  // of store/usage_event.h
  std::uint16_t status = 0;
  std::uint16_t attempt = 0;
  std::int64_t unix_ms = 0;  // of the end, where it is known
  std::uint32_t account = 0;
  std::uint32_t model = 0;
  std::uint32_t client_key = 0;
  std::uint32_t pool = 0;
  std::uint32_t native_model = 0;
  std::string request_id;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t total_tokens = 0;
  std::uint64_t cached_read_tokens = 0;
  std::uint64_t cached_write_tokens = 0;
  std::uint64_t reasoning_tokens = 0;
  std::uint64_t cost_nano_dollars = 0;
  std::uint64_t latency_us = 0;
  std::uint64_t first_token_us = 0;
  std::uint64_t queue_us = 0;
  // What the limits counted (store/usage_event.h), also of one that ended: from its start.
  std::uint64_t sent_ms = 0;
  std::uint64_t reserved_tokens = 0;
  std::uint64_t client_reserved_tokens = 0;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.outcome, row.flags, row.status, row.attempt, row.unix_ms, row.account, row.model,
          row.client_key, row.pool, row.native_model, row.request_id, row.prompt_tokens,
          row.completion_tokens, row.total_tokens, row.cached_read_tokens, row.cached_write_tokens,
          row.reasoning_tokens, row.cost_nano_dollars, row.latency_us, row.first_token_us,
          row.queue_us);
  }
  template <class R, class Visitor>
  static void added(R& row, Visitor& visit) {
    visit(row.sent_ms, row.reserved_tokens, row.client_reserved_tokens);
  }
  friend bool operator==(const StoredRequest&, const StoredRequest&) = default;
};

// JournalPosition - how far a journal has been applied.
struct JournalPosition {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr Table kTable = Table::kJournals;

  std::uint32_t number = 0;    // of the journal: keys of requests carry it
  std::uint64_t sequence = 0;  // the last one applied

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.number, row.sequence);
  }
  friend bool operator==(const JournalPosition&, const JournalPosition&) = default;
};

}  // namespace sluice
