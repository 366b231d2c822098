#include "admin/traffic_totals.h"

#include <algorithm>

namespace sluice {
namespace {

// The numbers that only grow, each with what it is in a shard.
template <class Do>
void for_each_total(const Do& with) {
  using T = TrafficTotals;
  using M = ShardMetrics;
  with(&T::requests, &M::requests);
  with(&T::attempts, &M::attempts);
  with(&T::hedges, &M::hedges);
  with(&T::retries_denied, &M::retries_denied);
  with(&T::journal_refusals, &M::journal_refusals);
  with(&T::unpriced, &M::unpriced);
  with(&T::series_lost, &M::series_lost);
  with(&T::connections_accepted, &M::connections_accepted);
  with(&T::connections_refused, &M::connections_refused);
  with(&T::nano_dollars, &M::nano_dollars);
  using L = LadderCounters;
  with(&T::fallback, &L::fallback);
  with(&T::emergency, &L::emergency);
  with(&T::primary_wait_enter, &L::primary_wait_enter);
  with(&T::primary_wait_recovery, &L::primary_wait_recovery);
  with(&T::primary_wait_exhausted, &L::primary_wait_exhausted);
  with(&T::queue_full, &L::queue_full);
  with(&T::passthrough, &L::passthrough);
}

template <class Do>
void for_each_histogram(const Do& with) {
  using T = TrafficTotals;
  using M = ShardMetrics;
  with(&T::overhead, &M::overhead);
  with(&T::duration, &M::duration);
  with(&T::upstream, &M::upstream);
  with(&T::first_token, &M::first_token);
}

// AddUp - one shard's numbers, added to the totals.
struct AddUp {
  TrafficTotals& totals;
  const ShardFigures& shard;

  void operator()(std::uint64_t TrafficTotals::*total, OwnedCount ShardMetrics::*count) const {
    totals.*total += shard.metrics->*count;
  }
  void operator()(std::uint64_t TrafficTotals::*total, OwnedCount LadderCounters::*count) const {
    totals.*total += shard.ladder->*count;
  }
};

}  // namespace

TrafficTotals add_up(std::span<const ShardFigures> shards) noexcept {
  TrafficTotals totals;
  for (const ShardFigures& shard : shards) {
    const ShardMetrics& metrics = *shard.metrics;
    for_each_total(AddUp{totals, shard});
    for_each_histogram([&totals, &metrics](auto total, auto histogram) {
      totals.*total += (metrics.*histogram).read();
    });
    for (std::size_t i = 0; i < kTokenKinds; ++i) totals.tokens[i] += metrics.tokens[i];
    for (std::size_t i = 0; i < kPriorities; ++i)
      totals.queue_wait[i] += metrics.queue_wait[i].read();
    totals.in_flight += metrics.in_flight;
    totals.connections_open += metrics.connections_open;
    totals.body_memory += metrics.body_memory;
  }
  return totals;
}

std::vector<LabelledCount> merged(std::vector<LabelledCount> counts) {
  std::ranges::sort(counts, {}, &LabelledCount::key);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (kept > 0 && counts[kept - 1].key == counts[i].key)
      counts[kept - 1].count += counts[i].count;
    else counts[kept++] = counts[i];
  }
  counts.resize(kept);
  return counts;
}

std::vector<LabelledCount> add_up_requests(std::span<const ShardFigures> shards) {
  std::vector<LabelledCount> counts;
  for (const ShardFigures& shard : shards) {
    for (const SeriesTable::Series& series : shard.metrics->request_series())
      counts.push_back({series.key, series.count});
  }
  return merged(std::move(counts));
}

std::vector<LabelledCount> add_up_account_events(std::span<const ShardFigures> shards) {
  std::vector<LabelledCount> counts;
  for (const ShardFigures& shard : shards) {
    for (const SeriesTable::Series& series : shard.metrics->account_series())
      counts.push_back({series.key, series.count});
  }
  return merged(std::move(counts));
}

RequestTotals request_totals(std::span<const LabelledCount> requests) noexcept {
  RequestTotals totals;
  for (const LabelledCount& series : requests) {
    const RequestLabels labels = RequestLabels::of(series.key);
    if (labels.model == LabelNames::kNone) continue;
    totals.forwarded += series.count;
    if (labels.code == 0 || labels.code >= 500) totals.errors += series.count;
  }
  return totals;
}

}  // namespace sluice
