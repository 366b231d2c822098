// What the usage journal costs a shard: one record appended.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "bench/result_check.h"
#include "store/journal/shard_journal.h"

namespace sluice {
namespace {

UsageEvent ordinary_event() {
  UsageEvent event;
  event.flags = kUsageLast | kUsageStreamed | kUsageCostKnown;
  event.status = 200;
  event.attempt = 1;
  event.unix_ms = 1'700'000'000'000;
  event.request_id = "0123456789abcdef0123456789abcdef";
  event.account = "nvidia-1";
  event.pool = "primary";
  event.client_key = "team-a";
  event.model = "llama-3.3-70b";
  event.native_model = "meta/llama-3.3-70b-instruct";
  event.prompt_tokens = 1'200;
  event.completion_tokens = 340;
  event.total_tokens = 1'540;
  event.cost_nano_dollars = 12'345'678;
  event.latency_us = 2'500'000;
  event.first_token_us = 300'000;
  return event;
}

// Nothing - a sink that keeps nothing but whether all is as it was written.
struct Nothing final : UsageSink {
  void take(const UsageEvent& event) override {
    benchmark::DoNotOptimize(&event);
    right &= event.status == 200 && event.cost_nano_dollars == 12'345'678;
    ++taken;
  }
  void lost(const JournalLoss&) override { right = false; }

  bool right = true;
  std::uint64_t taken = 0;
};

// A journal in the system's temporary folder, with the store's part done when asked.
struct BenchJournal {
  BenchJournal() {
    path = (std::filesystem::temp_directory_path() / "sluice-bench-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) std::abort();
    journal = std::make_unique<ShardJournal>(files, ShardJournalOptions{.folder = path + "/shard"});
    if (!journal->open(0) || !journal->begin_writing(Instant(1s))) std::abort();
  }
  ~BenchJournal() {
    journal.reset();
    std::filesystem::remove_all(path);
  }
  void apply_all() {
    while (journal->read(1'000'000, nothing) > 0) {
    }
    journal->applied(journal->writer().next_sequence() - 1);
    journal->keep(Instant(1s));
  }

  std::string path;
  SegmentFiles files;
  Nothing nothing;
  std::unique_ptr<ShardJournal> journal;
};

constexpr std::uint64_t kBetweenLooks = 10'000;  // the store looks, off the clock

template <class Append>
void run(benchmark::State& state, BenchJournal& bench, Append append) {
  const UsageEvent event = ordinary_event();
  std::uint64_t left = kBetweenLooks;
  for (auto _ : state) {
    append(bench.journal->writer(), event);
    if (--left > 0) continue;
    left = kBetweenLooks;
    state.PauseTiming();
    bench.apply_all();
    state.ResumeTiming();
  }
  bench.apply_all();
  const std::uint64_t written = bench.journal->writer().next_sequence() - 1;
  const bool right = bench.nothing.right && bench.nothing.taken == written &&
                     bench.journal->writer().times_refused() == 0;
  if (!holds(state, right, "records are lost or others")) return;
  const auto items = static_cast<double>(written) / static_cast<double>(state.iterations());
  report_items(state, static_cast<std::size_t>(items));
  state.counters["bytes"] = static_cast<double>(kSlotBytes);
}

void refused(benchmark::State& state) {
  BenchJournal bench;
  run(state, bench, [](JournalWriter& writer, const UsageEvent& event) {
    benchmark::DoNotOptimize(writer.refused(event));
  });
}
BENCHMARK(refused);

// Two records: what an attempt costs.
void start_and_end(benchmark::State& state) {
  BenchJournal bench;
  run(state, bench, [](JournalWriter& writer, const UsageEvent& event) {
    if (const JournalStart started = writer.start(event); started.any())
      benchmark::DoNotOptimize(writer.end(event, started));
  });
}
BENCHMARK(start_and_end);

// A request id that does not fit the record.
void refused_with_long_id(benchmark::State& state) {
  BenchJournal bench;
  const std::string id(64, 'x');
  run(state, bench, [&](JournalWriter& writer, UsageEvent event) {
    event.request_id = id;
    benchmark::DoNotOptimize(writer.refused(event));
  });
}
BENCHMARK(refused_with_long_id);

// The store's side: a segment's worth of records, read.
void read_record(benchmark::State& state) {
  BenchJournal bench;
  const UsageEvent event = ordinary_event();
  for (std::uint64_t i = 0; i < kBetweenLooks; ++i)
    if (bench.journal->writer().refused(event) == 0) std::abort();
  for (auto _ : state) {
    if (bench.journal->read(1, bench.nothing) == 1) continue;
    bench.journal->read_again();
  }
  if (holds(state, bench.nothing.right, "records are others")) report_items(state, 1);
}
BENCHMARK(read_record);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
