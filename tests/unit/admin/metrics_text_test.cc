#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "admin/account_condition.h"
#include "admin/traffic_totals.h"
#include "tests/unit/admin/metrics_fixture.h"

namespace sluice {
namespace {

constexpr std::string_view kGptOk =
    R"(sluice_requests_total{model="gpt",account="team-a",pool="primary",code="200"})";

TEST(MetricsText, ShardsAreAddedUp) {
  MetricsSample sample;
  sample.served(0, 0, 200);
  sample.served(1, 0, 200);
  sample.served(1, 1, 502);
  sample.shard(0).overhead.add(12us);
  sample.shard(1).overhead.add(60us);
  sample.shard(0).queue_wait[0].add(2s);
  ++sample.shard(0).in_flight;
  ++sample.shard(1).in_flight;
  ++sample.ladder(1).emergency;
  sample.view.queue_depth = {1, 0, 5, 0};
  const std::string text = sample.text();
  EXPECT_EQ(value_of(text, kGptOk), "2");
  EXPECT_EQ(
      value_of(text,
               R"(sluice_requests_total{model="gpt",account="team-b",pool="fallback",code="502"})"),
      "1");
  EXPECT_EQ(value_of(text, R"(sluice_overhead_seconds_bucket{le="1.5e-05"})"), "1");
  EXPECT_EQ(value_of(text, R"(sluice_overhead_seconds_bucket{le="+Inf"})"), "2");
  EXPECT_EQ(value_of(text, "sluice_overhead_seconds_sum"), "0.000072");
  EXPECT_EQ(value_of(text, "sluice_overhead_seconds_count"), "2");
  EXPECT_EQ(value_of(text, R"(sluice_queue_wait_seconds_sum{priority="urgent"})"), "2");
  EXPECT_EQ(value_of(text, R"(sluice_queue_depth{priority="normal"})"), "5");
  EXPECT_EQ(value_of(text, "sluice_inflight_requests"), "2");
  EXPECT_EQ(value_of(text, "sluice_emergency_total"), "1");
  EXPECT_EQ(value_of(text, "sidecar_requests_total"), "3");
  EXPECT_EQ(value_of(text, "sidecar_errors_total"), "1");
  EXPECT_EQ(value_of(text, "sidecar_uptime_seconds"), "90");
  EXPECT_EQ(value_of(text, R"(sluice_build_info{version="1.2.3"})"), "1");
}

TEST(MetricsText, MoneyIsExact) {  // INVARIANTS L2
  MetricsSample sample;
  sample.shard(0).count_usage({.prompt = 1000, .completion = 20, .total = 1020}, 123'456'789'012);
  sample.shard(1).count_usage({.prompt = 1}, 1);
  const std::string text = sample.text();
  EXPECT_EQ(value_of(text, "sluice_cost_usd_total"), "123.456789013");
  EXPECT_EQ(value_of(text, "sidecar_cost_total"), "123.456789013");
  EXPECT_EQ(value_of(text, R"(sluice_tokens_total{type="prompt"})"), "1001");
  EXPECT_EQ(value_of(text, "sidecar_tokens_total"), "1021");
}

TEST(MetricsText, AnAccountIsInOneState) {
  MetricsSample sample;
  sample.publish({{.name = "fine", .rpm_limit = 30},
                  {.name = "cools"},
                  {.name = "refused"},
                  {.name = "off", .enabled = false},
                  {.name = "broken"}});
  const Instant now = sample.view.now;
  static_cast<void>(sample.account(1).state->cooldown().rate_limited(now, {}, CooldownPolicy{}));
  sample.account(2).state->reject(sample.account(2).generation);
  for (int i = 0; i < 5; ++i) {
    const BreakerEntry entry = sample.account(4).state->breaker().enter(now);
    static_cast<void>(sample.account(4).state->breaker().failed(entry, now, BreakerPolicy{}));
  }
  const std::string text = sample.text();
  const std::map<std::string, std::string> expected = {{"fine", "healthy"},
                                                       {"cools", "cooling"},
                                                       {"refused", "error"},
                                                       {"off", "disabled"},
                                                       {"broken", "failing"}};
  for (const auto& [account, state] : expected) {
    SCOPED_TRACE(account);
    for (const std::string_view other : kAccountConditionNames) {
      const std::string name =
          "sluice_account_state{account=\"" + account + "\",state=\"" + std::string(other) + "\"}";
      EXPECT_EQ(value_of(text, name), other == state ? "1" : "0");
    }
  }
  EXPECT_EQ(value_of(text, R"(sluice_account_permits_available{account="fine"})"), "30");
  EXPECT_EQ(value_of(text, R"(sluice_account_rpm_effective{account="fine"})"), "30");
  EXPECT_EQ(value_of(text, R"(sluice_retreat_state{account="fine"})"), "0");
  EXPECT_EQ(value_of(text, R"(sidecar_pool_providers{pool="primary",type="total"})"), "5");
  EXPECT_EQ(value_of(text, R"(sidecar_pool_providers{pool="primary",type="enabled"})"), "4");
  EXPECT_EQ(value_of(text, R"(sidecar_pool_providers{pool="primary",type="error"})"), "2");
  EXPECT_EQ(value_of(text, "sidecar_cooldown_active"), "1");
  EXPECT_EQ(value_of(text, "sidecar_health_status"), "1");
}

TEST(MetricsText, AnAccountWhoseKeyDoesNotOpenIsInError) {
  MetricsSample sample;
  Directory directory = test::make_directory({{.name = "fine"}});
  directory.unopened.push_back({.name = "damaged", .why = "its bytes were changed"});
  directory.unopened.push_back({.name = "off", .why = "likewise", .enabled = false});
  sample.view.directory = &directory;
  const std::string text = sample.text();
  EXPECT_EQ(value_of(text, R"(sluice_account_state{account="damaged",state="error"})"), "1");
  EXPECT_EQ(value_of(text, R"(sluice_account_state{account="damaged",state="healthy"})"), "0");
  EXPECT_EQ(value_of(text, R"(sluice_account_permits_available{account="damaged"})"), "");
  EXPECT_EQ(value_of(text, R"(sidecar_pool_providers{pool="primary",type="total"})"), "3");
  EXPECT_EQ(value_of(text, R"(sidecar_pool_providers{pool="primary",type="enabled"})"), "2");
  EXPECT_EQ(value_of(text, R"(sidecar_pool_providers{pool="primary",type="healthy"})"), "1");
  EXPECT_EQ(value_of(text, R"(sidecar_pool_providers{pool="primary",type="error"})"), "1");
  EXPECT_EQ(value_of(text, R"(sidecar_pool_providers{pool="fallback",type="total"})"), "0");
}

TEST(MetricsText, AReloadTakesNoCounterBack) {
  MetricsSample sample;
  sample.served(0, 0, 200);
  sample.shard(0).count_account(
      {.account = sample.account(0).label, .outcome = TryOutcome::kRateLimited, .status = 429});
  constexpr std::string_view kLimited =
      R"(sluice_attempts_total{account="team-a",outcome="rate_limited"})";
  sample.publish({{.name = "team-c", .models = {{"gpt", "vendor/gpt"}}}});
  sample.served(1, 0, 200);
  const std::string away = sample.text();
  EXPECT_EQ(value_of(away, kGptOk), "1");
  EXPECT_EQ(value_of(away, kLimited), "1");
  EXPECT_EQ(value_of(away, R"(sluice_account_permits_available{account="team-a"})"), "");
  sample.publish({{.name = "team-a", .models = {{"gpt", "vendor/gpt"}}}});
  sample.served(1, 0, 200);
  EXPECT_EQ(value_of(sample.text(), kGptOk), "2");
}

TEST(MetricsText, AViewOlderThanAShardLeavesOutWhatItCannotName) {
  MetricsSample sample;
  const Directory* const before = &sample.directory();
  sample.publish({{.name = "new", .models = {{"gpt", "vendor/gpt"}}}});
  sample.served(0, 0, 200);
  sample.view.directory = before;
  EXPECT_EQ(sample.text().find("\nsluice_requests_total"), std::string::npos);
  EXPECT_NE(sample.text().find("account=\"new\""), std::string::npos);
}

TEST(MetricsText, StatusesOfOneOutcomeAreOneSeriesAndThePredecessorsAreByStatus) {
  MetricsSample sample;
  const Label a = sample.account(0).label;
  for (const std::uint16_t status : {std::uint16_t{500}, std::uint16_t{503}, std::uint16_t{503}}) {
    sample.shard(status == 500)
        .count_account({.account = a, .outcome = TryOutcome::kServerError, .status = status});
  }
  sample.shard(0).count_account({.account = a, .outcome = TryOutcome::kServed});
  sample.shard(0).count_account({.account = a, .outcome = TryOutcome::kTimedOut});
  sample.shard(0).count_account({.account = a, .outcome = TryOutcome::kConnectFailed});
  sample.shard(0).count_account({.account = a, .event = AccountEvent::kCooldown});
  sample.shard(1).count_account({.account = a, .event = AccountEvent::kCooldown});
  sample.shard(1).count_account({.account = a, .event = AccountEvent::kBreakerOpened});
  const std::string text = sample.text();
  const auto attempts = [&text](const std::string& outcome) {
    return value_of(text, "sluice_attempts_total{account=\"team-a\",outcome=\"" + outcome + "\"}");
  };
  EXPECT_EQ(attempts("server_error"), "3");
  EXPECT_EQ(attempts("served"), "1");
  EXPECT_EQ(attempts("timed_out"), "1");
  const auto errors = [&text](const std::string& status) {
    return value_of(
        text, "sidecar_upstream_errors_total{status_code=\"" + status + "\",provider=\"team-a\"}");
  };
  EXPECT_EQ(errors("500"), "1");
  EXPECT_EQ(errors("503"), "2");
  EXPECT_EQ(errors("0"), "2");
  EXPECT_EQ(value_of(text, R"(sluice_cooldowns_total{account="team-a"})"), "2");
  EXPECT_EQ(value_of(text, R"(sluice_breaker_opened_total{account="team-a"})"), "1");
}

TEST(MetricsText, StoreAndProcessAreToldWhereThereAreThese) {
  MetricsSample sample;
  EXPECT_EQ(sample.text().find("sluice_store"), std::string::npos);
  EXPECT_EQ(sample.text().find("process_"), std::string::npos);
  sample.view.store = StoreNumbers{.journal_records = 12,
                                   .failing = true,
                                   .database_bytes = 80,
                                   .database_bytes_max = 100,
                                   .since_sync = 1500ms,
                                   .backup_unix_ms = 1'700'000'000'250};
  sample.view.process = ProcessFigures{
      .cpu_ticks = 250, .start_ticks = 150, .boot_unix_s = 1'000, .resident_bytes = 4096};
  const std::string text = sample.text();
  EXPECT_EQ(value_of(text, "sluice_usage_journal_records"), "12");
  EXPECT_EQ(value_of(text, "sluice_store_failing"), "1");
  EXPECT_EQ(value_of(text, "sluice_store_unsynced_seconds"), "1.5");
  EXPECT_EQ(value_of(text, "sluice_store_last_backup_timestamp_seconds"), "1700000000.25");
  EXPECT_EQ(value_of(text, "process_cpu_seconds_total"), "2.5");
  EXPECT_EQ(value_of(text, "process_start_time_seconds"), "1001.5");
}

TEST(MetricsText, EveryFamilyIsOneBlockAndNoSampleComesTwice) {
  MetricsSample sample;
  sample.served(0, 0, 200);
  sample.served(1, 0, 200);
  sample.view.store = StoreNumbers{};
  sample.view.process = ProcessFigures{};
  for (const MetricsFormat format : {MetricsFormat::kText, MetricsFormat::kOpenMetrics}) {
    std::istringstream text(sample.text(format));
    std::set<std::string> families;
    std::set<std::string> samples;
    std::string family;
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with("# TYPE ")) {
        family = line.substr(7, line.find(' ', 7) - 7);
        EXPECT_TRUE(families.insert(family).second) << line;
      } else if (!line.starts_with("#")) {
        EXPECT_TRUE(line.starts_with(family)) << line;
        EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << line;
      }
    }
    EXPECT_GT(families.size(), 60u);
  }
}

TEST(MetricsText, TheFormatIsTheClientsChoice) {
  EXPECT_EQ(choose_metrics_format(""), MetricsFormat::kText);
  EXPECT_EQ(choose_metrics_format("*/*"), MetricsFormat::kText);
  EXPECT_EQ(choose_metrics_format("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
            MetricsFormat::kOpenMetrics);
  EXPECT_NE(metrics_content_type(MetricsFormat::kText),
            metrics_content_type(MetricsFormat::kOpenMetrics));
}

TEST(TrafficTotals, AreOfAllShards) {
  MetricsSample sample;
  ++sample.shard(0).in_flight;
  sample.shard(0).requests += 5;
  sample.shard(1).requests += 2;
  for (int i = 0; i < 100; ++i) sample.shard(1).overhead.add(40us);
  sample.shard(1).tokens[1] += 9;
  sample.shard(1).queue_wait[2].add(3s);
  ++sample.ladder(0).fallback;
  const TrafficTotals all = add_up(sample.figures());
  EXPECT_EQ(all.requests, 7u);
  EXPECT_EQ(all.tokens[1], 9u);
  EXPECT_EQ(all.fallback, 1u);
  EXPECT_EQ(all.in_flight, 1u);
  EXPECT_EQ(all.overhead.count(), 100u);
  EXPECT_EQ(all.queue_wait[2].count(), 1u);
}

TEST(MetricsText, IsWrittenWhileShardsCount) {
  constexpr int kTimes = 3'000;
  MetricsSample sample;
  std::atomic<bool> over{false};
  std::thread counting([&] {
    for (int i = 0; i < kTimes; ++i) {
      sample.served(0, 0, static_cast<std::uint16_t>(200 + i % 300));
      sample.shard(0).duration.add(Duration(i * 1000));
      ++sample.shard(0).requests;
    }
    over.store(true, std::memory_order_release);
  });
  std::uint64_t last = 0;
  do {
    const std::uint64_t now = std::stoull("0" + value_of(sample.text(), kGptOk));
    EXPECT_GE(now, last);
    last = now;
  } while (!over.load(std::memory_order_acquire));
  counting.join();
  EXPECT_EQ(value_of(sample.text(), kGptOk), std::to_string(kTimes / 300));
}

}  // namespace
}  // namespace sluice
