#include <algorithm>

#include "admin/metrics_scrape.h"

namespace sluice {
namespace {

using enum MetricType;
using OfAccount = MetricsScrape::OfAccount;

// Sums over the enabled accounts, which were all there was of the predecessor's single limiter.
struct Limiter {
  std::uint64_t permits = 0;
  std::uint64_t rpm_billionths = 0;
  std::uint64_t retreat = 0;           // the furthest of any account
  std::uint64_t rate_limited_ppm = 0;  // likewise
  std::uint64_t cooling = 0;
  bool usable = false;
};

Limiter limiter_of(const MetricsScrape& scrape) {
  Limiter sum;
  for (const OfAccount& account : scrape.accounts) {
    if (account.condition == AccountCondition::kDisabled) continue;
    if (account.condition == AccountCondition::kHealthy) sum.permits += account.permits;
    sum.rpm_billionths += account.rpm_effective_billionths;
    sum.retreat = std::max(sum.retreat, static_cast<std::uint64_t>(account.effective->state()));
    sum.rate_limited_ppm = std::max(sum.rate_limited_ppm, account.effective->rate_limited_ppm());
    sum.cooling += account.condition == AccountCondition::kCooling;
    // One that cools comes back by itself.
    sum.usable = sum.usable || account.condition == AccountCondition::kHealthy ||
                 account.condition == AccountCondition::kCooling;
  }
  return sum;
}

void write_pools(const MetricsScrape& scrape, MetricsWriter& writer) {
  writer.family({.name = "sidecar_pool_providers", .help = "Accounts of a pool, by state."});
  using enum AccountCondition;
  for (const Pool pool : {Pool::kPrimary, Pool::kFallback}) {
    const auto count = [&scrape, pool](auto is) {
      const auto open =
          std::ranges::count_if(scrape.accounts, [pool, is](const OfAccount& account) {
            return account.pool == pool && is(account.condition);
          });
      // Those whose key does not open, as sluice_account_state has them.
      const auto unopened = std::ranges::count_if(
          scrape.view.directory->unopened, [pool, is](const UnopenedAccount& account) {
            return account.pool == pool && is(account.enabled ? kError : kDisabled);
          });
      return static_cast<std::uint64_t>(open + unopened);
    };
    const auto write = [&writer, pool](std::string_view type, std::uint64_t value) {
      std::string labels;
      append_label(labels, "pool", pool_text(pool));
      append_label(labels, "type", type);
      writer.sample(labels, value);
    };
    write("total", count([](AccountCondition) { return true; }));
    write("enabled", count([](AccountCondition is) { return is != kDisabled; }));
    write("healthy", count([](AccountCondition is) { return is == kHealthy; }));
    write("cooling", count([](AccountCondition is) { return is == kCooling; }));
    // Its health check called both an error.
    write("error", count([](AccountCondition is) { return is == kError || is == kFailing; }));
  }
}

void write_totals(const MetricsScrape& scrape, MetricsWriter& writer) {
  const TrafficTotals& totals = scrape.totals;
  const RequestTotals requests = request_totals(scrape.requests);
  const struct {
    std::string_view name, help;
    std::uint64_t value;
  } kCounters[] = {
      {"sidecar_requests", "Requests for providers that are over.", requests.forwarded},
      {"sidecar_errors", "Of these, those that ended with 5xx or without an answer.",
       requests.errors},
      {"sidecar_tokens", "Tokens, prompt and completion.", totals.tokens[0] + totals.tokens[1]},
      {"sidecar_primary_wait_enter", "As sluice_primary_wait_enter_total.",
       totals.primary_wait_enter},
      {"sidecar_primary_wait_recovery", "As sluice_primary_wait_recovery_total.",
       totals.primary_wait_recovery},
      {"sidecar_primary_wait_exhausted", "As sluice_primary_wait_exhausted_total.",
       totals.primary_wait_exhausted},
      {"sidecar_fallback_passthrough", "Requests that went on though the queue was full.",
       totals.passthrough},
  };
  for (const auto& [name, help, value] : kCounters)
    writer.one({.name = name, .type = kCounter, .help = help}, value);
  writer.family({.name = "sidecar_cost", .type = kCounter, .help = "As sluice_cost_usd_total."});
  writer.fraction({}, totals.nano_dollars);
  // A gauge by nature and a name that only histograms may have: of no type, which nobody minds.
  writer.one(
      {.name = "sidecar_emergency_count", .type = kUnknown, .help = "As sluice_emergency_total."},
      totals.emergency);
}

void write_limiter(const MetricsScrape& scrape, MetricsWriter& writer) {
  const Limiter limiter = limiter_of(scrape);
  constexpr std::uint64_t kPerMillionth = 1000;  // billionths
  writer.one({.name = "sidecar_cooldown_active", .help = "Accounts that are cooling."},
             limiter.cooling);
  writer.one({.name = "sidecar_tokens_available",
              .help = "Permits that all accounts would grant "
                      "now."},
             limiter.permits);
  writer.family({.name = "sidecar_tokens_rate", .help = "Permits per second of all accounts."});
  writer.fraction({}, limiter.rpm_billionths / 60);
  writer.family({.name = "sidecar_effective_rate_rpm",
                 .help = "Requests per minute that are used of all limits now."});
  writer.fraction({}, limiter.rpm_billionths);
  writer.one({.name = "sidecar_retreat_state",
              .help = "The furthest of all accounts; 0: normal, 1: retreat, 2: recover."},
             limiter.retreat);
  writer.family({.name = "sidecar_upstream_429_rate",
                 .help = "Share of 429s in the last minute, of the account where it is highest."});
  writer.fraction({}, limiter.rate_limited_ppm * kPerMillionth);
  writer.one({.name = "sidecar_health_status", .help = "1 while some account is usable."},
             limiter.usable);
}

void write_queue_and_provider(const MetricsScrape& scrape, MetricsWriter& writer) {
  std::array<std::string, kPriorities> labels;
  for (std::size_t i = 0; i < kPriorities; ++i)
    append_label(labels[i], "priority", kPriorityNames[i]);
  writer.family({.name = "sidecar_queue_depth", .help = "As sluice_queue_depth."});
  for (std::size_t i = 0; i < kPriorities; ++i)
    writer.sample(labels[i], scrape.view.queue_depth[i]);
  writer.family({.name = "sidecar_queue_latency_seconds",
                 .type = kHistogram,
                 .help = "As sluice_queue_wait_seconds.",
                 .unit = "seconds"});
  for (std::size_t i = 0; i < kPriorities; ++i)
    writer.histogram(labels[i], scrape.totals.queue_wait[i]);
  writer.family({.name = "sidecar_upstream_latency_seconds",
                 .type = kHistogram,
                 .help = "As sluice_upstream_duration_seconds: all accounts together.",
                 .unit = "seconds"});
  std::string all;
  append_label(all, "provider", "all");
  writer.histogram(all, scrape.totals.upstream);
}

void write_upstream_errors(const MetricsScrape& scrape, MetricsWriter& writer) {
  writer.family({.name = "sidecar_upstream_errors",
                 .type = kCounter,
                 .help = "Attempts that failed, by account and status; 0: no answer came."});
  std::vector<LabelledCount> errors;  // whatever their outcome
  for (const LabelledCount& series : scrape.account_events) {
    AccountLabels of = AccountLabels::of(series.key);
    const bool failed = of.outcome != TryOutcome::kServed && of.outcome != TryOutcome::kClientGone;
    if (of.event != AccountEvent::kAttempt || !failed || !scrape.knows(of.account)) continue;
    of.outcome = TryOutcome::kServerError;
    errors.push_back({of.key(), series.count});
  }
  std::string labels;
  for (const LabelledCount& series : merged(std::move(errors))) {
    const AccountLabels of = AccountLabels::of(series.key);
    labels.clear();
    append_label(labels, "status_code", std::to_string(of.status));
    scrape.append(labels, "provider", of.account);
    writer.sample(labels, series.count);
  }
}

}  // namespace

void write_predecessor_metrics(const MetricsScrape& scrape, MetricsWriter& writer) {
  write_pools(scrape, writer);
  write_totals(scrape, writer);
  write_limiter(scrape, writer);
  write_queue_and_provider(scrape, writer);
  write_upstream_errors(scrape, writer);
  if (const auto& store = scrape.view.store) {
    writer.one({.name = "sidecar_db_size_bytes",
                .help = "As sluice_store_database_bytes.",
                .unit = "bytes"},
               store->database_bytes);
    writer.one({.name = "sidecar_wal_size_bytes",
                .help = "As sluice_store_journal_file_bytes.",
                .unit = "bytes"},
               store->journal_file_bytes);
  }
  writer.family({.name = "sidecar_uptime_seconds",
                 .help = "Since the start of the gateway.",
                 .unit = "seconds"});
  writer.seconds({}, scrape.view.uptime);
}

}  // namespace sluice
