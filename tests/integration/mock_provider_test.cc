#include "tools/mock/mock_provider.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/integration/mock_fixture.h"
#include "tests/integration/raw_tls_client.h"
#include "tests/unit/test_directory.h"
#include "tests/unit/tls/test_certificates.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

class MockProviderTest : public WithMock {};

struct EndpointRow {
  const char* method;
  const char* target;
  const char* body;
  const char* must_hold;
  bool stream;
};
constexpr EndpointRow kEndpointRows[] = {
    {"POST", "/v1/chat/completions", R"({"model":"m"})", R"("object":"chat.completion")", false},
    {"POST", "/v1/chat/completions", R"({"model":"m","stream":true})", "data: [DONE]\n\n", true},
    {"POST", "/v1/completions", R"({"model":"m"})", R"("object":"text_completion")", false},
    {"POST", "/v1/completions", R"({"model":"m","stream":true})", "data: [DONE]\n\n", true},
    {"POST", "/v1/embeddings", R"({"model":"m","input":"a"})", R"("object":"embedding")", false},
    {"POST", "/v1/responses", R"({"model":"m","input":"a"})", R"("object":"response")", false},
    {"POST", "/v1/responses", R"({"model":"m","stream":true})", "event: response.completed\n",
     true},
    {"POST", "/v1/messages", R"({"model":"m"})", R"("type":"message")", false},
    {"POST", "/v1/messages", R"({"model":"m","stream":true})", "event: message_stop\n", true},
    {"GET", "/v1/models", "", R"("id":"mock-large")", false},
    {"GET", "/v1/models/mock-small", "", R"("id":"mock-small")", false},
    {"PUT", "/v1/echo/this?a=b", "bytes", R"("target":"/v1/echo/this?a=b")", false},
};

TEST_F(MockProviderTest, AnswersAtEveryEndpointOverOneConnection) {
  start();
  RawClient client = connect();
  for (const EndpointRow& row : kEndpointRows) {
    ASSERT_TRUE(client.send(request_text(row.method, row.target, row.body))) << row.target;
    const std::optional<RawResponse> response = client.read_response();
    ASSERT_TRUE(response && response->complete) << row.target;
    EXPECT_EQ(response->status, 200) << row.target;
    EXPECT_NE(response->body.find(row.must_hold), std::string::npos) << response->body;
    EXPECT_EQ(response->field("transfer-encoding") == "chunked", row.stream) << row.target;
  }
  EXPECT_EQ(mock.counts().connections, 1u);
  EXPECT_EQ(mock.counts().requests, std::size(kEndpointRows));
}

TEST_F(MockProviderTest, AnswersPipelinedRequestsInOrder) {
  start();
  RawClient client = connect();
  std::string requests;
  for (int i = 0; i < 5; ++i) requests += request_text("GET", "/v1/echo/" + std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 5; ++i) {
    const std::optional<RawResponse> response = client.read_response();
    ASSERT_TRUE(response);
    EXPECT_EQ(Json::parse(response->body)["target"], "/v1/echo/" + std::to_string(i));
  }
}

TEST_F(MockProviderTest, EchoesWhatArrivedByteForByte) {
  start();
  const std::string head =
      "POST /v1/echo?x=%20 HTTP/1.1\r\nhOsT: a\r\nX-Two:  1\r\nx-two: 2\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  RawClient client = connect();
  client.send(head);
  client.send("3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n");
  const std::optional<RawResponse> response = client.read_response();
  ASSERT_TRUE(response);
  const Json echo = Json::parse(response->body);
  EXPECT_EQ(echo["head"], head);
  EXPECT_EQ(echo["framing"], "chunked");
  EXPECT_EQ(echo["body"], "abcde");
  EXPECT_EQ(echo["headers"][2], Json::parse(R"(["x-two","2"])"));
  EXPECT_EQ(echo["body_sha256"],
            "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c");
}

TEST_F(MockProviderTest, HeadHasTheHeadOfGet) {
  start();
  RawClient client = connect();
  client.send(request_text("HEAD", "/v1/models") + request_text("GET", "/v1/models"));
  const std::optional<RawResponse> head = client.read_response(true);
  const std::optional<RawResponse> get = client.read_response();
  ASSERT_TRUE(head && get);
  EXPECT_EQ(head->field("content-length"), get->field("content-length"));
}

TEST_F(MockProviderTest, ContinuesBeforeTheBodyComes) {
  start();
  RawClient client = connect();
  client.send(
      "POST /v1/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
      "Content-Length: 2\r\n\r\n");
  const std::optional<RawResponse> interim = client.read_response();
  ASSERT_TRUE(interim);
  EXPECT_EQ(interim->status, 100);
  client.send("ok");
  const std::optional<RawResponse> response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(Json::parse(response->body)["body"], "ok");
}

TEST_F(MockProviderTest, RefusesAMalformedRequestAndNotesTheRule) {
  start();
  RawClient client = connect();
  client.send("GET /v1/models HTTP/1.1\r\nHost : a\r\n\r\n");
  const std::optional<RawResponse> response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 400);
  EXPECT_EQ(last_exchange().refused, "F1");
}

TEST_F(MockProviderTest, LimitsEachKeyAndSaysWhenToComeBack) {
  start("limits: [{key: sk-test-a, requests: 2, window: 60s}]");
  EXPECT_EQ(chat("").status, 200);
  EXPECT_EQ(chat("").field("x-ratelimit-remaining-requests"), "0");
  const RawResponse refused = chat("");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.field("retry-after"), "60");
  EXPECT_EQ(ask("POST", "/v1/messages", "{}", "x-api-key: sk-test-b\r\n", "").status, 200);
  EXPECT_EQ(ask("GET", "/v1/models").status, 200) << "lists of models are not counted";
}

TEST_F(MockProviderTest, KeepsALedgerThatTestsRead) {
  start();
  static_cast<void>(ask("POST", "/v1/chat/completions", kStreamBody, "", "sk-test-b"));
  static_cast<void>(chat("status=503"));
  static_cast<void>(last_exchange());
  const Json ledger = Json::parse(ask("GET", "/mock/ledger").body);
  ASSERT_EQ(ledger["requests"].size(), 2u) << "requests to /mock/ leave no trace";
  const Json& first = ledger["requests"][0];
  EXPECT_EQ(first["key"], "sk-test-b");
  EXPECT_EQ(first["model"], "m");
  EXPECT_EQ(first["stream"], true);
  EXPECT_EQ(first["complete"], true);
  EXPECT_LE(first["head_at_ms"].get<double>(), first["read_at_ms"].get<double>());
  EXPECT_LE(first["read_at_ms"].get<double>(), first["answered_at_ms"].get<double>());
  EXPECT_EQ(ledger["requests"][1]["status"], 503);
  EXPECT_EQ(Json::parse(ask("GET", "/mock/ledger?key=sk-test-b").body)["requests"].size(), 1u);
  EXPECT_EQ(Json::parse(ask("GET", "/mock/arrivals?status=503").body)["sk-test-a"].size(), 1u);
  const Json last = Json::parse(ask("GET", "/mock/last?count=5&key=sk-test-b").body)["requests"];
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0]["body"], kStreamBody);
  const Json counts = Json::parse(ask("GET", "/mock/count").body);
  EXPECT_EQ(counts["requests"], 2);
  EXPECT_EQ(counts["by_status"]["503"], 1);
  EXPECT_EQ(ask("DELETE", "/mock/ledger").status, 200);
  EXPECT_TRUE(Json::parse(ask("GET", "/mock/ledger").body)["requests"].empty());
}

TEST_F(MockProviderTest, TakesAnotherScriptWhileItRuns) {
  start();
  EXPECT_EQ(ask("POST", "/mock/script", "rules: [{do: {status: 418}}]").status, 200);
  EXPECT_EQ(chat("").status, 418);
  const RawResponse refused = ask("POST", "/mock/script", "rules: [{do: {statuz: 1}}]");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("line 1"), std::string::npos);
  EXPECT_EQ(chat("").status, 418) << "the old one stays";
  EXPECT_EQ(ask("DELETE", "/mock/script").status, 200);
  EXPECT_EQ(chat("").status, 200);
}

// The quickest of eight: a busy machine may hold either side up once, a mock that looks now and
// then is late each time.
TEST_F(MockProviderTest, SeesWithin100MillisecondsThatAClientHasLeft) {
  start();
  constexpr std::array kDirectives = {"hang", "gap=10s;tokens=1000", "stall=forever;stall-at=head"};
  std::array<Duration, kDirectives.size()> quickest;
  quickest.fill(Duration::max());
  for (std::size_t i = 0; i < 8 * kDirectives.size(); ++i) {
    const char* const directives = kDirectives[i % kDirectives.size()];
    RawClient client = connect();
    client.send(request_text("POST", "/v1/chat/completions", kStreamBody,
                             "x-mock-fault: " + std::string(directives) + "\r\n"));
    static_cast<void>(last_exchange([](const MockExchange& now) { return now.read_us != 0; }));
    const auto left_at = std::chrono::steady_clock::now();
    client.close();
    const MockExchange exchange = last_exchange();
    Duration& best = quickest[i % kDirectives.size()];
    best = std::min<Duration>(best, std::chrono::steady_clock::now() - left_at);
    EXPECT_TRUE(exchange.client_left) << directives;
    EXPECT_FALSE(exchange.complete) << directives;
  }
  for (std::size_t i = 0; i < kDirectives.size(); ++i)
    EXPECT_LT(quickest[i], 100ms) << kDirectives[i];
}

TEST_F(MockProviderTest, NotesARequestThatBreaksOffInItsBody) {
  start();
  RawClient client = connect();
  client.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-Request-Id: one\r\n"
      "Content-Length: 100\r\n\r\nxx");
  client.close();
  const MockExchange exchange = last_exchange();
  EXPECT_EQ(exchange.request_id, "one");
  EXPECT_EQ(exchange.read_us, 0);
  EXPECT_EQ(exchange.status, 0);
  EXPECT_TRUE(exchange.client_left);
}

TEST_F(MockProviderTest, ServesOnSeveralShardsWithOneLedger) {
  MockOptions options;
  options.shards = 3;
  start(std::move(options));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this] {
      for (int i = 0; i < 25; ++i) EXPECT_EQ(chat("tokens=2", i % 2 == 0).status, 200);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::uint64_t> ids;
  for (const MockExchange& exchange : mock.ledger()) ids.insert(exchange.id);
  EXPECT_EQ(ids.size(), 100u);
}

TEST_F(MockProviderTest, StopsWhileAnswersAreOnTheirWay) {
  start();
  RawClient waiting = connect();
  waiting.send(request_text("POST", "/v1/chat/completions", kStreamBody, "x-mock-fault: hang\r\n"));
  RawClient idle = connect();
  static_cast<void>(last_exchange([](const MockExchange& now) { return now.read_us != 0; }));
  mock.stop();
  EXPECT_TRUE(waiting.wait_for_end());
  EXPECT_TRUE(idle.wait_for_end());
}

TEST_F(MockProviderTest, SaysWhyItCannotListen) {
  start();
  MockProvider second;
  MockOptions options;
  options.listen = "somewhere";
  EXPECT_TRUE(second.start(options).error().starts_with("\"somewhere\" has no port; expected "));
  options.listen = "127.0.0.1:0";
  options.certificate_file = "/nonexistent.pem";
  EXPECT_NE(second.start(options).error().find("/nonexistent.pem"), std::string::npos);
}

TEST_F(MockProviderTest, SpeaksTlsAndCutsItWithoutAGoodbye) {
  const TestDirectory folder;
  const TestAuthority authority("mock authority");
  const PemPair pair = authority.issue({.dns_names = {"localhost"}});
  const std::string ca = folder.write("ca.pem", authority.certificate_pem());
  MockOptions options;
  options.certificate_file = folder.write("cert.pem", pair.certificate);
  options.key_file = folder.write("key.pem", pair.key);
  start(std::move(options));
  EXPECT_TRUE(mock.url().starts_with("https://127.0.0.1:"));
  struct Row {
    const char* directives;
    RawTlsClient::End end;
  };
  constexpr Row kRows[] = {{"close", RawTlsClient::End::kCloseNotify},
                           {"abort=fin;abort-at=event:2", RawTlsClient::End::kTruncated},
                           {"abort=rst;abort-at=event:2", RawTlsClient::End::kReset}};
  for (const Row& row : kRows) {
    RawTlsClient client(port_, "localhost", ca);
    ASSERT_TRUE(client.ready()) << client.failure();
    const std::string fields = "x-mock-fault: " + std::string(row.directives) + "\r\n";
    client.send(request_text("POST", "/v1/chat/completions", kStreamBody, fields));
    const std::string text = client.read_until_end();
    EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n") || row.end == RawTlsClient::End::kReset);
    EXPECT_EQ(client.end(), row.end) << row.directives;
  }
}

}  // namespace
}  // namespace sluice
