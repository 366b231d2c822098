// What booking usage costs: events applied per second, in batches as the store thread makes them,
// each one transaction with its sync of the data, on the disk below the temporary folder.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "store/apply_usage.h"
#include "store/queries.h"
#include "store/schema.h"
#include "store/writer.h"

namespace sluice {
namespace {

constexpr std::int64_t kStartMs = 1'700'000'000'000;
constexpr std::array<std::string_view, 8> kAccounts = {"team-a", "team-b", "team-c", "team-d",
                                                       "team-e", "team-f", "team-g", "team-h"};
constexpr std::array<std::string_view, 4> kModels = {"gpt-x", "gpt-y", "claude-z", "embed-1"};
constexpr std::array<std::string_view, 4> kClients = {"alice", "bob", "carol", "dave"};

// BenchStore - a store in a folder of its own that goes with it.
class BenchStore {
 public:
  BenchStore() : path_((std::filesystem::temp_directory_path() / "sluice-bench-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) std::abort();
    StoreOptions options;
    options.directory = path_;
    auto environment = open_store(options);
    if (!environment) std::abort();
    environment_ = std::move(*environment);
    writer_ = std::make_unique<Writer>(*environment_);
  }
  ~BenchStore() {
    writer_.reset();
    environment_.reset();
    std::filesystem::remove_all(path_);
  }
  BenchStore(const BenchStore&) = delete;
  BenchStore& operator=(const BenchStore&) = delete;

  [[nodiscard]] StoreEnvironment& environment() { return *environment_; }
  [[nodiscard]] Writer& writer() { return *writer_; }

 private:
  std::string path_;
  std::unique_ptr<StoreEnvironment> environment_;
  std::unique_ptr<Writer> writer_;
};

// `events`: starts and ends in turn, a thousand requests a second, 32 combinations of names.
void next_batch(std::vector<UsageEvent>& events, std::uint64_t& sequence) {
  for (UsageEvent& event : events) {
    ++sequence;
    const bool is_end = sequence % 2 == 0;
    const std::uint64_t request = (sequence - 1) / 2;
    event.kind = is_end ? UsageKind::kEnd : UsageKind::kStart;
    event.flags = kUsageLast | kUsageCostKnown;
    event.status = is_end ? 200 : 0;
    event.attempt = 1;
    event.sequence = sequence;
    event.started_by = is_end ? sequence - 1 : 0;
    event.unix_ms = kStartMs + static_cast<std::int64_t>(request);
    event.request_id = "0123456789abcdef0123456789abcdef";
    event.account = kAccounts[request % kAccounts.size()];
    event.pool = "primary";
    event.client_key = kClients[request / 4 % kClients.size()];
    event.model = kModels[request % kModels.size()];
    event.native_model = event.model;
    event.prompt_tokens = 1200;
    event.completion_tokens = 300;
    event.total_tokens = 1500;
    event.cost_nano_dollars = 1'000'000;
    event.latency_us = 2'000'000;
    event.first_token_us = 300'000;
  }
}

// Items are events: a request is two.
void apply_usage(benchmark::State& state) {
  BenchStore store;
  UsageLedger ledger(store.writer());
  std::vector<UsageEvent> events(static_cast<std::size_t>(state.range(0)));
  std::uint64_t sequence = 0;
  for (auto _ : state) {
    state.PauseTiming();
    next_batch(events, sequence);
    state.ResumeTiming();
    if (!ledger.apply("shard-0", events)) std::abort();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(sequence));
}
BENCHMARK(apply_usage)->Arg(100)->Arg(1000)->UseRealTime()->Unit(benchmark::kMicrosecond);

// One page of fifty for an account, of two hundred thousand requests.
void recent_requests_of_an_account(benchmark::State& state) {
  BenchStore store;
  UsageLedger ledger(store.writer());
  std::vector<UsageEvent> events(1000);
  std::uint64_t sequence = 0;
  for (int batch = 0; batch < 400; ++batch) {
    next_batch(events, sequence);
    if (!ledger.apply("shard-0", events)) std::abort();
  }
  RequestFilter filter;
  filter.names.account = "team-c";
  for (auto _ : state) {
    const auto page = recent_requests(store.environment(), filter);
    if (!page || page->requests.size() != filter.limit) std::abort();
  }
}
BENCHMARK(recent_requests_of_an_account)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
