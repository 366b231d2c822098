// Every fault of the mock as a client sees it.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/integration/mock_fixture.h"

namespace sluice {
namespace {

using Json = nlohmann::json;
using State = RawClient::State;

class MockFaults : public WithMock {
 protected:
  void SetUp() override { start(); }

  // A client that has sent a chat request with these directives.
  [[nodiscard]] RawClient asking(std::string_view directives, bool stream = false) const {
    RawClient client = connect();
    const std::string fields = "x-mock-fault: " + std::string(directives) + "\r\n";
    const std::string_view body = stream ? kStreamBody : kChatBody;
    EXPECT_TRUE(client.send(request_text("POST", "/v1/chat/completions", body, fields)));
    return client;
  }
};

struct StatusRow {
  const char* directives;
  int status;
  const char* field;
  const char* value;
};
constexpr StatusRow kStatusRows[] = {
    {"status=429;retry-after=2", 429, "retry-after", "2"},
    {"status=429;retry-after=1.5", 429, "retry-after", "1.5"},
    {"status=429;retry-after-ms=1500", 429, "retry-after-ms", "1500"},
    {"status=429", 429, "retry-after", ""},
    {"status=401", 401, "content-type", "application/json"},
    {"status=500;should-retry=false", 500, "x-should-retry", "false"},
    {"status=529", 529, "content-type", "application/json"},
    {"status=503;header=X-Odd: %22odd%22", 503, "x-odd", "\"odd\""},
    {"status=204", 204, "content-length", ""},
    {"status=304", 304, "transfer-encoding", ""},
    {"gzip", 200, "content-encoding", "gzip"},
};

TEST_F(MockFaults, StatusesAndFields) {
  for (const StatusRow& row : kStatusRows) {
    for (const bool stream : {false, true}) {
      const RawResponse response = chat(row.directives, stream);
      EXPECT_EQ(response.status, row.status) << row.directives;
      EXPECT_EQ(response.field(row.field), row.value) << row.directives;
      EXPECT_TRUE(response.complete) << row.directives;
      if (row.status < 400) continue;
      EXPECT_TRUE(Json::parse(response.body).contains("error"));
    }
  }
}

TEST_F(MockFaults, ARetryDateLiesInTheFuture) {
  const RawResponse response = chat("status=429;retry-after-date=3600s");
  EXPECT_TRUE(response.field("retry-after").ends_with(" GMT"));
  EXPECT_NE(response.field("retry-after"), response.field("date"));
}

TEST_F(MockFaults, CookiesAreNotMerged) {
  EXPECT_EQ(chat("set-cookie=3").count_fields("Set-Cookie"), 3);
}

struct AbortRow {
  const char* directives;
  bool stream;
  bool head_comes;
  State end;
};
constexpr AbortRow kAbortRows[] = {
    {"abort=rst", false, false, State::kReset},
    {"abort=fin", false, false, State::kEnded},
    {"abort=rst;abort-at=head", true, true, State::kReset},
    {"abort=fin;abort-at=head", true, true, State::kEnded},
    {"abort=fin;abort-at=event:2", true, true, State::kEnded},
    {"abort=rst;abort-at=event:2", true, true, State::kReset},
    {"abort=fin;abort-at=byte:10", true, true, State::kEnded},
    {"truncate=10", false, true, State::kEnded},
    {"malformed=no-last-chunk", true, true, State::kEnded},
};

TEST_F(MockFaults, AnswersBreakOff) {
  for (const AbortRow& row : kAbortRows) {
    RawClient client = asking(row.directives, row.stream);
    const std::optional<RawResponse> response = client.read_response();
    // A reset may overtake what was sent before it.
    EXPECT_TRUE(row.end == State::kReset || response.has_value() == row.head_comes)
        << row.directives;
    EXPECT_FALSE(response && response->complete) << row.directives;
    EXPECT_TRUE(client.wait_for_end()) << row.directives;
    EXPECT_EQ(client.state(), row.end) << row.directives;
    const MockExchange exchange = last_exchange();
    EXPECT_FALSE(exchange.client_left) << row.directives;
    EXPECT_EQ(exchange.status, row.head_comes ? 200 : 0) << row.directives;
  }
}

TEST_F(MockFaults, ATruncatedBodyAnnouncesItsWholeLength) {
  RawClient client = asking("truncate=10");
  const std::optional<RawResponse> response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body.size(), 10u);
  EXPECT_GT(std::stoul(response->field("content-length")), 10u);
}

struct LegalRow {
  const char* rule;
  const char* directives;
  bool stream;
  bool goes_on;
};
constexpr LegalRow kLegalRows[] = {
    {"JSON in chunks", "framing=chunked", false, true},
    {"until close", "framing=close", false, false},
    {"a stream until close", "framing=close", true, false},
    {"a stream with a length", "framing=length", true, true},
    {"HTTP/1.0", "framing=http10", true, false},
    {"a trailer and an extension", "trailer;chunk-extension", true, true},
    {"byte by byte", "drip=1ms;body=dripping", false, true},
    {"in small sends", "write-bytes=5", true, true},
    {"events in two sends", "sse-event-split;sse-eol=mixed", true, true},
    {"close announced", "close", false, false},
    {"close not announced", "close-silent", false, false},
    {"64 KiB of words", "content-bytes=64KiB", true, true},
};

TEST_F(MockFaults, LegalButUnusualAnswersArriveWhole) {
  for (const LegalRow& row : kLegalRows) {
    RawClient client = asking(row.directives, row.stream);
    const std::optional<RawResponse> response = client.read_response();
    ASSERT_TRUE(response) << row.rule;
    EXPECT_TRUE(response->complete) << row.rule;
    EXPECT_EQ(response->status, 200) << row.rule;
    if (row.goes_on) {
      client.send(request_text("GET", "/v1/models"));
      EXPECT_TRUE(client.read_response()) << row.rule;
    } else {
      EXPECT_TRUE(client.wait_for_end()) << row.rule;
    }
  }
}

TEST_F(MockFaults, HugeAnswersArriveWhole) {
  const RawResponse response = chat("content-bytes=8MiB");
  EXPECT_TRUE(response.complete);
  EXPECT_GT(response.body.size(), 8u << 20);
}

TEST_F(MockFaults, LatencyComesBeforeTheHeadAndGapsBetweenEvents) {
  const auto began = std::chrono::steady_clock::now();
  RawClient client = asking("latency=60ms;gap=3s;tokens=3", true);
  const std::string first = client.read_some();
  EXPECT_GE(std::chrono::steady_clock::now() - began, 60ms);
  EXPECT_EQ(first.find("token-0"), std::string::npos);
  const std::string second = client.read_some();
  EXPECT_NE(second.find("token-0"), std::string::npos);
  EXPECT_EQ(second.find("token-1"), std::string::npos);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 3060ms);
}

TEST_F(MockFaults, InterimAnswersComeFirst) {
  RawClient client = asking("informational=103*2");
  EXPECT_EQ(client.read_response()->status, 103);
  EXPECT_EQ(client.read_response()->status, 103);
  EXPECT_EQ(client.read_response()->status, 200);
}

TEST_F(MockFaults, BytesComeBehindTheFramedEnd) {
  RawClient at_once = asking("extra=HTTP/1.1 408 Late");
  ASSERT_TRUE(at_once.read_response()->complete);
  EXPECT_EQ(at_once.read_some(), "HTTP/1.1 408 Late");
  RawClient later = asking("extra=late;extra-after=50ms");
  ASSERT_TRUE(later.read_response()->complete);
  EXPECT_EQ(later.read_some(20ms), "");
  EXPECT_EQ(later.read_some(), "late");
}

TEST_F(MockFaults, AnIdleConnectionIsClosed) {
  RawClient client = asking("close-after=50ms");
  ASSERT_TRUE(client.read_response()->complete);
  EXPECT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.state(), State::kEnded);
}

TEST_F(MockFaults, AnAnswerComesBeforeTheBody) {
  for (const char* const how : {"early", "early-keep"}) {
    RawClient client = connect();
    client.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
        "x-mock-fault: status=413;" +
        std::string(how) + "\r\n\r\n");
    const std::optional<RawResponse> response = client.read_response();
    ASSERT_TRUE(response) << how;
    EXPECT_EQ(response->status, 413) << how;
    const bool keep = std::string_view(how) == "early-keep";
    EXPECT_EQ(response->field("connection"), keep ? "" : "close") << how;
    client.send("12345");
    if (keep) {
      client.send(request_text("GET", "/v1/models"));
      EXPECT_EQ(client.read_response()->status, 200);
    } else {
      EXPECT_TRUE(client.wait_for_end());
      EXPECT_EQ(client.state(), State::kEnded) << "no reset swallows the answer (B7)";
    }
  }
}

TEST_F(MockFaults, NoContinueLeavesTheClientWaiting) {
  RawClient client = connect();
  client.send(
      "POST /v1/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
      "Content-Length: 2\r\nx-mock-fault: no-continue\r\n\r\n");
  EXPECT_FALSE(client.read_response(false, 50ms));
  client.send("ok");
  EXPECT_EQ(client.read_response()->status, 200);
}

TEST_F(MockFaults, MalformedAnswersEndTheConnection) {
  for (const char* const kind : {"status-line", "garbage", "cl-te", "header-fold", "huge-head"}) {
    RawClient client = asking("malformed=" + std::string(kind));
    const std::string bytes = client.read_until_end();
    EXPECT_FALSE(bytes.empty()) << kind;
    EXPECT_EQ(client.state(), State::kEnded) << kind;
  }
  EXPECT_EQ(asking("raw=HTTP/9.9%0A%0A").read_until_end(), "HTTP/9.9\n\n");
}

TEST_F(MockFaults, AreChosenByTheModelToo) {
  const RawResponse response =
      ask("POST", "/v1/chat/completions", R"({"model":"m!status=429;retry-after=7"})");
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.field("retry-after"), "7");
}

TEST_F(MockFaults, AreChosenByTheScriptForAKeyAndARequest) {
  ASSERT_TRUE(mock.set_script(R"(rules:
  - {match: {key: sk-test-b, nth: 2}, do: {status: 500}}
  - {match: {path: /v1/early}, do: {early: true, status: 401}})"));
  const auto status = [this](const char* key) {
    return ask("POST", "/v1/chat/completions", kChatBody, "", key).status;
  };
  EXPECT_EQ(status("sk-test-b"), 200);
  EXPECT_EQ(status("sk-test-a"), 200);
  EXPECT_EQ(status("sk-test-b"), 500);
  EXPECT_EQ(last_exchange().rule, 0);
  RawClient client = connect();
  client.send("POST /v1/early HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.read_response()->status, 401);
}

TEST_F(MockFaults, AMistypedDirectiveIsAnsweredAsSuch) {
  const RawResponse response = chat("statuz=500");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(Json::parse(response.body)["error"]["code"], "mock_directive");
}

}  // namespace
}  // namespace sluice
