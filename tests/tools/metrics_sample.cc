// A scrape in which every family of docs/METRICS.md has a sample, for those who check it (promtool,
// metrics_test.py):
//
//   metrics_sample text|openmetrics
#include <cstdio>
#include <string_view>

#include "admin/process_figures.h"
#include "tests/unit/admin/metrics_fixture.h"

namespace sluice {
namespace {

void count_everything(MetricsSample& sample) {
  ShardMetrics& shard = sample.shard(0);
  sample.served(0, 0, 200);
  sample.served(0, 0, 429);
  sample.served(1, 1, 502);
  shard.count_request({.code = 401});
  for (int outcome = 0; outcome <= static_cast<int>(TryOutcome::kClientGone); ++outcome) {
    const auto of = static_cast<TryOutcome>(outcome);
    shard.count_account({.account = sample.account(0).label, .outcome = of});
  }
  for (const AccountEvent event : {AccountEvent::kCooldown, AccountEvent::kBreakerOpened})
    sample.shard(1).count_account({.account = sample.account(1).label, .event = event});
  shard.count_usage({.prompt = 1000, .completion = 20, .total = 1020}, 1'234'567);
  shard.overhead.add(40us);
  shard.duration.add(2s);
  shard.upstream.add(2s);
  shard.first_token.add(300ms);
  for (QueueWaitHistogram& waits : shard.queue_wait) waits.add(1s);
  sample.view.queue_depth = {0, 1, 2, 3};
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  const std::string_view format = argc == 2 ? argv[1] : "";
  if (format != "text" && format != "openmetrics") {
    std::fputs("usage: metrics_sample text|openmetrics\n", stderr);
    return 64;
  }
  sluice::MetricsSample sample;
  // What a name may hold, and what a model's may.
  sample.publish({{.name = "a/b:c@d", .models = {{"gpt", "x"}}},
                  {.name = "team-b", .models = {{"gpt", "x"}, {"a\"b\\c \xe4\xb8\xad", "y"}}}});
  sluice::count_everything(sample);
  sample.view.store = sluice::StoreNumbers{.backup_unix_ms = 1'700'000'000'000};
  sample.view.process = sluice::read_process_figures();
  if (sample.view.process) sample.view.process->virtual_bytes_max = 0;  // few processes have one
  const std::string text = sample.text(format == "text" ? sluice::MetricsFormat::kText
                                                        : sluice::MetricsFormat::kOpenMetrics);
  std::fputs(text.c_str(), stdout);
  return 0;
}
