#include "admin/live/traffic_window.h"

#include <chrono>

namespace sluice {
namespace {

constexpr Duration kRateSpanMin = 500ms;  // half of what is between two looks

TrafficPoint::Percentiles percentiles(const SharedStepHistogram::Counts& counts,
                                      double units_per_ns) {
  if (counts.count() == 0) return {};
  const auto at = [&counts, units_per_ns](double share) {
    return static_cast<double>(counts.quantile(share).count()) * units_per_ns;
  };
  return {.p50 = at(0.5), .p99 = at(0.99)};
}

// Of the requests that were for providers.
void count_requests(std::span<const ShardFigures> shards, std::uint64_t& all,
                    std::uint64_t& errors) {
  constexpr std::uint16_t kTooMany = 429;
  for (const ShardFigures& shard : shards) {
    for (const SeriesTable::Series& series : shard.metrics->request_series()) {
      const RequestLabels labels = RequestLabels::of(series.key);
      if (labels.model == LabelNames::kNone) continue;
      all += series.count;
      if (labels.code == 0 || labels.code >= 500 || labels.code == kTooMany) errors += series.count;
    }
  }
}

}  // namespace

TrafficPoint TrafficWindow::take(std::span<const ShardFigures> shards, std::uint64_t waiting,
                                 Instant now) {
  Reading reading;
  reading.at = now;
  reading.totals = add_up(shards);
  count_requests(shards, reading.requests, reading.errors);
  for (const ShardFigures& shard : shards) {
    reading.overhead += shard.metrics->overhead.steps().read();
    reading.first_token += shard.metrics->first_token.steps().read();
    reading.duration += shard.metrics->duration.steps().read();
  }
  TrafficPoint point;
  point.requests_total = reading.requests;
  point.errors_total = reading.errors;
  point.in_flight = reading.totals.in_flight;
  point.waiting = waiting;
  if (!readings_.empty() && now > readings_.back().at) {
    // A look between two seconds takes the one before, so that a moment is not made a second of.
    const std::size_t back = readings_.size() > 1 && now - readings_.back().at < kRateSpanMin;
    const Reading& last = readings_[readings_.size() - 1 - back];
    const double passed = std::chrono::duration<double>(now - last.at).count();
    const auto per_second = [passed](std::uint64_t now_count, std::uint64_t before) {
      return static_cast<double>(now_count - before) / passed;
    };
    constexpr auto kPrompt = static_cast<std::size_t>(TokenKind::kPrompt);
    constexpr auto kCompletion = static_cast<std::size_t>(TokenKind::kCompletion);
    point.requests = per_second(reading.requests, last.requests);
    point.errors = per_second(reading.errors, last.errors);
    point.prompt_tokens = per_second(reading.totals.tokens[kPrompt], last.totals.tokens[kPrompt]);
    point.completion_tokens =
        per_second(reading.totals.tokens[kCompletion], last.totals.tokens[kCompletion]);
    const Reading& first = readings_.front();
    point.count = reading.requests - first.requests;
    point.overhead_us = percentiles(reading.overhead.since(first.overhead), 1e-3);
    point.first_token_ms = percentiles(reading.first_token.since(first.first_token), 1e-6);
    point.duration_ms = percentiles(reading.duration.since(first.duration), 1e-6);
  }
  readings_.push_back(std::move(reading));
  if (readings_.size() > kSeconds + 1) readings_.pop_front();
  return point;
}

}  // namespace sluice
