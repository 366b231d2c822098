#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "engine/io/uring_kernel.h"
#include "engine/shard.h"
#include "engine/task/task.h"
#include "tests/unit/text_sink.h"

namespace sluice {

// ShardTest - a shard on the kernel's own io_uring, turned by the test; its time stands still until
// the test moves it.
class ShardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(kernel_.open(kernel_options_), 0);
    shard_.emplace(Shard::Options{}, kernel_, clock_,
                   Log(sink_, clock_, LogLevel::kInfo, LogFormat::kText));
  }

  template <class T>
  void finish(const Task<T>& task) {
    for (int turns = 0; !task.done(); ++turns) {
      ASSERT_LT(turns, 1000) << "still waiting";
      shard_->turn(clock_.now() + 10ms);
    }
  }
  template <class T>
  T finished(Task<T> task) {
    finish(task);
    return task.take();
  }
  // Turns until `what` holds.
  template <class Predicate>
  void turn_until(const Predicate& what) {
    for (int turns = 0; !what(); ++turns) {
      ASSERT_LT(turns, 1000) << "still waiting";
      shard_->turn(clock_.now() + 10ms);
    }
  }
  // Lets everything happen that can happen without the peer and without time.
  void settle() {
    for (int turns = 0; turns < 5; ++turns) shard_->turn(shard_->now());
  }
  void leap(Duration by) {
    clock_.advance(by);
    settle();
  }

  ManualClock clock_;
  TextSink sink_;
  UringKernel::Options kernel_options_;  // a derived class's constructor may change them
  UringKernel kernel_;
  std::optional<Shard> shard_;
};

}  // namespace sluice
