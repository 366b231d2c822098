#include "engine/load/load_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::test {
namespace {

using nlohmann::json;

constexpr Instant kBegin{1s};

class LoadReportTest : public ::testing::Test {
 protected:
  LoadReportTest() {
    report_.url = "http://127.0.0.1:9190/v1/chat/completions";
    report_.request = "model some-model";
    report_.settings.per_second = 50;
    report_.settings.duration = 10s;
    report_.result = {.elapsed = 10s, .cpu = 100ms};
    report_.tally = tally_.get();
  }

  void answer(Duration wait, Duration service, int status = 200,
              std::string_view account = "team-a") {
    LoadOutcome outcome = {
        .status = status, .due = kBegin, .sent = kBegin + wait, .ended = kBegin + wait + service};
    outcome.usage = {.prompt = 10, .completion = 5, .seen = true};
    outcome.gateway = {.account = account, .queue_ms = 3, .overhead_us = 40, .attempts = 1};
    tally_->note_start(kBegin, kBegin, kBegin);
    tally_->note(outcome);
  }
  json parsed() { return json::parse(load_json(report_)); }
  bool text_has(std::string_view part) {
    return load_text(report_).find(part) != std::string::npos;
  }

  std::unique_ptr<LoadTally> tally_ = std::make_unique<LoadTally>();
  LoadReport report_;
};

TEST_F(LoadReportTest, JsonTellsWhatWasCounted) {
  for (int i = 0; i < 99; ++i) answer(1ms, 9ms);
  answer(100ms, 10ms, 200, "team-b");
  answer(0ms, 1ms, 503);
  tally_->note({.end = LoadEnd::kConnect,
                .error = {.code = Errc::kConnectFailed, .os_errno = 111},
                .due = kBegin,
                .ended = kBegin + 1ms});
  const json told = parsed();
  EXPECT_EQ(told["requests"]["due"], 102);
  EXPECT_EQ(told["requests"]["answered"], 101);
  EXPECT_EQ(told["requests"]["errors"], 1);
  EXPECT_EQ(told["statuses"]["200"], 100);
  EXPECT_EQ(told["statuses"]["503"], 1);
  EXPECT_EQ(told["errors"]["connect"]["count"], 1);
  EXPECT_NE(told["errors"]["connect"]["first"].get<std::string>().find("Connection refused"),
            std::string::npos);
  EXPECT_EQ(told["latency_s"]["count"], 100);
  EXPECT_NEAR(told["latency_s"]["p50"], 0.010, 0.0001);
  EXPECT_NEAR(told["latency_s"]["max"], 0.110, 0.0001);
  EXPECT_NEAR(told["service_s"]["max"], 0.010, 0.0001);
  EXPECT_EQ(told["tokens"]["out"], 500);
  EXPECT_EQ(told["tokens"]["by"], "usage");
  EXPECT_NEAR(told["tokens"]["out_per_second"], 50, 0.01);
  EXPECT_EQ(told["gateway"]["accounts"]["team-a"], 100);
  EXPECT_EQ(told["gateway"]["accounts"]["team-b"], 1);
  EXPECT_NEAR(told["gateway"]["overhead_s"]["p50"], 40e-6, 1e-6);
  EXPECT_EQ(told["trustworthy"], true);
  EXPECT_NEAR(told["answered_per_second"], 10.1, 0.001);
}

TEST_F(LoadReportTest, TheTableHasTheSameFigures) {
  answer(100ms, 20ms);
  answer(0ms, 1ms, 429);
  EXPECT_TRUE(text_has("latency                 120ms"));
  EXPECT_TRUE(text_has("service time             20ms"));
  EXPECT_TRUE(text_has("  429                       1     50.00 %"));
  EXPECT_TRUE(text_has("  team-a                    2    100.00 %"));
  EXPECT_TRUE(text_has("by the answers' usage"));
  EXPECT_FALSE(text_has("DO NOT TRUST"));
}

TEST_F(LoadReportTest, ALateGeneratorIsNotTrusted) {
  for (int i = 0; i < 100; ++i) tally_->note_start(kBegin, kBegin, kBegin + 50ms);
  EXPECT_EQ(parsed()["trustworthy"], false);
  EXPECT_TRUE(text_has("DO NOT TRUST THIS RESULT: the generator did not keep up"));
}

TEST_F(LoadReportTest, AGeneratorThatUsesUpItsCoreIsNotTrusted) {
  report_.result.cpu = 9500ms;
  EXPECT_EQ(load_doubts(report_).size(), 1u);
  EXPECT_TRUE(text_has("used 95 % of the one core"));
}

TEST_F(LoadReportTest, RequestsThatWaitedForConnectionsAreNoReasonForDoubt) {
  for (int i = 0; i < 100; ++i) tally_->note_start(kBegin, kBegin + 400ms, kBegin + 400ms);
  EXPECT_TRUE(load_doubts(report_).empty());
  EXPECT_TRUE(text_has("100 found all connections in use"));
}

TEST_F(LoadReportTest, WhatAServerSaysBreaksNeitherTableNorJson) {
  answer(1ms, 1ms, 200, "a\"b\\c\x1b[31m\xff");
  EXPECT_EQ(parsed()["gateway"]["accounts"]["a\"b\\c?[31m?"], 1);
  EXPECT_FALSE(text_has("\x1b"));
}

TEST_F(LoadReportTest, ARunWithoutAnswersIsAReportToo) {
  EXPECT_EQ(parsed()["latency_s"]["count"], 0);
  EXPECT_TRUE(text_has("0 requests in 10.0 s"));
}

TEST_F(LoadReportTest, CountedEventsAreCalledSo) {
  LoadOutcome outcome = {.status = 200, .due = kBegin, .sent = kBegin, .ended = kBegin + 1s};
  outcome.stream = true;
  outcome.content_events = 8;
  outcome.usage = {.estimated = true};
  tally_->note(outcome);
  EXPECT_EQ(parsed()["tokens"]["by"], "events");
  EXPECT_EQ(parsed()["tokens"]["out"], 8);
  EXPECT_TRUE(text_has("the answers did not tell their usage"));
}

}  // namespace
}  // namespace sluice::test
