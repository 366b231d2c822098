#include "engine/load/load_tally.h"

#include <gtest/gtest.h>

#include <memory>

#include "engine/load/ask_once.h"

namespace sluice::test {
namespace {

constexpr Instant kBegin{1s};

// One that was due at `due`, sent `wait` later and answered `service` after that.
LoadOutcome answered(Duration due, Duration wait, Duration service, int status = 200) {
  const Instant at = kBegin + due;
  return {.status = status, .due = at, .sent = at + wait, .ended = at + wait + service};
}

class LoadTallyTest : public ::testing::Test {
 protected:
  std::unique_ptr<LoadTally> tally_ = std::make_unique<LoadTally>();
};

// A server that answers in 1 ms stands still for 500 ms, with one connection: the requests that
// were due meanwhile see it in their latency, and none of them in its service time.
TEST_F(LoadTallyTest, AStallIsSeenByAllThatWereDueWhileItLasted) {
  Instant free = kBegin;
  for (int i = 0; i < 200; ++i) {
    const Instant due = kBegin + i * 10ms;
    const Instant sent = std::max(due, free);
    const Duration service = i == 100 ? Duration(500ms) : Duration(1ms);
    free = sent + service;
    tally_->note({.status = 200, .due = due, .sent = sent, .ended = free});
  }
  EXPECT_EQ(tally_->of(LoadEnd::kAnswered), 200u);
  EXPECT_GT(tally_->latency.quantile(0.99), Duration(450ms));
  EXPECT_GT(tally_->latency.quantile(0.8), Duration(50ms));
  EXPECT_LT(tally_->service.quantile(0.99), Duration(1100us));
  EXPECT_EQ(tally_->service.max(), Duration(500ms));
}

TEST_F(LoadTallyTest, WhatWaitedForAConnectionIsNoLagOfTheGenerator) {
  const Instant due = kBegin + 10ms;
  tally_->note_start(due, kBegin, due + 1ms);       // all free: 1 ms of its own lateness
  tally_->note_start(due, due + 40ms, due + 42ms);  // held for 40 ms, then 2 ms
  EXPECT_EQ(tally_->started, 2u);
  EXPECT_EQ(tally_->held.count(), 1u);
  EXPECT_EQ(tally_->held.max(), Duration(40ms));
  EXPECT_EQ(tally_->lag.count(), 2u);
  EXPECT_EQ(tally_->lag.max(), Duration(2ms));
}

TEST_F(LoadTallyTest, OtherStatusesDoNotFlatterTheLatency) {
  tally_->note(answered(0ms, 0ms, 900ms));
  for (int i = 0; i < 99; ++i) tally_->note(answered(0ms, 0ms, 1ms, 429));
  EXPECT_EQ(tally_->latency.count(), 1u);
  EXPECT_EQ(tally_->refused.count(), 99u);
  EXPECT_EQ(tally_->statuses.at(429), 99u);
  EXPECT_EQ(tally_->errors(), 0u);
}

TEST_F(LoadTallyTest, TimeoutsCountWithTheTimeThatTheyHad) {
  tally_->note(answered(0ms, 0ms, 5ms));
  tally_->note({.end = LoadEnd::kTimeout,
                .error = {.code = Errc::kTimedOut},
                .due = kBegin,
                .sent = kBegin + 10s,
                .ended = kBegin + 60s});
  EXPECT_EQ(tally_->latency.max(), Duration(60s));
  EXPECT_EQ(tally_->service.max(), Duration(50s));
  EXPECT_EQ(tally_->errors(), 1u);
  EXPECT_EQ(tally_->samples[static_cast<std::size_t>(LoadEnd::kTimeout)], "timed out");
}

TEST_F(LoadTallyTest, InterruptedRequestsAreNoErrors) {
  tally_->note({.end = LoadEnd::kInterrupted, .error = {.code = Errc::kCancelled}});
  EXPECT_EQ(tally_->errors(), 0u);
  EXPECT_EQ(tally_->ended(), 1u);
  EXPECT_EQ(tally_->latency.count(), 0u);
}

TEST_F(LoadTallyTest, TokensAreThoseToldElseTheEventsWithContent) {
  LoadOutcome told = answered(0ms, 0ms, 1ms);
  told.stream = true;
  told.content_events = 4;
  told.usage = {.prompt = 100, .completion = 20, .seen = true};
  tally_->note(told);
  LoadOutcome untold = answered(0ms, 0ms, 1ms);
  untold.stream = true;
  untold.content_events = 7;
  untold.usage = {.prompt = 1, .completion = 1, .estimated = true};
  tally_->note(untold);
  EXPECT_EQ(tally_->prompt_tokens, 100u);
  EXPECT_EQ(tally_->completion_tokens, 20u);
  EXPECT_EQ(tally_->content_events_untold, 7u);
  EXPECT_EQ(tally_->content_events, 11u);
  EXPECT_EQ(tally_->streams, 2u);
}

TEST_F(LoadTallyTest, RetryAfterIsKeptAsASpan) {
  for (const Duration wait : {Duration(3s), Duration(1s), Duration(20s)}) {
    LoadOutcome outcome = answered(0ms, 0ms, 1ms, 429);
    outcome.retry_after = wait;
    tally_->note(outcome);
  }
  tally_->note(answered(0ms, 0ms, 1ms, 429));
  EXPECT_EQ(tally_->retry_afters, 3u);
  EXPECT_EQ(tally_->retry_after_least, Duration(1s));
  EXPECT_EQ(tally_->retry_after_most, Duration(20s));
}

TEST_F(LoadTallyTest, AccountsAreCountedAndBounded) {
  for (std::size_t i = 0; i < LoadTally::kAccountsMax + 50; ++i) {
    const std::string name = "account-" + std::to_string(i);
    LoadOutcome outcome = answered(0ms, 0ms, 1ms);
    outcome.gateway.account = name;
    outcome.gateway.attempts = 2;
    tally_->note(outcome);
    tally_->note(outcome);
  }
  EXPECT_EQ(tally_->accounts.at("account-0"), 2u);
  EXPECT_EQ(tally_->accounts.size(), LoadTally::kAccountsMax + 1);
  EXPECT_EQ(tally_->accounts.at("(others)"), 100u);
  EXPECT_EQ(tally_->attempts, 2 * tally_->attempts_told);
}

TEST(LoadEnds, FollowFromTheErrorAndFromHowFarItCame) {
  const auto end_of = [](Errc code, bool head_seen, Side side = Side::kUpstream) {
    return load_end_of(Error{.code = code, .side = side}, head_seen);
  };
  EXPECT_EQ(end_of(Errc::kConnectionReset, false), LoadEnd::kClosed);
  EXPECT_EQ(end_of(Errc::kConnectionReset, true), LoadEnd::kCut);
  EXPECT_EQ(end_of(Errc::kEndOfStream, true), LoadEnd::kCut);
  EXPECT_EQ(end_of(Errc::kConnectFailed, false), LoadEnd::kConnect);
  EXPECT_EQ(end_of(Errc::kNameNotFound, false), LoadEnd::kName);
  EXPECT_EQ(end_of(Errc::kTlsUntrusted, false), LoadEnd::kTls);
  EXPECT_EQ(end_of(Errc::kMalformed, true), LoadEnd::kBroken);
  EXPECT_EQ(end_of(Errc::kTimedOut, true), LoadEnd::kTimeout);
  EXPECT_EQ(end_of(Errc::kCancelled, true), LoadEnd::kInterrupted);
  EXPECT_EQ(end_of(Errc::kOs, false, Side::kOurs), LoadEnd::kOurs);
}

}  // namespace
}  // namespace sluice::test
