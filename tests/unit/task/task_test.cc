#include "engine/task/task.h"

#include <gtest/gtest.h>

#include <coroutine>
#include <memory>
#include <optional>
#include <vector>

#include "engine/task/cancel.h"
#include "engine/task/scope.h"

namespace sluice {
namespace {

constexpr std::size_t kAll = 1'000'000;

// Gate - something to wait for that a test opens by hand.
struct Gate {
  explicit Gate(Executor& executor) : executor(executor) {}
  bool await_ready() const { return open; }
  void await_suspend(std::coroutine_handle<> waiter) { node.handle = waiter; }
  void await_resume() const {}
  void release() {
    open = true;
    if (node.handle) executor.make_ready(node);
  }
  Executor& executor;
  ReadyNode node;
  bool open = false;
};

Task<int> answer(Executor&) { co_return 42; }

Task<int> answer_later(Executor&, Gate& gate) {
  co_await gate;
  co_return 43;
}

Task<int> sum_of_two(Executor& executor, Gate& gate) {
  const int first = co_await answer(executor);
  const int second = co_await answer_later(executor, gate);
  co_return first + second;
}

TEST(Task, StartsInlineAndIsDoneWhenItNeverWaits) {
  Executor executor;
  Task<int> task = answer(executor);
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), 42);
  EXPECT_FALSE(executor.has_ready());
}

TEST(Task, OnlyTheReadyListResumesAWaiter) {
  Executor executor;
  Gate gate(executor);
  Task<int> task = sum_of_two(executor, gate);
  EXPECT_FALSE(task.done());
  gate.release();
  EXPECT_FALSE(task.done());             // made ready, not resumed
  EXPECT_EQ(executor.run_ready(1), 1u);  // the child, and its parent because it has ended
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), 85);
}

Task<std::unique_ptr<int>> boxed(Executor&) { co_return std::make_unique<int>(7); }
Task<int> unboxed(Executor& executor) {
  std::unique_ptr<int> box = co_await boxed(executor);
  co_return *box;
}

TEST(Task, HandsOverMoveOnlyValues) {
  Executor executor;
  EXPECT_EQ(unboxed(executor).take(), 7);
}

Task<int> depth(Executor& executor, int levels, Gate& gate) {
  if (levels == 0) {
    co_await gate;
    co_return 0;
  }
  const int below = co_await depth(executor, levels - 1, gate);
  co_return below + 1;
}

TEST(Task, ReturnsThroughAThousandLevelsWithoutGrowingTheStack) {
  Executor executor;
  {
    Gate gate(executor);
    constexpr int kLevels = 1000;  // the way down is ordinary recursion, the way back up is not
    Task<int> task = depth(executor, kLevels, gate);
    gate.release();
    EXPECT_EQ(executor.run_ready(kAll), 1u);
    ASSERT_TRUE(task.done());
    EXPECT_EQ(task.take(), kLevels);
    EXPECT_GT(executor.frames().frames_in_use(), 0u);
  }
  EXPECT_EQ(executor.frames().frames_in_use(), 0u);
}

TEST(Executor, RunsAtMostTheGivenNumber) {
  Executor executor;
  std::vector<std::unique_ptr<Gate>> gates;
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 5; ++i) {
    gates.push_back(std::make_unique<Gate>(executor));
    tasks.push_back(answer_later(executor, *gates.back()));
  }
  for (auto& gate : gates) gate->release();
  EXPECT_EQ(executor.run_ready(2), 2u);
  EXPECT_TRUE(tasks[1].done());
  EXPECT_FALSE(tasks[2].done());
  EXPECT_EQ(executor.run_ready(kAll), 3u);
}

Task<void> note_child(Executor& executor, Gate& gate, int number, std::vector<int>& order) {
  static_cast<void>(co_await answer_later(executor, gate));
  order.push_back(number);
}

TEST(Executor, WhoWaitedForATaskGoesOnBeforeAllThatAreReady) {
  Executor executor;
  Gate gates[2] = {Gate(executor), Gate(executor)};
  std::vector<int> order;
  Scope scope(executor);
  scope.spawn(note_child(executor, gates[0], 1, order));
  scope.spawn(note_child(executor, gates[1], 2, order));
  for (Gate& gate : gates) gate.release();
  EXPECT_EQ(executor.run_ready(1), 1u);  // the first's child, the first, and its end
  EXPECT_EQ(order, std::vector({1}));
  EXPECT_EQ(scope.count(), 1u);
  EXPECT_TRUE(executor.has_ready());
  EXPECT_EQ(executor.run_ready(kAll), 1u);
  EXPECT_EQ(order, std::vector({1, 2}));
  EXPECT_EQ(scope.count(), 0u);
}

Task<void> wait_and_count(Executor&, Gate& gate, int& count) {
  co_await gate;
  ++count;
}

Task<void> join_all(Executor&, Scope& scope) { co_await scope.join(); }

TEST(Scope, EndsOnlyWhenAllItsTasksHaveEnded) {
  Executor executor;
  Scope scope(executor);
  Gate first(executor);
  Gate second(executor);
  int ended = 0;
  scope.spawn(wait_and_count(executor, first, ended));
  scope.spawn(wait_and_count(executor, second, ended));
  Task<void> join = join_all(executor, scope);
  first.release();
  executor.run_ready(kAll);
  EXPECT_EQ(scope.count(), 1u);
  EXPECT_FALSE(join.done());
  second.release();
  executor.run_ready(kAll);
  EXPECT_EQ(ended, 2);
  EXPECT_TRUE(join.done());
}

// Else the end of the second round would wake who waited for that of the first, long gone.
TEST(Scope, IsJoinedAgainAndWakesOnlyWhoWaitsNow) {
  Executor executor;
  Scope scope(executor);
  int ended = 0;
  for (const bool joined : {true, false, true}) {
    Gate gate(executor);
    scope.spawn(wait_and_count(executor, gate, ended));
    std::optional<Task<void>> join;
    if (joined) join.emplace(join_all(executor, scope));
    gate.release();
    EXPECT_EQ(executor.run_ready(kAll), joined ? 2u : 1u);
    EXPECT_EQ(scope.count(), 0u);
    EXPECT_TRUE(!joined || join->done());
  }
  EXPECT_EQ(ended, 3);
}

TEST(Scope, TakesATaskThatHasEndedAlready) {
  Executor executor;
  Scope scope(executor);
  Gate open(executor);
  open.open = true;
  int ended = 0;
  scope.spawn(wait_and_count(executor, open, ended));
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(scope.count(), 0u);
}

struct CountingHook final : CancelHook {
  void on_cancel(const Error& cause) noexcept override {
    ++calls;
    last = cause.code;
  }
  int calls = 0;
  Errc last = Errc::kOk;
};

TEST(CancelSource, TellsEveryHookOnceAndKeepsTheFirstCause) {
  CancelSource source;
  CountingHook stays;
  CountingHook leaves;
  source.add(stays);
  source.add(leaves);
  leaves.unlink();
  source.request(Error{.code = Errc::kEndOfStream, .side = Side::kDownstream});
  source.request(Error{.code = Errc::kDrained});
  EXPECT_EQ(stays.calls, 1);
  EXPECT_EQ(leaves.calls, 0);
  EXPECT_EQ(source.cause().code, Errc::kEndOfStream);
}

}  // namespace
}  // namespace sluice
