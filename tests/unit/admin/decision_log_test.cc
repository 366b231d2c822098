#include "engine/proxy/decision_log.h"

#include <gtest/gtest.h>

#include <chrono>

namespace sluice {
namespace {

class DecisionLogTest : public testing::Test {
 protected:
  BlockPool pool_;
  Arena arena_{pool_};
};

TEST_F(DecisionLogTest, KeepsTheLatestWithItsSteps) {
  const auto log = std::make_unique<DecisionLog>();
  Account account;
  account.name = "team-a";
  DecisionTrail trail;
  trail.add({.kind = StepKind::kWait,
             .rung = Rung::kPrimary,
             .outcome = StepOutcome::kGranted,
             .took_us = 7},
            arena_);
  trail.add({.kind = StepKind::kTry,
             .rung = Rung::kFallback,
             .outcome = StepOutcome::kServed,
             .status = 200,
             .at_us = 8,
             .account = &account},
            arena_);
  log->write({.unix_ms = 1'768'478'400'000,
              .request_id = "one",
              .model = "gpt",
              .client = "me",
              .priority = Priority::kHigh,
              .status = 200,
              .queue_us = 7},
             trail);
  for (std::size_t i = 0; i + 1 < DecisionLog::kRecords; ++i)
    log->write({.request_id = "other", .model = {}, .client = {}}, {});
  const auto kept = log->find("one");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->model, "gpt");
  EXPECT_EQ(kept->client, "me");
  EXPECT_EQ(kept->decision.priority, Priority::kHigh);
  ASSERT_EQ(kept->steps.size(), 2u);
  EXPECT_EQ(kept->steps[0].account, "");
  EXPECT_EQ(kept->steps[1].account, "team-a");
  EXPECT_EQ(kept->steps[1].step.rung, Rung::kFallback);
  EXPECT_EQ(kept->steps[1].step.status, 200);
  log->write({.request_id = "other", .model = {}, .client = {}}, {});
  EXPECT_FALSE(log->find("one"));  // its record was the oldest
}

// Clients choose ids; a row of the journal tells those of one id apart.
TEST_F(DecisionLogTest, FindsTheRequestOfARow) {
  const auto log = std::make_unique<DecisionLog>();
  const auto write = [&](std::string_view model, std::initializer_list<std::uint64_t> rows) {
    DecisionTrail trail;
    for (const std::uint64_t row : rows) trail.add_row({1000, row}, arena_);
    log->write({.request_id = "agent-7", .model = model, .client = {}}, trail);
  };
  write("one", {4, 7});
  write("two", {5});
  EXPECT_EQ(log->find("agent-7")->model, "two");
  EXPECT_EQ(log->find("agent-7", DecisionRow{1000, 4})->model, "one");
  EXPECT_EQ(log->find("agent-7", DecisionRow{1000, 7})->model, "one");
  EXPECT_EQ(log->find("agent-7", DecisionRow{1000, 5})->model, "two");
  EXPECT_FALSE(log->find("agent-7", DecisionRow{1000, 6})) << "rather nothing than another's";
  EXPECT_FALSE(log->find("agent-7", DecisionRow{999, 5})) << "another shard's";
  EXPECT_FALSE(log->find("agent-8", DecisionRow{1000, 5}));
}

TEST_F(DecisionLogTest, WhatDoesNotFitIsCut) {
  const auto log = std::make_unique<DecisionLog>();
  Account account;
  account.name = std::string(64, 'n');
  DecisionTrail trail;
  for (int i = 0; i < 40; ++i) trail.add({.kind = StepKind::kTry, .account = &account}, arena_);
  const std::string id(128, 'i'), model(300, 'm'), client(300, 'c');
  log->write({.request_id = id, .model = model, .client = client}, trail);
  const auto kept = log->find(id);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->model.size(), 128u);
  EXPECT_EQ(kept->client.size(), 64u);
  EXPECT_GT(kept->steps.size(), 0u);
  EXPECT_EQ(kept->steps.size() + kept->steps_dropped, 40u);
}

// Two steps, as of a request that went through two accounts; the figure is told, not held.
TEST_F(DecisionLogTest, WhatAWriteCosts) {
  constexpr int kWrites = 200'000;
  const auto log = std::make_unique<DecisionLog>();
  Account account;
  account.name = "team-account-01";
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < kWrites; ++i) {
    DecisionTrail trail;
    trail.add({.kind = StepKind::kTry, .account = &account}, arena_);
    trail.add({.kind = StepKind::kTry, .account = &account}, arena_);
    log->write({.request_id = "req_0123456789abcdef0123456789ab",
                .model = "mock-large",
                .client = "client"},
               trail);
  }
  const auto took = std::chrono::steady_clock::now() - began;
  RecordProperty("nanoseconds", static_cast<int>(took / 1ns / kWrites));
}

}  // namespace
}  // namespace sluice
