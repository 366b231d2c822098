#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/histogram.h"
#include "base/owned_count.h"
#include "base/step_histogram.h"
#include "engine/llm/usage.h"
#include "engine/proxy/series_table.h"
#include "engine/route/account.h"
#include "engine/route/balancer.h"
#include "engine/route/label_names.h"
#include "engine/route/ladder.h"
#include "engine/route/priority.h"

namespace sluice {

// What we add to a request is tens of microseconds; what is above a few milliseconds is a fault.
inline constexpr auto kOverheadBoundaries = std::to_array<Boundary>({
    {5us, "5e-06"},    {10us, "1e-05"},   {15us, "1.5e-05"}, {20us, "2e-05"},    {30us, "3e-05"},
    {50us, "5e-05"},   {75us, "7.5e-05"}, {100us, "0.0001"}, {150us, "0.00015"}, {200us, "0.0002"},
    {300us, "0.0003"}, {500us, "0.0005"}, {1ms, "0.001"},    {2ms, "0.002"},     {5ms, "0.005"},
    {10ms, "0.01"},    {50ms, "0.05"},    {100ms, "0.1"},    {1s, "1.0"},
});
// From an answer out of a provider's cache to the longest stream of a reasoning model.
inline constexpr auto kDurationBoundaries = std::to_array<Boundary>({
    {5ms, "0.005"},
    {10ms, "0.01"},
    {25ms, "0.025"},
    {50ms, "0.05"},
    {100ms, "0.1"},
    {250ms, "0.25"},
    {500ms, "0.5"},
    {1s, "1.0"},
    {2s, "2.0"},
    {5s, "5.0"},
    {10s, "10.0"},
    {20s, "20.0"},
    {30s, "30.0"},
    {60s, "60.0"},
    {120s, "120.0"},
    {300s, "300.0"},
    {600s, "600.0"},
});
// Finer where people notice it: between a tenth of a second and ten.
inline constexpr auto kFirstTokenBoundaries = std::to_array<Boundary>({
    {10ms, "0.01"},
    {25ms, "0.025"},
    {50ms, "0.05"},
    {100ms, "0.1"},
    {150ms, "0.15"},
    {250ms, "0.25"},
    {350ms, "0.35"},
    {500ms, "0.5"},
    {750ms, "0.75"},
    {1s, "1.0"},
    {1500ms, "1.5"},
    {2s, "2.0"},
    {3s, "3.0"},
    {5s, "5.0"},
    {10s, "10.0"},
    {20s, "20.0"},
    {60s, "60.0"},
    {120s, "120.0"},
});
// A wait for a permit: at most the queue's patience, 30 s unless it is configured otherwise.
inline constexpr auto kQueueWaitBoundaries = std::to_array<Boundary>({
    {1ms, "0.001"},
    {5ms, "0.005"},
    {10ms, "0.01"},
    {25ms, "0.025"},
    {50ms, "0.05"},
    {100ms, "0.1"},
    {250ms, "0.25"},
    {500ms, "0.5"},
    {1s, "1.0"},
    {2s, "2.0"},
    {5s, "5.0"},
    {10s, "10.0"},
    {20s, "20.0"},
    {30s, "30.0"},
    {60s, "60.0"},
    {300s, "300.0"},
});
using DurationHistogram = Histogram<kDurationBoundaries>;
using QueueWaitHistogram = Histogram<kQueueWaitBoundaries>;

// StepsBeside - a histogram for scrapes, and the same finely, for percentiles: those of the
// boundaries alone may be wrong by as much as these are apart.
template <const auto& kBoundaries>
class StepsBeside : public Histogram<kBoundaries> {
 public:
  void add(Duration took) noexcept {
    Histogram<kBoundaries>::add(took);
    steps_.add(took);
  }
  [[nodiscard]] const SharedStepHistogram& steps() const noexcept { return steps_; }

 private:
  SharedStepHistogram steps_;
};

// The pool that sluice_requests_total names; kNone: no account was asked.
enum class PoolLabel : std::uint8_t { kNone, kPrimary, kFallback };
[[nodiscard]] constexpr PoolLabel pool_label(Pool pool) noexcept {
  return pool == Pool::kPrimary ? PoolLabel::kPrimary : PoolLabel::kFallback;
}

// RequestLabels - what one answered request is counted under.
struct RequestLabels {
  Label model = LabelNames::kNone;  // kNone: the gateway's own answer, before any model was sought
  Label account = LabelNames::kNone;
  PoolLabel pool = PoolLabel::kNone;
  std::uint16_t code = 0;  // 0: nobody was answered

  [[nodiscard]] constexpr std::uint64_t key() const noexcept {
    return std::uint64_t{model} << 48 | std::uint64_t{account} << 32 |
           static_cast<std::uint64_t>(pool) << 16 | code;
  }
  [[nodiscard]] static constexpr RequestLabels of(std::uint64_t key) noexcept {
    return {.model = static_cast<Label>(key >> 48),
            .account = static_cast<Label>(key >> 32),
            .pool = static_cast<PoolLabel>(key >> 16 & 0xff),
            .code = static_cast<std::uint16_t>(key)};
  }
};

// What happens to an account and is counted for each.
enum class AccountEvent : std::uint8_t {
  kAttempt,        // ... ended, with an outcome and a status
  kCooldown,       // one has begun
  kBreakerOpened,  // or opened again
};

// AccountLabels - what one event of an account is counted under.
struct AccountLabels {
  Label account = LabelNames::kNone;
  AccountEvent event = AccountEvent::kAttempt;
  TryOutcome outcome = TryOutcome::kServed;  // of an attempt
  std::uint16_t status = 0;                  // of its answer if that was an error, else 0

  [[nodiscard]] constexpr std::uint64_t key() const noexcept {
    return std::uint64_t{account} << 32 | static_cast<std::uint64_t>(event) << 24 |
           static_cast<std::uint64_t>(outcome) << 16 | status;
  }
  [[nodiscard]] static constexpr AccountLabels of(std::uint64_t key) noexcept {
    return {.account = static_cast<Label>(key >> 32),
            .event = static_cast<AccountEvent>(key >> 24 & 0xff),
            .outcome = static_cast<TryOutcome>(key >> 16 & 0xff),
            .status = static_cast<std::uint16_t>(key)};
  }
};

// The kinds of sluice_tokens_total, in the order of ShardMetrics::tokens. Those that are parts of
// others are told apart: cached tokens are prompt tokens, reasoning tokens completion tokens.
enum class TokenKind : std::uint8_t { kPrompt, kCompletion, kCachedRead, kCachedWrite, kReasoning };
inline constexpr std::array<std::string_view, 5> kTokenKindNames = {
    "prompt", "completion", "cached_read", "cached_write", "reasoning"};
inline constexpr std::size_t kTokenKinds = kTokenKindNames.size();

// ShardMetrics - all that a shard counts. Whoever wants the gateway's numbers adds up the shards'.
//
// Labels are numbers of names that the configuration has told (LabelNames), so that no client can
// make series. A number here never falls, whatever a reload brings, but for those that say how many
// there are just now.
//
// Owns      the counters and the tables of series.
// Affinity  counted by one shard; read by any thread, at any time, without a lock.
// Limits    kRequestSeriesMax and kAccountSeriesMax; beyond them accounts and models are counted
//           together, as "other".
// Size      17 KiB, the tables' indexes (192 KiB) and 16 bytes for each series.
// Cost      bench/metrics_bench.
class ShardMetrics {
 public:
  // 1,000 accounts with ten models each and three statuses; as many events of 1,000 accounts.
  static constexpr std::size_t kRequestSeriesMax = 32'768;
  static constexpr std::size_t kAccountSeriesMax = 16'384;
  // Of these, for what is counted together: one for each status and pool, or outcome, is plenty.
  static constexpr std::size_t kOtherSeries = 2'048;

  ShardMetrics() : ShardMetrics(kRequestSeriesMax, kAccountSeriesMax, kOtherSeries) {}
  ShardMetrics(std::size_t request_series_max, std::size_t account_series_max,
               std::size_t other_series)
      : requests_by_(request_series_max),
        by_account_(account_series_max),
        other_series_(other_series) {}

  void count_request(const RequestLabels& labels) noexcept;
  void count_account(const AccountLabels& labels) noexcept;
  void count_usage(const Usage& usage, std::uint64_t nano_dollars) noexcept;

  [[nodiscard]] std::span<const SeriesTable::Series> request_series() const noexcept {
    return requests_by_.series();
  }
  [[nodiscard]] std::span<const SeriesTable::Series> account_series() const noexcept {
    return by_account_.series();
  }

  // Of requests.
  OwnedCount requests;   // begun, whatever they asked for
  OwnedCount in_flight;  // of these, just now
  OwnedCount attempts;   // begun: accounts that were asked
  StepsBeside<kOverheadBoundaries> overhead;
  StepsBeside<kDurationBoundaries> duration;
  DurationHistogram upstream;
  StepsBeside<kFirstTokenBoundaries> first_token;
  std::array<OwnedCount, kTokenKinds> tokens{};
  OwnedCount nano_dollars;
  std::array<QueueWaitHistogram, kPriorities> queue_wait{};
  // Of connections.
  OwnedCount connections_open;
  OwnedCount connections_accepted;
  OwnedCount connections_refused;  // of these, because there were too many
  OwnedCount body_memory;  // bytes of request bodies, just now (ProxySettings::body_memory_max)
  // Of what is seldom.
  OwnedCount hedges;            // second accounts that were asked because the first was slow
  OwnedCount retries_denied;    // the budget was empty: the failure went to the client
  OwnedCount journal_refusals;  // requests that could not be recorded, and were not sent
  OwnedCount unpriced;          // answers with tokens whose price nobody knows
  OwnedCount series_lost;       // requests or events for which not even "other" had a place

 private:
  SeriesTable requests_by_;
  SeriesTable by_account_;
  std::size_t other_series_;
};

// ShardFigures - what one shard has counted, for whoever reads it.
struct ShardFigures {
  const ShardMetrics* metrics = nullptr;
  const LadderCounters* ladder = nullptr;
};

}  // namespace sluice
