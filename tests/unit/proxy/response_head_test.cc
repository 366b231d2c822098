#include "engine/proxy/response_head.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {
namespace {

class ResponseHeadTest : public ProxyTest {
 protected:
  // The client's head for a provider's, as relay_response plans it.
  std::string client_head(std::string_view provider) {
    begin("GET /v1/files HTTP/1.1\r\nHost: g\r\n\r\n");
    return relayed(provider);
  }
  std::string relayed(std::string_view provider) {
    const ResponseHead& head = provider_head(provider);
    plan_.account = "team-a";
    plan_.pool = "primary";
    plan_.framing = choose_framing(*exchange_->head, head, plan_.filtered);
    exchange_->report.attempts = 1;
    return std::string(write_response_head(*exchange_, head, plan_, clock_.now()));
  }
  // Of a provider's fields, those that the client sees.
  std::string passed_on(std::string_view fields) {
    const std::string head =
        client_head("HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: 2\r\n\r\n");
    const std::string before = "HTTP/1.1 200 OK\r\n";
    const std::size_t end = head.find("x-request-id: req-1\r\n");
    EXPECT_TRUE(head.starts_with(before)) << head;
    if (end == std::string::npos) return "(cut)";
    return head.substr(before.size(), end - before.size());
  }

  RelayPlan plan_;
};

constexpr std::string_view kOwnFields =
    "x-request-id: req-1\r\n"
    "x-sluice-account: team-a\r\n"
    "x-sluice-pool: primary\r\n"
    "x-sluice-attempts: 1\r\n"
    "x-sluice-queue-ms: 0\r\n"
    "x-sluice-overhead-us: 0\r\n";

TEST_F(ResponseHeadTest, IsTheProvidersWithOurFieldsBehind) {
  EXPECT_EQ(client_head("HTTP/1.1 200 OK\r\n"
                        "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                        "Content-Type: application/json\r\n"
                        "Content-Length: 17\r\n"
                        "X-Request-Id: their-id\r\n"
                        "\r\n"),
            "HTTP/1.1 200 OK\r\n"
            "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
            "Content-Type: application/json\r\n"
            "x-upstream-request-id: their-id\r\n" +
                std::string(kOwnFields) + "content-length: 17\r\n\r\n");
}

struct FieldRow {
  const char* rule;
  std::string_view sent;
  std::string_view passed_on;
};
constexpr FieldRow kFieldRows[] = {
    {"F7: unknown fields are passed on in their order", "X-B: 2\r\nx-a: 1\r\nX-B: 1\r\n",
     "X-B: 2\r\nx-a: 1\r\nX-B: 1\r\n"},
    {"F7: Set-Cookie is never merged, and keeps its order",
     "Set-Cookie: a=1, x; Path=/\r\nX-A: 1\r\nset-cookie: b=2\r\nSet-Cookie: a=3\r\n",
     "Set-Cookie: a=1, x; Path=/\r\nX-A: 1\r\nset-cookie: b=2\r\nSet-Cookie: a=3\r\n"},
    {"F9: hop by hop",
     "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"
     "TE: trailers\r\nTrailer: X-T\r\nUpgrade: h2c\r\n",
     ""},
    {"F9: and what Connection names",
     "X-Hop: 1\r\nConnection: close, x-hop, Server\r\nServer: s\r\n", ""},
    {"our fields are ours to say", "X-Sluice-Account: root\r\nx-sluice-anything: x\r\n", ""},
    {"also the provider's id under our name", "X-Upstream-Request-Id: forged\r\n", ""},
    {"the provider's ids are told under another name", "X-Request-Id: a\r\nx-request-id: b\r\n",
     "x-upstream-request-id: a\r\nx-upstream-request-id: b\r\n"},
    {"Anthropic's under both, behind its fields", "Request-Id: r\r\nX-A: 1\r\n",
     "Request-Id: r\r\nX-A: 1\r\nx-upstream-request-id: r\r\n"},
    {"of two names the common one counts", "Request-Id: r\r\nX-Request-Id: a\r\n",
     "Request-Id: r\r\nx-upstream-request-id: a\r\n"},
    {"an id of one hop is no id", "Connection: request-id\r\nRequest-Id: r\r\n", ""},
    {"what clients obey", "Retry-After: 3\r\nRetry-After-Ms: 2500\r\nx-should-retry: true\r\n",
     "Retry-After: 3\r\nRetry-After-Ms: 2500\r\nx-should-retry: true\r\n"},
    {"limits of the provider", "x-ratelimit-remaining-requests: 7\r\n",
     "x-ratelimit-remaining-requests: 7\r\n"},
    {"an encoding that we do not touch", "Content-Encoding: gzip\r\nVary: accept-encoding\r\n",
     "Content-Encoding: gzip\r\nVary: accept-encoding\r\n"},
    {"caching, unless it is a stream", "Cache-Control: max-age=5\r\nX-Accel-Buffering: yes\r\n",
     "Cache-Control: max-age=5\r\nX-Accel-Buffering: yes\r\n"},
};

TEST_F(ResponseHeadTest, PassesOnWhatIsTheClients) {
  for (const FieldRow& row : kFieldRows) EXPECT_EQ(passed_on(row.sent), row.passed_on) << row.rule;
}

TEST_F(ResponseHeadTest, AStreamIsNeitherCachedNorHeldBack) {
  plan_.event_stream = true;
  EXPECT_EQ(passed_on("Cache-Control: max-age=5\r\nX-Accel-Buffering: yes\r\nX-A: 1\r\n"),
            "X-A: 1\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n");
}

struct WaitRow {
  Duration wait;
  std::string_view fields;
};
constexpr WaitRow kWaitRows[] = {
    {0s, "retry-after: 0\r\nretry-after-ms: 0\r\n"},
    {1ns, "retry-after: 1\r\nretry-after-ms: 1\r\n"},
    {1500ms, "retry-after: 2\r\nretry-after-ms: 1500\r\n"},
    {3s + 4us, "retry-after: 3\r\nretry-after-ms: 3000\r\n"},  // 3 s, kept on the next tick
    {60s, "retry-after: 60\r\nretry-after-ms: 60000\r\n"},
};

TEST_F(ResponseHeadTest, TheTrueWaitTakesThePlaceOfTheProviders) {
  for (const WaitRow& row : kWaitRows) {
    plan_.retry_after = row.wait;
    EXPECT_EQ(passed_on("Retry-After: 3\r\nX-A: 1\r\nRetry-After-Ms: 2500\r\n"),
              "X-A: 1\r\n" + std::string(row.fields));
  }
}

TEST_F(ResponseHeadTest, AProvidersErrorIsToldToBeTheProviders) {
  for (const std::string status : {"400 Bad Request", "429 Too Many Requests", "599 x"}) {
    const std::string head = client_head("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(head, "HTTP/1.1 " + status +
                        "\r\nx-request-id: req-1\r\nx-sluice-error-source: upstream\r\n" +
                        std::string(kOwnFields.substr(kOwnFields.find("x-sluice"))) +
                        "content-length: 0\r\n\r\n");
  }
  EXPECT_EQ(client_head("HTTP/1.1 399 x\r\nContent-Length: 0\r\n\r\n").find("error-source"),
            std::string::npos);
}

TEST_F(ResponseHeadTest, TellsOfTheFallbackAlsoWhereAccountsAreNotNamed) {
  settings_.identity_headers = false;
  plan_.degraded = "fallback";
  EXPECT_EQ(client_head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nx-request-id: req-1\r\nx-sluice-degraded: fallback\r\n"
            "content-length: 0\r\n\r\n");
}

TEST_F(ResponseHeadTest, OverheadIsWhatTheProviderDidNotTake) {
  begin("GET /v1/files HTTP/1.1\r\nHost: g\r\n\r\n");
  clock_.advance(5ms);
  exchange_->report.upstream_time = 4750us;
  const std::string head = relayed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_NE(head.find("\r\nx-sluice-overhead-us: 250\r\n"), std::string::npos) << head;
}

struct FramingRow {
  const char* rule;
  std::string_view request;   // method and version
  std::string_view response;  // without its reason
  bool filtered;
  OutFraming framing;
  std::string_view fields;  // those that frame the body for the client
};
constexpr FramingRow kFramingRows[] = {
    {"a length stays", "GET 1.1", "200 Content-Length: 5\r\n", false, OutFraming::kLength,
     "content-length: 5\r\n"},
    {"for 1.0 too", "GET 1.0", "200 Content-Length: 5\r\n", false, OutFraming::kLength,
     "content-length: 5\r\nconnection: close\r\n"},
    {"a body that is edited has no length yet", "GET 1.1", "200 Content-Length: 5\r\n", true,
     OutFraming::kChunked, "transfer-encoding: chunked\r\n"},
    {"nor has it for 1.0", "GET 1.0", "200 Content-Length: 5\r\n", true, OutFraming::kClose,
     "connection: close\r\n"},
    {"chunks stay chunks", "GET 1.1", "200 Transfer-Encoding: chunked\r\n", false,
     OutFraming::kChunked, "transfer-encoding: chunked\r\n"},
    {"P5: but not for 1.0", "GET 1.0", "200 Transfer-Encoding: chunked\r\n", false,
     OutFraming::kClose, "connection: close\r\n"},
    {"P4: until close becomes chunks", "GET 1.1", "200 ", false, OutFraming::kChunked,
     "transfer-encoding: chunked\r\n"},
    {"or stays, for 1.0", "GET 1.0", "200 ", false, OutFraming::kClose, "connection: close\r\n"},
    {"P2: HEAD tells the length of what GET would get", "HEAD 1.1", "200 Content-Length: 5\r\n",
     false, OutFraming::kNone, "content-length: 5\r\n"},
    {"and no chunks", "HEAD 1.1", "200 Transfer-Encoding: chunked\r\n", false, OutFraming::kNone,
     ""},
    {"P2: 204 has no length", "GET 1.1", "204 Content-Length: 5\r\n", false, OutFraming::kNone, ""},
    {"P2: 304 may tell one", "GET 1.1", "304 Content-Length: 5\r\n", false, OutFraming::kNone,
     "content-length: 5\r\n"},
    {"P2: 304 without one", "GET 1.1", "304 ", false, OutFraming::kNone, ""},
    {"an empty body has a length", "POST 1.1", "200 Content-Length: 0\r\n", false,
     OutFraming::kLength, "content-length: 0\r\n"},
    {"the longest", "GET 1.1", "200 Content-Length: 9223372036854775807\r\n", false,
     OutFraming::kLength, "content-length: 9223372036854775807\r\n"},
};

TEST_F(ResponseHeadTest, TheBodyIsFramedForThisClient) {
  settings_.identity_headers = false;
  for (const FramingRow& row : kFramingRows) {
    SCOPED_TRACE(row.rule);
    const std::size_t space = row.request.find(' ');
    begin(std::string(row.request.substr(0, space)) + " /v1/files HTTP/" +
          std::string(row.request.substr(space + 1)) + "\r\nHost: g\r\n\r\n");
    if (exchange_->head->close) exchange_->ending = Ending::kClose;
    const std::string status(row.response.substr(0, 3));
    const std::string provider =
        "HTTP/1.1 " + status + " x\r\n" + std::string(row.response.substr(4)) + "\r\n";
    plan_.filtered = row.filtered;
    EXPECT_EQ(relayed(provider), "HTTP/1.1 " + status + " x\r\nx-request-id: req-1\r\n" +
                                     std::string(row.fields) + "\r\n");
    EXPECT_EQ(choose_framing(*exchange_->head, provider_head(provider), row.filtered), row.framing);
  }
}

TEST_F(ResponseHeadTest, NoTextOfAProviderBeginsALineOfItsOwn) {
  // What the parser lets through is written between a name and a line end and nowhere else.
  const std::string head = client_head(
      "HTTP/1.1 200 OK\tx-sluice-account: forged\r\n"
      "X-A: v x-request-id: forged\r\n"
      "X-Request-Id: a: b\r\n"
      "X-Bytes: \x80\xff\x22\r\n"
      "Content-Length: 1\r\n\r\n");
  EXPECT_EQ(head,
            "HTTP/1.1 200 OK\tx-sluice-account: forged\r\n"
            "X-A: v x-request-id: forged\r\n"
            "x-upstream-request-id: a: b\r\n"
            "X-Bytes: \x80\xff\x22\r\n" +
                std::string(kOwnFields) + "content-length: 1\r\n\r\n");
}

TEST_F(ResponseHeadTest, AFieldThatGetsALongerNameHasRoom) {
  std::string provider = "HTTP/1.1 200 OK\r\n", expected = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 100; ++i) {
    provider += "x-request-id:\r\n";
    expected += "x-upstream-request-id: \r\n";
  }
  EXPECT_EQ(client_head(provider + "\r\n"),
            expected + std::string(kOwnFields) + "transfer-encoding: chunked\r\n\r\n");
}

TEST_F(ResponseHeadTest, AnIdThatIsToldTwiceHasRoom) {
  const std::string id(6000, 'r');
  const std::string head = client_head("HTTP/1.1 200 OK\r\nRequest-Id: " + id + "\r\n\r\n");
  EXPECT_NE(head.find("\r\nx-upstream-request-id: " + id + "\r\n"), std::string::npos);
}

TEST_F(ResponseHeadTest, OurFieldsHaveRoomAtTheirLongest) {
  begin("GET /v1/files HTTP/1.1\r\nHost: g\r\n\r\n");
  const std::string id(128, 'i');
  exchange_->request_id = id;
  exchange_->ending = Ending::kClose;
  constexpr Duration kLong = 200 * 365 * 24h;
  exchange_->report.queue_time = kLong;
  exchange_->report.upstream_time = -kLong;
  plan_.event_stream = true;
  plan_.degraded = "emergency-channel";
  plan_.retry_after = kLong;
  const std::string head = relayed("HTTP/1.1 599 \r\nContent-Length: 9223372036854775807\r\n\r\n");
  EXPECT_TRUE(head.ends_with("connection: close\r\n\r\n")) << head;
  EXPECT_LE(head.size(), 512 + id.size()) << head;
}

TEST_F(ResponseHeadTest, InterimAnswersHaveNoFieldsOfOursAndNoFraming) {
  begin("GET /v1/files HTTP/1.1\r\nHost: g\r\n\r\n");
  const ResponseHead& head = provider_head(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x-hop\r\nX-Hop: 1\r\n"
      "Content-Length: 5\r\nX-Sluice-Account: forged\r\nX-Request-Id: their-id\r\n\r\n");
  EXPECT_EQ(write_interim_head(exchange_->arena, head),
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nx-upstream-request-id: their-id\r\n\r\n");
}

}  // namespace
}  // namespace sluice
