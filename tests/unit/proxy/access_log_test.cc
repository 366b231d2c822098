#include "engine/proxy/access_log.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {
namespace {

class AccessLog : public ProxyTest {
 protected:
  std::string logged() {
    sink_.text.clear();
    log_exchange(*shard_, *exchange_);
    return sink_.text;
  }
  Exchange& ask() {
    return begin(
        "POST /v1/chat/completions?key=sk-test-query HTTP/1.1\r\nHost: g\r\n"
        "Authorization: Bearer sk-test-alice\r\n\r\n");
  }
};

TEST_F(AccessLog, OneLineTellsAll) {
  add_client("alice", "sk-test-alice");
  Exchange& exchange = ask();
  exchange.client_key = &directory_->clients[0];
  exchange.model = "m-1";
  set_body("{\"model\":\"m-1\",\"messages\":\"a secret\"}");
  pass(30ms);
  exchange.report.first_token_at = clock_.now();
  pass(70ms);
  exchange.report.status = 200;
  exchange.report.account = "team-a";
  exchange.report.pool = "primary";
  exchange.report.attempts = 2;
  exchange.report.body_bytes_out = 1234;
  exchange.report.usage = Usage{
      .prompt = 10, .completion = 20, .total = 30, .cached_read = 4, .reasoning = 5, .seen = true};
  EXPECT_EQ(logged(),
            "2023-11-14T22:13:21.100Z info request id=req-1 method=POST path=/v1/chat/completions "
            "status=200 client=alice model=m-1 account=team-a pool=primary attempts=2 "
            "request_bytes=37 answer_bytes=1234 prompt_tokens=10 completion_tokens=20 "
            "total_tokens=30 cached_tokens=4 reasoning_tokens=5 ttft_us=30000 total_us=100000\n");
}

TEST_F(AccessLog, WhatIsNotThereIsNotTold) {
  ask().report.status = 401;
  EXPECT_EQ(logged(),
            "2023-11-14T22:13:21.000Z info request id=req-1 method=POST path=/v1/chat/completions "
            "status=401 request_bytes=0 answer_bytes=0 total_us=0\n");
}

TEST_F(AccessLog, AnEstimateIsMarkedAsOne) {
  ask().report.usage = Usage{.prompt = 3, .completion = 4, .total = 7, .estimated = true};
  const std::string line = logged();
  EXPECT_NE(line.find("prompt_tokens=3 completion_tokens=4 total_tokens=7 usage=estimated"),
            std::string::npos)
      << line;
  EXPECT_EQ(line.find("cached_tokens"), std::string::npos);
  exchange_->report.usage = Usage{.total = 7, .seen = true};
  EXPECT_EQ(logged().find("usage=estimated"), std::string::npos);
}

TEST_F(AccessLog, HowItEndedInWords) {
  Exchange& exchange = ask();
  exchange.report.client_gone = true;
  exchange.report.error = "stream ended";
  const std::string line = logged();
  EXPECT_TRUE(line.ends_with(" ended=\"the client left\" error=\"stream ended\"\n")) << line;
}

TEST_F(AccessLog, ARequestWithoutAHeadIsLoggedIfItWasAnswered) {
  ask();
  exchange_->head = nullptr;
  exchange_->request_id = {};
  EXPECT_EQ(logged(), "");  // a connection that said nothing
  exchange_->report.status = 400;
  const std::string line = logged();
  EXPECT_NE(line.find("status=400"), std::string::npos) << line;
  EXPECT_EQ(line.find("method="), std::string::npos) << line;
}

TEST_F(AccessLog, AForgedLineStaysOne) {
  Exchange& exchange = ask();
  exchange.model = "m\n2023-11-14T22:13:21.100Z info request id=forged";
  const std::string line = logged();
  EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
}

TEST_F(AccessLog, AboveItsLevelNothingIsWritten) {
  TextSink other;
  Shard quiet(Shard::Options{}, kernel_, clock_,
              Log(other, clock_, LogLevel::kWarning, LogFormat::kText));
  ask().report.status = 200;
  log_exchange(quiet, *exchange_);
  EXPECT_EQ(other.text, "");
}

}  // namespace
}  // namespace sluice
