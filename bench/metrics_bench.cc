// What counting adds to a request, and what a scrape costs.

#include <benchmark/benchmark.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "admin/metrics_view.h"
#include "bench/result_check.h"

namespace sluice {
namespace {

// All that a served request adds to its shard, of one of 1,000 accounts; without the reading of
// the clock, which the proxy has done anyway.
void BM_CountRequest(benchmark::State& state) {
  const auto metrics = std::make_unique<ShardMetrics>();
  const auto accounts = static_cast<std::uint64_t>(state.range(0));
  std::uint64_t drawn = 0;
  for (auto _ : state) {
    drawn = drawn * 6364136223846793005 + 1442695040888963407;
    const auto account = static_cast<Label>(2 + (drawn >> 33) % accounts);
    const Duration took((drawn >> 20) & 0x3fffffff);  // up to a second
    ++metrics->requests;
    ++metrics->in_flight;
    ++metrics->attempts;
    metrics->count_account({.account = account, .outcome = TryOutcome::kServed});
    metrics->count_usage({.prompt = 100, .completion = 50, .total = 150}, 1234);
    metrics->count_request(
        {.model = 1, .account = account, .pool = PoolLabel::kPrimary, .code = 200});
    metrics->duration.add(took);
    metrics->upstream.add(took - took / 50);
    metrics->first_token.add(took / 4);
    metrics->overhead.add(took / 20'000);
    --metrics->in_flight;
  }
  const auto counted = static_cast<std::int64_t>(metrics->requests.read());
  if (holds(state, counted == state.iterations(), "requests are missing")) report_items(state, 1);
}
BENCHMARK(BM_CountRequest)->Arg(1)->Arg(10)->Arg(1000);

std::unique_ptr<Directory> directory_of(std::size_t accounts) {
  auto directory = std::make_unique<Directory>();
  for (std::size_t i = 0; i < accounts; ++i) {
    auto account = std::make_unique<Account>();
    account->name = "account-" + std::to_string(i);
    account->api_key = Secret("sk-test-" + std::to_string(i));
    account->endpoint.host = "provider.test";
    account->models = {{"gpt", "vendor/gpt"}};
    directory->accounts.push_back(std::move(account));
  }
  finish_directory(*directory, nullptr, Instant(1000s));
  return directory;
}

// A scrape of a gateway with 4 shards, in which each account has answered 200 and 429 on each.
void BM_Scrape(benchmark::State& state) {
  const auto directory = directory_of(static_cast<std::size_t>(state.range(0)));
  std::deque<ShardMetrics> shards(4);
  const LadderCounters ladder;
  std::vector<ShardFigures> figures;
  for (ShardMetrics& metrics : shards) {
    figures.push_back({&metrics, &ladder});
    for (const auto& account : directory->accounts) {
      for (const std::uint16_t code : {std::uint16_t{200}, std::uint16_t{429}}) {
        metrics.count_request({.model = directory->find_route("gpt")->label,
                               .account = account->label,
                               .pool = PoolLabel::kPrimary,
                               .code = code});
      }
      metrics.count_account({.account = account->label, .outcome = TryOutcome::kServed});
      metrics.count_account(
          {.account = account->label, .outcome = TryOutcome::kRateLimited, .status = 429});
      metrics.count_account({.account = account->label, .event = AccountEvent::kCooldown});
    }
  }
  const MetricsView view{.shards = figures,
                         .directory = directory.get(),
                         .store = StoreNumbers{},
                         .process = ProcessFigures{},
                         .now = Instant(1000s),
                         .version = "0"};
  std::string text;
  for (auto _ : state) {
    text.clear();
    write_metrics(view, MetricsFormat::kOpenMetrics, text);
    benchmark::DoNotOptimize(text.data());
  }
  const bool right = text.ends_with("# EOF\n") && text.find("account-0") != std::string::npos;
  if (holds(state, right, "the scrape is not whole")) report_bytes(state, text.size());
}
BENCHMARK(BM_Scrape)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
