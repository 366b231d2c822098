#include "engine/proxy/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {
namespace {

class AnswerTest : public ProxyTest {
 protected:
  std::string give(Exchange& exchange, const Answer& answer) {
    Task<void> sending = send_answer(*shard_, exchange, answer);
    finish(sending);
    return client_got();
  }
  std::string give(const Answer& answer) {
    return give(begin("POST /v1/x HTTP/1.1\r\nHost: g\r\n\r\n"), answer);
  }
  // Its fields behind those that every answer has.
  std::string own_fields(const Answer& answer) {
    const std::string text = give(answer);
    const std::string before = "x-request-id: req-1\r\n";
    const std::size_t begin = text.find(before), end = text.find("\r\n\r\n");
    if (begin == std::string::npos) return "(no id: " + text + ")";
    return text.substr(begin + before.size(), end + 2 - begin - before.size());
  }
  static Answer too_busy() {
    return Answer{.status = 503, .type = "server_error", .code = "c", .message = "m"};
  }
};

TEST_F(AnswerTest, AnErrorHasTheShapeOfOpenAi) {
  EXPECT_EQ(give(Answer{.status = 429,
                        .type = "requests",
                        .code = "rate_limit_exceeded",
                        .message = "slow down"}),
            "HTTP/1.1 429 Too Many Requests\r\n"
            "date: Tue, 14 Nov 2023 22:13:21 GMT\r\n"
            "content-type: application/json\r\n"
            "content-length: 94\r\n"
            "x-request-id: req-1\r\n"
            "x-sluice-error-source: gateway\r\n"
            "\r\n"
            "{\"error\":{\"message\":\"slow down\",\"type\":\"requests\",\"param\":null,"
            "\"code\":\"rate_limit_exceeded\"}}\n");
  EXPECT_TRUE(exchange_->answered);
  EXPECT_EQ(exchange_->report.status, 429);
  EXPECT_EQ(exchange_->report.error, "slow down");
  EXPECT_EQ(exchange_->report.body_bytes_out, 94u);
  EXPECT_EQ(exchange_->ending, Ending::kKeepAlive);
}

TEST_F(AnswerTest, WhatAClientSaidIsAJsonStringInIt) {
  const std::string message = "no \"model\" called \\\n\x01\xff here";
  const std::string text = give(bad_request(message, "model"));
  const std::size_t body = text.find("\r\n\r\n") + 4;
  const auto error = nlohmann::json::parse(text.substr(body), nullptr, false);
  ASSERT_TRUE(error.is_object()) << text;
  EXPECT_EQ(error["error"].size(), 4u);
  EXPECT_EQ(error["error"]["message"], "no \"model\" called \\\n\x01\xef\xbf\xbd here");
  EXPECT_EQ(error["error"]["type"], "invalid_request_error");
  EXPECT_EQ(error["error"]["param"], "model");
  EXPECT_TRUE(error["error"]["code"].is_null());
  EXPECT_NE(text.find("content-length: " + std::to_string(text.size() - body) + "\r\n"),
            std::string::npos);
}

TEST_F(AnswerTest, ADocumentIsSentAsItIs) {
  const std::string text = give(Answer{.status = 200, .document = "{\"a\":1}\n"});
  EXPECT_EQ(text,
            "HTTP/1.1 200 OK\r\n"
            "date: Tue, 14 Nov 2023 22:13:21 GMT\r\n"
            "content-type: application/json\r\n"
            "content-length: 8\r\n"
            "x-request-id: req-1\r\n"
            "\r\n"
            "{\"a\":1}\n");
  EXPECT_EQ(exchange_->report.error, "");
}

TEST_F(AnswerTest, FieldsThatTellAClientWhatToDo) {
  const std::string source = "x-sluice-error-source: gateway\r\n";
  Answer answer = too_busy();
  EXPECT_EQ(own_fields(answer), source);
  answer.retry_after = 1500ms;  // rounded up: who waits so long does not come too early
  EXPECT_EQ(own_fields(answer), source + "retry-after: 2\r\nretry-after-ms: 1500\r\n");
  answer.retry_after = 1ns;
  EXPECT_EQ(own_fields(answer), source + "retry-after: 1\r\nretry-after-ms: 1\r\n");
  answer = too_busy();
  answer.never_retry = true;
  EXPECT_EQ(own_fields(answer), source + "x-should-retry: false\r\n");
  answer = too_busy();
  answer.allow = "GET, HEAD";
  EXPECT_EQ(own_fields(answer), source + "allow: GET, HEAD\r\n");
  answer = too_busy();
  answer.authenticate = true;
  EXPECT_EQ(own_fields(answer), source + "www-authenticate: Bearer realm=\"sluice\"\r\n");
}

TEST_F(AnswerTest, AttemptsAreToldUnlessIdentityFieldsAreOff) {
  Exchange& exchange = begin("POST /v1/x HTTP/1.1\r\nHost: g\r\n\r\n");
  exchange.report.attempts = 3;
  EXPECT_NE(give(exchange, too_busy()).find("\r\nx-sluice-attempts: 3\r\n"), std::string::npos);
}

TEST_F(AnswerTest, WithoutIdentityFieldsNoAttemptsAreTold) {
  settings_.identity_headers = false;
  Exchange& exchange = begin("POST /v1/x HTTP/1.1\r\nHost: g\r\n\r\n");
  exchange.report.attempts = 3;
  EXPECT_EQ(give(exchange, too_busy()).find("x-sluice-attempts"), std::string::npos);
}

TEST_F(AnswerTest, HeadGetsTheLengthAndNoBody) {
  Exchange& exchange = begin("HEAD /health HTTP/1.1\r\nHost: g\r\n\r\n");
  const std::string text = give(exchange, Answer{.status = 200, .document = "{\"a\":1}\n"});
  EXPECT_NE(text.find("content-length: 8\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n")) << text;
  EXPECT_EQ(exchange.report.body_bytes_out, 0u);
}

struct EndingRow {
  const char* rule;
  std::string_view head;  // "": none was read
  bool answer_closes;
  bool draining;
  Ending ending;
};
constexpr EndingRow kEndingRows[] = {
    {"the connection goes on", "GET / HTTP/1.1\r\nHost: g\r\n\r\n", false, false,
     Ending::kKeepAlive},
    {"C2: the client closes", "GET / HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n", false,
     false, Ending::kClose},
    {"C5: HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", false, false, Ending::kClose},
    {"a drain closes", "GET / HTTP/1.1\r\nHost: g\r\n\r\n", false, true, Ending::kClose},
    {"B7: what follows cannot be trusted", "GET / HTTP/1.1\r\nHost: g\r\n\r\n", true, false,
     Ending::kLinger},
    {"B7: also from one that closes", "GET / HTTP/1.0\r\n\r\n", true, false, Ending::kLinger},
    {"no head was read", "", true, false, Ending::kLinger},
    {"nor was one refused", "", false, false, Ending::kClose},
};

TEST_F(AnswerTest, TheEndingIsToldInTheHead) {
  for (const EndingRow& row : kEndingRows) {
    SCOPED_TRACE(row.rule);
    Exchange& exchange = begin(row.head.empty() ? "GET / HTTP/1.0\r\n\r\n" : row.head);
    if (row.head.empty()) exchange.head = nullptr;
    worker_->draining = row.draining;
    Answer answer = too_busy();
    answer.close = row.answer_closes;
    const std::string text = give(exchange, answer);
    EXPECT_EQ(exchange.ending, row.ending);
    EXPECT_EQ(text.find("connection: close\r\n") != std::string::npos,
              row.ending != Ending::kKeepAlive);
  }
}

TEST_F(AnswerTest, BeforeTheRequestIsReadThereIsNoId) {
  Exchange& exchange = begin("GET / HTTP/1.0\r\n\r\n");
  exchange.head = nullptr;
  exchange.request_id = {};
  EXPECT_EQ(give(exchange, too_busy()).find("x-request-id"), std::string::npos);
}

TEST_F(AnswerTest, NobodyAndWhoHasAnAnswerGetNone) {
  Exchange& gone = begin("GET / HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_EQ(give(gone, *nobody().error()), "");
  EXPECT_FALSE(gone.answered);
  EXPECT_EQ(gone.ending, Ending::kClose);
  EXPECT_EQ(gone.report.status, 0);
  Exchange& answered = begin("GET / HTTP/1.1\r\nHost: g\r\n\r\n");
  answered.answered = true;  // R3
  EXPECT_EQ(give(answered, too_busy()), "");
  EXPECT_EQ(answered.ending, Ending::kClose);
}

TEST_F(AnswerTest, AClientThatTakesNothingIsGivenUp) {
  settings_.client_stall = 60s;
  Exchange& exchange = begin("GET / HTTP/1.1\r\nHost: g\r\n\r\n");
  const std::string large(8 * 1024 * 1024, 'x');
  const Answer answer{.status = 200, .document = large};
  Task<void> sending = send_answer(*shard_, exchange, answer);
  pass(59s);
  shard_->turn(shard_->now());
  EXPECT_FALSE(sending.done());
  for (int i = 0; i < 10 && !sending.done(); ++i) {
    pass(30s);
    shard_->turn(shard_->now() + 1ms);
  }
  finish(sending);
  EXPECT_EQ(exchange.ending, Ending::kClose);
}

struct RefusalRow {
  std::uint16_t status;
  std::string_view code;
};

TEST_F(AnswerTest, ARefusalOfTheParsersClosesWithItsCode) {
  for (const RefusalRow& row :
       {RefusalRow{400, ""}, RefusalRow{405, "method_not_allowed"}, RefusalRow{408, ""},
        RefusalRow{413, "request_too_large"}, RefusalRow{414, "request_too_large"},
        RefusalRow{431, "request_too_large"}, RefusalRow{501, ""}, RefusalRow{505, ""}}) {
    const Answer answer = answer_refusal(Refusal{row.status, "F1", "a sentence"});
    EXPECT_EQ(answer.status, row.status);
    EXPECT_EQ(answer.type, "invalid_request_error");
    EXPECT_EQ(answer.code, row.code) << row.status;
    EXPECT_EQ(answer.message, "a sentence");
    EXPECT_TRUE(answer.close);
  }
}

TEST_F(AnswerTest, TheUsualErrors) {
  EXPECT_EQ(too_large("m").status, 413);
  EXPECT_EQ(too_large("m").code, "request_too_large");
  EXPECT_TRUE(too_large("m").close);
  EXPECT_EQ(not_found("unknown_url", "m").status, 404);
  EXPECT_EQ(not_found("unknown_url", "m").code, "unknown_url");
  EXPECT_FALSE(not_found("unknown_url", "m").close);
  EXPECT_EQ(bad_request("m", "p").status, 400);
  EXPECT_FALSE(bad_request("m").close);
}

}  // namespace
}  // namespace sluice
