#include <algorithm>

#include "admin/metrics_scrape.h"

namespace sluice {
namespace {

using enum MetricType;

std::uint64_t per_minute(const Account& account, std::uint32_t limit) {
  constexpr std::uint64_t kBillion = 1'000'000'000;
  const auto window_ns = static_cast<std::uint64_t>(account.window.count());
  if (window_ns == 0) return 0;
  const auto minute_ns = static_cast<std::uint64_t>(Duration(1min).count());
  const auto exact = static_cast<unsigned __int128>(limit) * kBillion * minute_ns / window_ns;
  return static_cast<std::uint64_t>(exact);
}

void write_requests(const MetricsScrape& scrape, MetricsWriter& writer) {
  writer.family({.name = "sluice_requests",
                 .type = kCounter,
                 .help = "Requests that are over, by what was answered. Without a model: answered "
                         "by the gateway before one was sought. Code 0: nobody was answered, 499: "
                         "the client left before."});
  std::string labels;
  for (const LabelledCount& series : scrape.requests) {
    const RequestLabels of = RequestLabels::of(series.key);
    if (!scrape.knows(of.model) || !scrape.knows(of.account)) continue;
    constexpr std::string_view kPools[] = {"", "primary", "fallback"};
    labels.clear();
    scrape.append(labels, "model", of.model);
    scrape.append(labels, "account", of.account);
    append_label(labels, "pool", kPools[static_cast<std::size_t>(of.pool)]);
    append_label(labels, "code", std::to_string(of.code));
    writer.sample(labels, series.count);
  }
}

template <const auto& kBoundaries>
void write_histogram(MetricsWriter& writer, std::string_view name, std::string_view help,
                     const HistogramCounts<kBoundaries>& counts) {
  writer.family({.name = name, .type = kHistogram, .help = help, .unit = "seconds"});
  writer.histogram({}, counts);
}

void write_times(const TrafficTotals& totals, MetricsWriter& writer) {
  write_histogram(writer, "sluice_request_duration_seconds",
                  "From the first byte of a request to the last of its answer; requests that were "
                  "for a provider.",
                  totals.duration);
  write_histogram(writer, "sluice_overhead_seconds",
                  "What the gateway has added: from the whole request to the answer's head, "
                  "without the wait for a permit and for providers.",
                  totals.overhead);
  write_histogram(writer, "sluice_upstream_duration_seconds",
                  "How long a request waited for providers, until the head of the answer that was "
                  "relayed, all attempts together.",
                  totals.upstream);
  write_histogram(writer, "sluice_time_to_first_token_seconds",
                  "From the first byte of a request to the first token of a streamed answer.",
                  totals.first_token);
}

void write_queue(const MetricsScrape& scrape, MetricsWriter& writer) {
  std::array<std::string, kPriorities> labels;
  for (std::size_t i = 0; i < kPriorities; ++i)
    append_label(labels[i], "priority", kPriorityNames[i]);
  writer.family({.name = "sluice_queue_wait_seconds",
                 .type = kHistogram,
                 .help = "How long requests waited for a permit; those that had to wait.",
                 .unit = "seconds"});
  for (std::size_t i = 0; i < kPriorities; ++i)
    writer.histogram(labels[i], scrape.totals.queue_wait[i]);
  writer.family({.name = "sluice_queue_depth", .help = "Requests that wait for a permit."});
  for (std::size_t i = 0; i < kPriorities; ++i)
    writer.sample(labels[i], scrape.view.queue_depth[i]);
  writer.one({.name = "sluice_queue_capacity", .help = "How many requests may wait at once."},
             scrape.view.directory->routing.queue.capacity);
  writer.one({.name = "sluice_queue_full",
              .type = kCounter,
              .help = "Requests for which the queue had no place, or that lost it to a more urgent "
                      "one."},
             scrape.totals.queue_full);
}

void write_usage(const TrafficTotals& totals, MetricsWriter& writer) {
  writer.family({.name = "sluice_tokens",
                 .type = kCounter,
                 .help = "Tokens of relayed answers. Cached ones are among the prompt's, reasoning "
                         "ones among the completion's."});
  for (std::size_t i = 0; i < kTokenKinds; ++i) {
    std::string labels;
    append_label(labels, "type", kTokenKindNames[i]);
    writer.sample(labels, totals.tokens[i]);
  }
  writer.family({.name = "sluice_cost_usd",
                 .type = kCounter,
                 .help = "What relayed answers cost, in US dollars, as far as their prices are "
                         "known.",
                 .unit = "usd"});
  writer.fraction({}, totals.nano_dollars);
  writer.one({.name = "sluice_unpriced_answers",
              .type = kCounter,
              .help = "Relayed answers with tokens whose price nobody has told."},
             totals.unpriced);
}

// Numbers of the whole gateway without labels.
void write_counts(const TrafficTotals& totals, MetricsWriter& writer) {
  writer.one({.name = "sluice_inflight_requests", .help = "Requests that are not over."},
             totals.in_flight);
  writer.one({.name = "sluice_connections", .help = "Connections of clients that are open."},
             totals.connections_open);
  writer.one({.name = "sluice_request_body_memory_bytes",
              .help = "Memory of request bodies that did not come with their heads.",
              .unit = "bytes"},
             totals.body_memory);
  const struct {
    std::string_view name, help;
    std::uint64_t value;
  } kCounts[] = {
      {"sluice_connections_accepted", "Connections that clients have opened.",
       totals.connections_accepted},
      {"sluice_connections_refused", "Connections that were closed at once: there were too many.",
       totals.connections_refused},
      {"sluice_hedges", "Second accounts that were asked because the first was slow.",
       totals.hedges},
      {"sluice_retries_denied",
       "Failures that went to the client because the retry budget was "
       "spent.",
       totals.retries_denied},
      {"sluice_fallback", "Requests that were sent to the fallback pool.", totals.fallback},
      {"sluice_emergency", "Requests that were sent through the emergency channel.",
       totals.emergency},
      {"sluice_primary_wait_enter",
       "Waits for the first primary account to recover, all of them "
       "cooling.",
       totals.primary_wait_enter},
      {"sluice_primary_wait_recovery", "Of these waits, those that ended with a permit.",
       totals.primary_wait_recovery},
      {"sluice_primary_wait_exhausted", "Times that no primary account could recover in time.",
       totals.primary_wait_exhausted},
      {"sluice_usage_journal_refusals",
       "Requests that were not sent, or not recorded, because the "
       "usage journal had no room.",
       totals.journal_refusals},
      {"sluice_metrics_series_lost", "Events that are in no series: there were too many series.",
       totals.series_lost},
  };
  for (const auto& [name, help, value] : kCounts)
    writer.one({.name = name, .type = kCounter, .help = help}, value);
}

void write_store(const StoreNumbers& store, MetricsWriter& writer) {
  writer.one({.name = "sluice_usage_journal_records",
              .help = "Usage records that are written and not in the database yet."},
             store.journal_records);
  writer.one({.name = "sluice_store_records_booked",
              .type = kCounter,
              .help = "Usage records that were taken into the database."},
             store.records_booked);
  const struct {
    std::string_view name, help, unit;
    std::uint64_t value;
  } kGauges[] = {
      {"sluice_store_journal_file_bytes", "Size of all usage journals on the disk.", "bytes",
       store.journal_file_bytes},
      {"sluice_store_journal_memory_bytes",
       "Usage records that are kept in memory because the disk takes none.", "bytes",
       store.journal_memory_bytes},
      {"sluice_store_journal_failing", "1 while the disk refuses what the usage journals need.", "",
       store.journal_failing},
      {"sluice_store_failing", "1 while the database does not take what it should.", "",
       store.failing},
      {"sluice_store_database_bytes", "Used of the database.", "bytes", store.database_bytes},
      {"sluice_store_database_max_bytes", "How large the database may become.", "bytes",
       store.database_bytes_max},
      {"sluice_store_backup_failed", "1 when the last try to make a backup has failed.", "",
       store.backup_failed},
  };
  for (const auto& [name, help, unit, value] : kGauges)
    writer.one({.name = name, .help = help, .unit = unit}, value);
  writer.family({.name = "sluice_store_unsynced_seconds",
                 .help = "Since when commits may not be on the disk.",
                 .unit = "seconds"});
  writer.seconds({}, store.since_sync);
  if (!store.backup_unix_ms) return;
  writer.family({.name = "sluice_store_last_backup_timestamp_seconds",
                 .help = "When the last backup was made.",
                 .unit = "seconds"});
  writer.seconds({}, std::chrono::milliseconds(*store.backup_unix_ms));
}

void write_process(const ProcessFigures& process, MetricsWriter& writer) {
  constexpr std::uint64_t kBillion = 1'000'000'000;
  const std::uint64_t rate = std::max<std::uint64_t>(process.ticks_per_second, 1);
  const auto billionths = [rate](std::uint64_t ticks) {
    return ticks / rate * kBillion + ticks % rate * kBillion / rate;
  };
  writer.family({.name = "process_cpu_seconds",
                 .type = kCounter,
                 .help = "Total user and system CPU time spent in seconds.",
                 .unit = "seconds"});
  writer.fraction({}, billionths(process.cpu_ticks));
  writer.family({.name = "process_start_time_seconds",
                 .help = "Start time of the process since unix epoch in seconds.",
                 .unit = "seconds"});
  writer.fraction({}, process.boot_unix_s * kBillion + billionths(process.start_ticks));
  const auto bytes = [&writer](std::string_view name, std::string_view help, std::uint64_t value) {
    writer.one({.name = name, .help = help, .unit = "bytes"}, value);
  };
  bytes("process_virtual_memory_bytes", "Virtual memory size in bytes.", process.virtual_bytes);
  if (process.virtual_bytes_max != 0) {
    bytes("process_virtual_memory_max_bytes",
          "Maximum amount of virtual memory available in bytes.", process.virtual_bytes_max);
  }
  bytes("process_resident_memory_bytes", "Resident memory size in bytes.", process.resident_bytes);
  writer.one({.name = "process_open_fds", .help = "Number of open file descriptors."},
             process.open_fds);
  writer.one({.name = "process_max_fds", .help = "Maximum number of open file descriptors."},
             process.fds_max);
  writer.one({.name = "process_threads", .help = "Number of threads."}, process.threads);
}

void write_build(const MetricsView& view, MetricsWriter& writer) {
  std::string labels;
  append_label(labels, "version", view.version);
  writer.family({.name = "sluice_build_info", .help = "Always 1; which version runs."});
  writer.sample(labels, 1);
}

}  // namespace

MetricsScrape::MetricsScrape(const MetricsView& what)
    : view(what),
      totals(add_up(what.shards)),
      requests(add_up_requests(what.shards)),
      account_events(add_up_account_events(what.shards)) {
  accounts.reserve(view.directory->accounts.size());
  for (const auto& account : view.directory->accounts) {
    AccountState& state = *account->state;
    OfAccount& of = accounts.emplace_back();
    append_label(of.labels, "account", account->name);
    of.condition = condition_of(*account, view.now);
    of.pool = account->pool;
    of.permits = state.available(view.now);
    of.rpm_effective_billionths = per_minute(*account, state.limit());
    of.in_flight = state.in_flight();
    of.effective = &state.effective();
  }
}

MetricsFormat choose_metrics_format(std::string_view accept) noexcept {
  return accept.find("application/openmetrics-text") != std::string_view::npos
             ? MetricsFormat::kOpenMetrics
             : MetricsFormat::kText;
}

std::string_view metrics_content_type(MetricsFormat format) noexcept {
  return format == MetricsFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

void write_metrics(const MetricsView& view, MetricsFormat format, std::string& out) {
  const MetricsScrape scrape(view);
  MetricsWriter writer(format, out);
  write_build(view, writer);
  write_requests(scrape, writer);
  write_times(scrape.totals, writer);
  write_queue(scrape, writer);
  write_usage(scrape.totals, writer);
  write_counts(scrape.totals, writer);
  write_account_metrics(scrape, writer);
  if (view.store) write_store(*view.store, writer);
  if (view.process) write_process(*view.process, writer);
  write_predecessor_metrics(scrape, writer);
  writer.end();
}

}  // namespace sluice
