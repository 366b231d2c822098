#include "engine/proxy/upstream_head.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {
namespace {

class UpstreamHead : public ProxyTest {
 protected:
  void SetUp() override {
    ProxyTest::SetUp();
    account_ = &add_account("team-a");
  }

  std::string upstream_head(std::string_view head, std::uint64_t body_bytes = 0) {
    Exchange& exchange = begin(head);
    Outbox outbox(shard_->blocks());
    add_upstream_head(exchange, *account_, body_bytes, prng_, outbox);
    return text_of(outbox);
  }
  // Of the fields that a client sends, those that go on, one to a line.
  std::string passed_on(std::string_view fields) {
    const std::string head = upstream_head("GET /v1/files HTTP/1.1\r\nHost: gateway.test\r\n" +
                                           std::string(fields) + "\r\n");
    const std::string before = "GET /v1/files HTTP/1.1\r\nhost: provider.test\r\n";
    EXPECT_TRUE(head.starts_with(before) && head.ends_with(kOwnFields)) << head;
    if (head.size() < before.size() + kOwnFields.size()) return "(cut)";
    return head.substr(before.size(), head.size() - before.size() - kOwnFields.size());
  }
  static constexpr std::string_view kOwnFields =
      "x-request-id: req-1\r\n"
      "accept-encoding: identity\r\n"
      "via: 1.1 sluice\r\n"
      "authorization: Bearer sk-test-provider\r\n"
      "\r\n";

  Account* account_ = nullptr;
  Prng prng_{1};
};

TEST_F(UpstreamHead, IsTheClientsRequestWithTheAccountsKey) {
  EXPECT_EQ(upstream_head("POST /v1/chat/completions HTTP/1.1\r\n"
                          "Host: gateway.test\r\n"
                          "Authorization: Bearer sk-test-client\r\n"
                          "Content-Type: application/json\r\n"
                          "User-Agent: OpenAI/Python 1.0\r\n"
                          "Content-Length: 20\r\n"
                          "\r\n",
                          17),
            "POST /v1/chat/completions HTTP/1.1\r\n"
            "host: provider.test\r\n"
            "Content-Type: application/json\r\n"
            "User-Agent: OpenAI/Python 1.0\r\n"
            "x-request-id: req-1\r\n"
            "accept-encoding: identity\r\n"
            "via: 1.1 sluice\r\n"
            "content-length: 17\r\n"
            "authorization: Bearer sk-test-provider\r\n"
            "\r\n");
}

TEST_F(UpstreamHead, TheKeyGoesFromItsSecretToTheWire) {
  Exchange& exchange = begin("GET /v1/files HTTP/1.1\r\nHost: g\r\n\r\n");
  Outbox outbox(shard_->blocks());
  add_upstream_head(exchange, *account_, 0, prng_, outbox);
  ASSERT_EQ(outbox.pieces().size(), 3u);
  EXPECT_EQ(outbox.pieces()[1].iov_base, account_->api_key.reveal().data());  // INVARIANTS K1
}

struct FieldRow {
  const char* rule;
  std::string_view sent;
  std::string_view passed_on;
};
constexpr FieldRow kFieldRows[] = {
    {"F7: unknown fields go on, in their order, as they are spelt",
     "X-b: 2\r\nX-A: 1\r\nx-B:   3  \r\n", "X-b: 2\r\nX-A: 1\r\nx-B: 3\r\n"},
    {"F7: an empty one too", "X-Empty:\r\n", "X-Empty: \r\n"},
    {"F8: Authorization", "Authorization: Bearer sk-test-client\r\n", ""},
    {"F8: in any case", "aUTHORIZATION: Basic eDp5\r\n", ""},
    {"F8: x-api-key", "X-Api-Key: sk-test-client\r\n", ""},
    {"F8: api-key", "Api-Key: sk-test-client\r\n", ""},
    {"F8: Cookie, however often", "Cookie: a=1\r\nCookie: b=2\r\n", ""},
    {"F8: Proxy-*", "Proxy-Authorization: Basic eDp5\r\nProxy-Anything: x\r\n", ""},
    {"F8: Forwarded", "Forwarded: for=192.0.2.1\r\n", ""},
    {"F8: X-Forwarded-*",
     "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: g\r\n"
     "X-Forwarded-Other: x\r\n",
     ""},
    {"F8: X-Real-IP", "X-Real-IP: 192.0.2.1\r\n", ""},
    {"F8: X-Priority", "X-Priority: 1\r\n", ""},
    {"F9: hop by hop",
     "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"
     "TE: trailers\r\nTrailer: X-T\r\nUpgrade: h2c\r\n",
     ""},
    {"F9: and what Connection names", "X-Hop: 1\r\nConnection: x-hop, X-Other\r\nX-Other: 2\r\n",
     ""},
    {"fields of ours are ours to say", "X-Sluice-Account: root\r\nX-Sluice-Attempts: 9\r\n", ""},
    {"the request id is the one that was chosen", "X-Request-Id: other\r\n", ""},
    {"P6: the encoding too", "Accept-Encoding: gzip, br\r\n", ""},
    {"C3: we have waited for the body", "Expect: 100-continue\r\n", ""},
    {"the key of a repeat goes on", "Idempotency-Key: k-1\r\n", "Idempotency-Key: k-1\r\n"},
    {"F10: who was passed before stays before us", "Via: 1.1 edge\r\n", "Via: 1.1 edge\r\n"},
    {"what only looks like one of these goes on", "X-Api-Keys: x\r\nX-Forward: x\r\nCookies: x\r\n",
     "X-Api-Keys: x\r\nX-Forward: x\r\nCookies: x\r\n"},
};

TEST_F(UpstreamHead, HoldsBackWhatIsTheClientsOwn) {
  for (const FieldRow& row : kFieldRows) EXPECT_EQ(passed_on(row.sent), row.passed_on) << row.rule;
}

struct TargetRow {
  const char* rule;
  std::string_view base_path;
  std::string_view target;
  std::string_view expected;
};
constexpr TargetRow kTargetRows[] = {
    {"no base path", "", "/v1/files", "/v1/files"},
    {"a shared segment is taken once", "/v1", "/v1/files", "/v1/files"},
    {"at the end of a longer base", "/api/v1", "/v1/files", "/api/v1/files"},
    {"another base goes before", "/openai", "/v1/files", "/openai/v1/files"},
    {"half a segment is not shared", "/v1", "/v1beta/files", "/v1/v1beta/files"},
    {"only the last segment counts", "/v1/api", "/v1/files", "/v1/api/v1/files"},
    {"the query goes on byte for byte (S5)", "/v1", "/v1/files?a=%2F&b=c+d&&=?x=%7e",
     "/v1/files?a=%2F&b=c+d&&=?x=%7e"},
    {"an empty one too", "/v1", "/v1/files?", "/v1/files?"},
    {"and the path: nothing is decoded or made pretty", "", "/v1/a%20b//c;d=1/%7Ee/",
     "/v1/a%20b//c;d=1/%7Ee/"},
    {"absolute form becomes origin form", "/v1", "http://gateway.test/v1/files?q=1",
     "/v1/files?q=1"},
};

TEST_F(UpstreamHead, JoinsThePathToTheBaseAndKeepsItsBytes) {
  for (const TargetRow& row : kTargetRows) {
    account_->endpoint.base_path = row.base_path;
    const std::string request = "GET " + std::string(row.target) + " HTTP/1.1\r\nHost: g\r\n\r\n";
    const std::string head = upstream_head(request);
    EXPECT_EQ(head.substr(0, head.find("\r\n")), "GET " + std::string(row.expected) + " HTTP/1.1")
        << row.rule;
  }
}

TEST_F(UpstreamHead, HostIsTheProvidersAndTheVersionIs11) {
  account_->endpoint.authority = "[2001:db8::1]:8443";
  const std::string head =
      upstream_head("GET http://gateway.test:9/v1/files HTTP/1.0\r\nHost: gateway.test:9\r\n\r\n");
  EXPECT_TRUE(head.starts_with("GET /v1/files HTTP/1.1\r\nhost: [2001:db8::1]:8443\r\n")) << head;
  EXPECT_EQ(head.find("gateway.test"), std::string::npos);
}

struct LengthRow {
  const char* rule;
  std::string_view head;
  std::uint64_t body_bytes;
  std::string_view line;  // "": none
};
constexpr LengthRow kLengthRows[] = {
    {"no body, no length", "GET /v1/a HTTP/1.1\r\nHost: g\r\n\r\n", 0, ""},
    {"an empty body has one", "POST /v1/a HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n", 0,
     "content-length: 0\r\n"},
    {"the length is that of what goes on",
     "POST /v1/a HTTP/1.1\r\nHost: g\r\nContent-Length: 9\r\n\r\n", 4294967296,
     "content-length: 4294967296\r\n"},
    {"chunks become a length",
     "POST /v1/a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n", 12,
     "content-length: 12\r\n"},
    {"also when there were none",
     "POST /v1/a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n", 0,
     "content-length: 0\r\n"},
};

TEST_F(UpstreamHead, FramingIsWrittenOnceAndRight) {
  for (const LengthRow& row : kLengthRows) {
    EXPECT_EQ(upstream_head(row.head, row.body_bytes),
              std::string(row.head.substr(0, row.head.find("\r\n"))) +
                  "\r\nhost: provider.test\r\n"
                  "x-request-id: req-1\r\naccept-encoding: identity\r\nvia: 1.1 sluice\r\n" +
                  std::string(row.line) + "authorization: Bearer sk-test-provider\r\n\r\n")
        << row.rule;
  }
}

TEST_F(UpstreamHead, AnthropicsKeyHasAFieldOfItsOwnAndAVersion) {
  account_->dialect = Dialect::kAnthropic;
  const std::string before = "POST /v1/messages HTTP/1.1\r\nhost: provider.test\r\n";
  const std::string own =
      "x-request-id: req-1\r\naccept-encoding: identity\r\nvia: 1.1 sluice\r\n"
      "content-length: 2\r\nx-api-key: sk-test-provider\r\n\r\n";
  const std::string request =
      "POST /v1/messages HTTP/1.1\r\nHost: g\r\nX-Api-Key: sk-test-client\r\n";
  EXPECT_EQ(upstream_head(request + "\r\n", 2), before + "anthropic-version: 2023-06-01\r\n" + own);
  // The client's own version is the one.
  EXPECT_EQ(upstream_head(request + "Anthropic-Version: 2024-01-01\r\n\r\n", 2),
            before + "Anthropic-Version: 2024-01-01\r\n" + own);
}

TEST_F(UpstreamHead, AnAccountWithoutAKeySendsNone) {
  account_->api_key = Secret();
  account_->send_via = false;
  EXPECT_EQ(upstream_head("GET /v1/files HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer x\r\n\r\n"),
            "GET /v1/files HTTP/1.1\r\nhost: provider.test\r\n"
            "x-request-id: req-1\r\naccept-encoding: identity\r\n\r\n");
}

struct TraceRow {
  const char* rule;
  std::string_view sent;
  bool new_span;
};
constexpr TraceRow kTraceRows[] = {
    {"version 00 gets a new span", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true},
    {"another version passes", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
    {"a short one passes", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false},
    {"one with its parts elsewhere passes",
     "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01", false},
};

TEST_F(UpstreamHead, EachAttemptIsASpanOfTheTrace) {
  for (const TraceRow& row : kTraceRows) {
    const std::string request =
        "GET /v1/files HTTP/1.1\r\nHost: g\r\ntraceparent: " + std::string(row.sent) + "\r\n\r\n";
    std::string spans[2];
    for (std::string& span : spans) {
      const std::string head = upstream_head(request);
      const std::size_t at = head.find("traceparent: ");
      ASSERT_NE(at, std::string::npos) << row.rule;
      EXPECT_EQ(head.find("traceparent: ", at + 1), std::string::npos) << row.rule;
      span = head.substr(at + 13, head.find("\r\n", at) - at - 13);
      ASSERT_EQ(span.size(), row.sent.size()) << row.rule;
      if (!row.new_span) {
        EXPECT_EQ(span, row.sent) << row.rule;
        continue;
      }
      EXPECT_EQ(span.substr(0, 36), row.sent.substr(0, 36)) << row.rule;
      EXPECT_EQ(span.substr(52), row.sent.substr(52)) << row.rule;
      EXPECT_NE(span.substr(36, 16), row.sent.substr(36, 16)) << row.rule;
      EXPECT_EQ(span.substr(36, 16).find_first_not_of("0123456789abcdef"), std::string::npos);
    }
    EXPECT_EQ(spans[0] != spans[1], row.new_span) << row.rule;
  }
}

TEST_F(UpstreamHead, TheLargestHeadHasRoom) {
  std::string request = "POST /" + std::string(8000, 'p') + "?" + std::string(100, 'q') +
                        " HTTP/1.1\r\nHost: g\r\ntraceparent: " + std::string(5000, 't') + "\r\n";
  for (int i = 0; i < 98; ++i)
    request += "x-" + std::to_string(i) + ": " + std::string(250, 'v') + "\r\n";
  account_->dialect = Dialect::kAnthropic;
  account_->endpoint.base_path = "/" + std::string(2000, 'b');
  account_->endpoint.authority = std::string(255, 'h') + ":65535";
  Exchange& exchange = begin(request + "\r\n");
  exchange.request_id = exchange.arena.copy(std::string(128, 'i'));
  Outbox outbox(shard_->blocks());
  add_upstream_head(exchange, *account_, INT64_MAX, prng_, outbox);
  EXPECT_GT(outbox.bytes(), request.size());
}

}  // namespace
}  // namespace sluice
