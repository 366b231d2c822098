// What a coroutine costs: its frame, one wait, one step of depth. The unit of each figure is one
// task.

#include <benchmark/benchmark.h>

#include <array>
#include <coroutine>
#include <cstdint>

#include "bench/result_check.h"
#include "engine/task/scope.h"
#include "engine/task/task.h"

namespace sluice {
namespace {

constexpr std::size_t kAll = 1'000'000;

// Gate - where a task waits until it is let on, as for a completion.
struct Gate {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { node.handle = waiter; }
  void await_resume() const noexcept {}

  ReadyNode node;
};

Task<int> at_once(Executor&, int value) { co_return value + 1; }

Task<int> after_wait(Executor&, Gate& gate, int value) {
  co_await gate;
  co_return value + 1;
}

Task<void> spawned(Executor&, Gate& gate, std::int64_t& value) {
  co_await gate;
  ++value;
}

Task<int> chain(Executor& executor, Gate& gate, int depth) {
  if (depth == 0) {
    co_await gate;
    co_return 0;
  }
  const int below = co_await chain(executor, gate, depth - 1);
  co_return below + 1;
}

// A frame made, run to its end and destroyed.
void task_without_wait(benchmark::State& state) {
  Executor executor;
  if (!holds(state, at_once(executor, 1).take() == 2, "a task gave another value")) return;
  int value = 0;
  for (auto _ : state) {
    Task<int> task = at_once(executor, value);
    value = task.take();
    benchmark::DoNotOptimize(value);
  }
  report_items(state, 1);
}
BENCHMARK(task_without_wait);

// The same with one wait: made ready and resumed by the ready list.
void task_resumed(benchmark::State& state) {
  Executor executor;
  int value = 0;
  std::int64_t runs = 0;
  for (auto _ : state) {
    Gate gate;
    Task<int> task = after_wait(executor, gate, value);
    executor.make_ready(gate.node);
    executor.run_ready(kAll);
    value = task.take();
    ++runs;
  }
  if (holds(state, value == runs && executor.frames().frames_in_use() == 0, "a task was lost"))
    report_items(state, 1);
}
BENCHMARK(task_resumed);

// A task that awaits one that awaits one ...: each step is a frame, and one goes on after the other
// ends.
void task_chain(benchmark::State& state) {
  const auto depth = static_cast<int>(state.range(0));
  Executor executor;
  int reached = depth;
  for (auto _ : state) {
    Gate gate;
    Task<int> task = chain(executor, gate, depth);
    executor.make_ready(gate.node);
    executor.run_ready(kAll);
    const int got = task.take();
    if (got != depth) reached = got;
  }
  if (holds(state, reached == depth, "the chain ended elsewhere"))
    report_items(state, static_cast<std::size_t>(depth) + 1);
}
BENCHMARK(task_chain)->ArgName("depth")->Arg(4)->Arg(16);

// As connections are: many tasks of one scope that wait at the same time, and are let on together.
void tasks_of_scope(benchmark::State& state) {
  constexpr std::size_t kTasks = 64;
  Executor executor;
  Scope scope(executor);
  std::array<Gate, kTasks> gates;
  std::int64_t value = 0;
  std::int64_t runs = 0;
  for (auto _ : state) {
    for (Gate& gate : gates) {
      gate = Gate{};
      scope.spawn(spawned(executor, gate, value));
    }
    for (Gate& gate : gates) executor.make_ready(gate.node);
    executor.run_ready(kAll);
    ++runs;
    if (scope.count() != 0) break;
  }
  const auto expected = static_cast<std::int64_t>(kTasks) * runs;
  if (holds(state, scope.count() == 0 && value == expected, "a task was lost"))
    report_items(state, kTasks);
}
BENCHMARK(tasks_of_scope);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
