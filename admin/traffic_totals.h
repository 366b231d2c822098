#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/proxy/shard_metrics.h"

namespace sluice {

// TrafficTotals - what all shards have counted together, since the start: what is cheap to add up
// each second.
//
// Size      about 1 KiB.
struct TrafficTotals {
  using Overhead = HistogramCounts<kOverheadBoundaries>;
  using Durations = HistogramCounts<kDurationBoundaries>;
  using FirstTokens = HistogramCounts<kFirstTokenBoundaries>;
  using QueueWaits = HistogramCounts<kQueueWaitBoundaries>;

  std::uint64_t requests = 0;
  std::uint64_t attempts = 0;
  std::uint64_t hedges = 0;
  std::uint64_t retries_denied = 0;
  std::uint64_t journal_refusals = 0;
  std::uint64_t unpriced = 0;
  std::uint64_t series_lost = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;
  std::array<std::uint64_t, kTokenKinds> tokens{};
  std::uint64_t nano_dollars = 0;
  std::uint64_t fallback = 0;
  std::uint64_t emergency = 0;
  std::uint64_t primary_wait_enter = 0;
  std::uint64_t primary_wait_recovery = 0;
  std::uint64_t primary_wait_exhausted = 0;
  std::uint64_t queue_full = 0;
  std::uint64_t passthrough = 0;
  Overhead overhead;
  Durations duration;
  Durations upstream;
  FirstTokens first_token;
  std::array<QueueWaits, kPriorities> queue_wait{};
  // Just now.
  std::uint64_t in_flight = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t body_memory = 0;
};

[[nodiscard]] TrafficTotals add_up(std::span<const ShardFigures> shards) noexcept;

// LabelledCount - a series of one of the tables, of all shards together.
struct LabelledCount {
  std::uint64_t key = 0;
  std::uint64_t count = 0;
};

// One for each key, ascending.
[[nodiscard]] std::vector<LabelledCount> merged(std::vector<LabelledCount> counts);

// The series of all shards, by key, ascending. Allocates.
[[nodiscard]] std::vector<LabelledCount> add_up_requests(std::span<const ShardFigures> shards);
[[nodiscard]] std::vector<LabelledCount> add_up_account_events(
    std::span<const ShardFigures> shards);

// Of the requests that were for providers, and those of them that ended in an error: 5xx, or
// nobody was answered.
struct RequestTotals {
  std::uint64_t forwarded = 0;
  std::uint64_t errors = 0;
};
[[nodiscard]] RequestTotals request_totals(std::span<const LabelledCount> requests) noexcept;

}  // namespace sluice
