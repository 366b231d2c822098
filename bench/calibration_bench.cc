// The measure of a machine that baselines are kept in (bench/regress --save): a fixed piece of work
// that changes only together with all of them. Nothing of the gateway is in it.
//
// Half of its time goes to arithmetic that waits for itself, half to words read one after the other
// in an order that no prefetcher knows, of a table that fits L2, as what a shard touches does.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <memory>

namespace sluice {
namespace {

constexpr std::uint32_t kWords = 64 * 1024;                // of 4 bytes: 256 KiB
constexpr int kSteps = 4096;                               // of each half; some 20 us in all
constexpr std::uint64_t kArithmetic = 0x89f8e386c2bd7ca4;  // what comes out
constexpr std::uint32_t kLast = 61440;

using Table = std::array<std::uint32_t, kWords>;

// One ring through all words: each tells where the next one is.
std::unique_ptr<Table> ring() {
  auto table = std::make_unique<Table>();
  std::uint32_t at = 0;
  // A linear congruential generator modulo 2^16 of full period (Hull and Dobell): every word once.
  for (std::uint32_t n = 0; n < kWords; ++n) {
    const std::uint32_t next = (at * 25173 + 13849) % kWords;
    (*table)[at] = next;
    at = next;
  }
  return table;
}

std::uint64_t arithmetic(std::uint64_t x) {
  for (int n = 0; n < kSteps; ++n) {
    x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9 + static_cast<std::uint64_t>(n);
  }
  return x;
}

std::uint32_t walk(const Table& table, std::uint32_t at) {
  for (int n = 0; n < kSteps; ++n) at = table[at];
  return at;
}

void calibration(benchmark::State& state) {
  const auto table = ring();
  if (arithmetic(1) != kArithmetic || walk(*table, 0) != kLast) {
    state.SkipWithError("the fixed work comes out otherwise");
  }
  std::uint64_t x = 1;
  std::uint32_t at = 0;
  for (auto _ : state) {
    x = arithmetic(x);
    at = walk(*table, at);
    benchmark::DoNotOptimize(x);
    benchmark::DoNotOptimize(at);
  }
}
BENCHMARK(calibration);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
