#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "engine/proxy/access_log.h"
#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {
namespace {

constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

class AccessLineRoom : public ProxyTest {
 protected:
  void SetUp() override {
    ProxyTest::SetUp();
    add_client(std::string(64, 'c'), "sk-test-client");
  }
  // An exchange of which everything is as long as it can be, with `longest` for what strangers
  // choose.
  Exchange& begin_longest(const std::string& longest) {
    Exchange& exchange = begin("POST /v1/echo/ HTTP/1.1\r\nHost: g\r\n\r\n");
    exchange_->head->method_text = exchange.arena.copy(longest);
    exchange_->head->path = exchange.arena.copy("/v1/echo/" + longest);
    exchange.request_id = exchange.arena.copy(std::string(128, 'i'));
    exchange.client_key = &directory_->clients[0];
    exchange.model = exchange.arena.copy(longest);
    clock_.advance(1000h);
    ExchangeReport& report = exchange.report;
    report.status = 599;
    report.late_status = 599;
    report.hedged = true;
    report.hedge_winner = HedgeWinner::kSecond;
    report.account = exchange.arena.copy(std::string(64, 'a'));
    report.pool = "fallback";
    report.attempts = std::numeric_limits<std::uint32_t>::max();
    report.body_bytes_in = static_cast<std::uint64_t>(kMost);
    report.body_bytes_out = static_cast<std::uint64_t>(kMost);
    report.first_token_at = clock_.now();
    report.usage = Usage{.prompt = kMost,
                         .completion = kMost,
                         .total = kMost,
                         .cached_read = kMost,
                         .reasoning = kMost,
                         .estimated = true,
                         .seen = true};
    report.client_gone = true;
    report.error = exchange.arena.copy(longest);
    return exchange;
  }
  std::string logged(LogFormat format) {
    TextSink sink;
    const auto shard = std::make_unique<Shard>(Shard::Options{}, kernel_, clock_,
                                               Log(sink, clock_, LogLevel::kInfo, format));
    log_exchange(*shard, *exchange_);
    return sink.text;
  }
};

TEST_F(AccessLineRoom, ALongPathHidesNothingBehindIt) {
  begin_longest(std::string(3000, 'x'));
  const std::string line = logged(LogFormat::kText);
  EXPECT_NE(line.find(" path=/v1/echo/" + std::string(256 - 9 - 3, 'x') +
                      "... status=599 late_status=599 client=c"),
            std::string::npos)
      << line;
  EXPECT_NE(line.find(" model=" + std::string(253, 'x') + "... account=a"), std::string::npos);
  EXPECT_TRUE(line.ends_with(" error=" + std::string(381, 'x') + "...\n")) << line;
}

TEST_F(AccessLineRoom, TheLongestOfEverythingFits) {
  // Plain, what takes six bytes in the line for one, and what is no UTF-8.
  for (const char filling : {'x', '\x01', '\xff'}) {
    begin_longest(std::string(8000, filling));
    for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
      const std::string line = logged(format);
      // A fifth is left for the fields that are yet to come.
      EXPECT_LE(line.size(), LogLine::kLogLineBytesMax - 200) << line;
      EXPECT_EQ(line.find("cut"), std::string::npos) << line;
      for (const char* const key : {"id",
                                    "method",
                                    "path",
                                    "status",
                                    "late_status",
                                    "hedged",
                                    "won",
                                    "client",
                                    "model",
                                    "account",
                                    "pool",
                                    "attempts",
                                    "request_bytes",
                                    "answer_bytes",
                                    "prompt_tokens",
                                    "completion_tokens",
                                    "total_tokens",
                                    "cached_tokens",
                                    "reasoning_tokens",
                                    "usage",
                                    "ttft_us",
                                    "total_us",
                                    "ended",
                                    "error"}) {
        const std::string field = format == LogFormat::kJson ? "\"" + std::string(key) + "\":"
                                                             : " " + std::string(key) + "=";
        EXPECT_NE(line.find(field), std::string::npos) << field << " in " << line;
      }
    }
  }
}

TEST_F(AccessLineRoom, WhatFitsIsWhole) {
  Exchange& exchange = begin("GET /v1/models HTTP/1.1\r\nHost: g\r\n\r\n");
  exchange.report.status = 200;
  exchange.model = exchange.arena.copy(std::string(256, 'm'));
  const std::string line = logged(LogFormat::kText);
  EXPECT_NE(line.find(" path=/v1/models status=200 model=" + std::string(256, 'm') + " "),
            std::string::npos)
      << line;
}

}  // namespace
}  // namespace sluice
