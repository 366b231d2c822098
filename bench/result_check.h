#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>

namespace sluice {

// Whether a benchmark does what it says: else it ends with `what` as its error and measures
// nothing, and bench/regress fails. Asked once, outside of the loop.
[[nodiscard]] inline bool holds(benchmark::State& state, bool right, const char* what) {
  if (!right) state.SkipWithError(what);
  return right;
}

// Bytes a second, of iterations that read `bytes` each.
inline void report_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes));
}

// Nanoseconds an item, of iterations that do `items` each.
inline void report_items(benchmark::State& state, std::size_t items) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(items));
  using benchmark::Counter;
  state.counters["per_item"] =
      Counter(static_cast<double>(items), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

}  // namespace sluice
