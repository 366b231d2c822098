#include <gtest/gtest.h>

#include "tests/unit/parser/head_cuts.h"

namespace sluice {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kStart = "POST /v1/chat/completions HTTP/1.1\r\n";

std::string with_lines(std::string_view lines) {
  return std::string(kStart) + "Host: a.example\r\n" + std::string(lines) + "\r\n";
}

struct Row {
  std::string_view rule;
  std::string_view lines;  // behind a valid Host
  std::string_view verdict;
};

constexpr Row kFieldRows[] = {
    {"F1 a space before the colon", "X-A : b\r\n", "400 F1"},
    {"F1 a tab before the colon", "X-A\t: b\r\n", "400 F1"},
    {"F1 Content-Length with a space before the colon", "Content-Length : 5\r\n", "400 F1"},
    {"F2 a folded value", "X-A: b\r\n c\r\n", "400 F2"},
    {"F2 a value folded with a tab", "X-A: b\r\n\tc: d\r\n", "400 F2"},
    {"F2 a line of one space", "X-A: b\r\n \r\n", "400 F2"},
    {"F3 a bare CR in a value", "X-A: b\rc\r\n", "400 F3"},
    {"F3 two CRs", "X-A: b\r\r\n", "400 F3"},
    {"F3 a bare LF as the line end", "X-A: b\nX-B: c\r\n", "400 F3"},
    {"F3 a bare LF as the blank line", "X-A: b\r\n\n", "400 F3"},
    {"F3 NUL", "X-A: b\0c\r\n"sv, "400 F3"},
    {"F3 NUL in a name", "X\0A: b\r\n"sv, "400 F3"},
    {"F3 a control", "X-A: b\x01\r\n", "400 F3"},
    {"F3 escape", "X-A: \x1b[31m\r\n", "400 F3"},
    {"F3 a vertical tab", "X-A: \x0b\r\n", "400 F3"},
    {"F3 DEL", "X-A: \x7f\r\n", "400 F3"},
    {"F3 a tab inside a value is allowed", "X-A: b\tc\r\n", "complete"},
    {"F3 bytes above 127 are allowed in a value", "X-A: \x80\xff\xe2\x82\xac\r\n", "complete"},
    {"F4 a line without a colon", "X-A\r\n", "400 F4"},
    {"F4 words without a colon", "X-A b\r\n", "400 F4"},
    {"F4 an empty name", ": b\r\n", "400 F4"},
    {"F4 a colon alone", ":\r\n", "400 F4"},
    {"F4 a space in a name", "X A: b\r\n", "400 F4"},
    {"F4 a slash in a name", "X/A: b\r\n", "400 F4"},
    {"F4 a byte above 127 in a name", "X\xe9: b\r\n", "400 F4"},
    {"F4 quotes in a name", "\"X\": b\r\n", "400 F4"},
    {"F4 every token byte", "!#$%&'*+-.^`|~09azAZ: b\r\n", "complete"},
    {"F4 an empty value", "X-A:\r\nX-B: \t \r\n", "complete"},
    {"F5 Content_Length", "Content_Length: 5\r\n", "400 F5"},
    {"F5 transfer_encoding", "transfer_encoding: chunked\r\n", "400 F5"},
    {"F5 X_Forwarded-For", "X_Forwarded-For: 10.0.0.1\r\n", "400 F5"},
    {"F5 X-Forwarded_Anything", "X_Forwarded_Anything: a\r\n", "400 F5"},
    {"F5 Proxy_Authorization", "Proxy_Authorization: a\r\n", "400 F5"},
    {"F5 api_key", "api_key: sk-test-1\r\n", "400 F5"},
    {"F5 X_API_Key", "X_API_Key: sk-test-1\r\n", "400 F5"},
    {"F5 X_Real_IP", "X_Real_IP: 10.0.0.1\r\n", "400 F5"},
    {"F5 x_sluice_account", "x_sluice_account: a\r\n", "400 F5"},
    {"F5 X_Priority", "X_Priority: urgent\r\n", "400 F5"},
    {"F5 idempotency_key", "idempotency_key: a\r\n", "400 F5"},
    {"F5 other names may hold an underscore", "my_header: a\r\nx_a: b\r\n_: c\r\n", "complete"},
    {"F9 Connection names Host", "Connection: host\r\n", "400 F9"},
    {"F9 Connection names Content-Length", "Connection: close, Content-Length\r\n", "400 F9"},
    {"F9 Connection names Authorization", "Connection: AUTHORIZATION\r\n", "400 F9"},
    {"F9 Connection names traceparent", "Connection: traceparent\r\n", "400 F9"},
    {"F9 Connection names a field of ours", "Connection: x-sluice-account\r\n", "400 F9"},
    {"F9 Connection names X-Priority", "Connection: X-Priority\r\n", "400 F9"},
    {"F9 Connection names X-Request-Id", "Connection: X-Request-Id\r\n", "400 F9"},
    {"F9 Connection names X-Api-Key", "Connection: x-api-key\r\n", "400 F9"},
    {"F9 in the second Connection field", "Connection: a\r\nConnection: host\r\n", "400 F9"},
    {"F9 an option that is no token", "Connection: a b\r\n", "400 F9"},
    {"F9 a quoted option", "Connection: \"close\"\r\n", "400 F9"},
    {"F9 empty elements are ignored", "Connection: , ,close,,\r\n", "complete"},
    {"F9 32 options",
     "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\r\n", "complete"},
    {"F9 33 options",
     "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\r\n", "400 F9"},
    {"C3 another expectation", "Expect: 200-ok\r\n", "417 C3"},
    {"C3 a list of expectations", "Expect: 100-continue, 100-continue\r\n", "417 C3"},
    {"C3 a repeated expectation", "Expect: 100-continue\r\nExpect: 100-continue\r\n", "417 C3"},
    {"C3 an empty expectation", "Expect:\r\n", "417 C3"},
    {"C3 a parameter", "Expect: 100-continue;a=b\r\n", "417 C3"},
};

TEST(RequestFields, ByRule) {
  for (const Row& row : kFieldRows) {
    SCOPED_TRACE(row.rule);
    EXPECT_EQ(verdict(parse_in_every_cut(with_lines(row.lines), RequestSide())), row.verdict);
  }
}

constexpr Row kHostRows[] = {
    {"H1 missing in 1.1", "X-A: b\r\n", "400 H1"},
    {"H1 no fields at all", "", "400 H1"},
    {"H1 repeated", "Host: a\r\nHost: b\r\n", "400 H1"},
    {"H1 repeated with the same value", "Host: a\r\nX-A: b\r\nhost: a\r\n", "400 H1"},
    {"H1 empty", "Host:\r\n", "400 H2"},
    {"H2 reg-name", "Host: a-b.example\r\n", "complete"},
    {"H2 reg-name with delimiters", "Host: a_b~!$&'()*+;=.example\r\n", "complete"},
    {"H2 a name that ends with a dot", "Host: a.example.\r\n", "complete"},
    {"H2 an escaped UTF-8 name", "Host: %E2%82%AC.example\r\n", "complete"},
    {"H2 IPv4", "Host: 127.0.0.1:9190\r\n", "complete"},
    {"H2 IPv6", "Host: [2001:db8::1]:9190\r\n", "complete"},
    {"H2 port 1", "Host: a:1\r\n", "complete"},
    {"H2 port 65535", "Host: a:65535\r\n", "complete"},
    {"H2 white space around it", "Host:\t a \t\r\n", "complete"},
    {"H2 port 0", "Host: a:0\r\n", "400 H2"},
    {"H2 port 65536", "Host: a:65536\r\n", "400 H2"},
    {"H2 port of six digits", "Host: a:000080\r\n", "400 H2"},
    {"H2 an empty port", "Host: a:\r\n", "400 H2"},
    {"H2 a port alone", "Host: :80\r\n", "400 H2"},
    {"H2 a port that is no number", "Host: a:8o\r\n", "400 H2"},
    {"H2 a signed port", "Host: a:+80\r\n", "400 H2"},
    {"H2 two ports", "Host: a:80:80\r\n", "400 H2"},
    {"H2 a space", "Host: a b\r\n", "400 H2"},
    {"H2 a comma", "Host: a,b\r\n", "400 H2"},
    {"H2 a list", "Host: a, b\r\n", "400 H2"},
    {"H2 a slash", "Host: a/b\r\n", "400 H2"},
    {"H2 a query", "Host: a?b\r\n", "400 H2"},
    {"H2 a fragment", "Host: a#b\r\n", "400 H2"},
    {"H2 userinfo", "Host: u@a\r\n", "400 H2"},
    {"H2 a scheme", "Host: http://a\r\n", "400 H2"},
    {"H2 a backslash", "Host: a\\b\r\n", "400 H2"},
    {"H2 a quote", "Host: \"a\"\r\n", "400 H2"},
    {"H2 UTF-8", "Host: \xe2\x82\xac\r\n", "400 H2"},
    {"H2 an escaped slash", "Host: a%2Fb\r\n", "400 H2"},
    {"H2 an escaped NUL", "Host: a%00\r\n", "400 H2"},
    {"H2 a malformed escape", "Host: a%4\r\n", "400 H2"},
    {"H2 IPv6 without brackets", "Host: ::1\r\n", "400 H2"},
    {"H2 a bracket that does not close", "Host: [::1\r\n", "400 H2"},
    {"H2 text behind the bracket", "Host: [::1]a\r\n", "400 H2"},
    {"H2 a zone", "Host: [fe80::1%25eth0]\r\n", "400 H2"},
    {"H2 an IP of the future", "Host: [v1.a]\r\n", "400 H2"},
    {"H2 nothing in brackets", "Host: []\r\n", "400 H2"},
};

TEST(RequestHost, ByRule) {
  for (const Row& row : kHostRows) {
    SCOPED_TRACE(row.rule);
    const std::string text = std::string(kStart) + std::string(row.lines) + "\r\n";
    EXPECT_EQ(verdict(parse_in_every_cut(text, RequestSide())), row.verdict);
  }
}

TEST(RequestHost, H1MayBeMissingIn10) {
  RequestSide side;
  ASSERT_EQ(side.parse("GET / HTTP/1.0\r\n\r\n"), HeadState::kComplete);
  EXPECT_EQ(side.head.host, "");
  EXPECT_EQ(side.head.fields.count, 0u);
}

TEST(RequestFields, F7OrderAndSpellingAreKeptAndBlanksTrimmed) {
  RequestSide side;
  const std::string text = with_lines("x-B:1\r\nX-a: \t 2 \t\r\nx-b:  3 , 4\r\nEmpty:\r\n");
  ASSERT_EQ(side.parse(text), HeadState::kComplete);
  const std::pair<std::string_view, std::string_view> expected[] = {
      {"Host", "a.example"}, {"x-B", "1"}, {"X-a", "2"}, {"x-b", "3 , 4"}, {"Empty", ""}};
  ASSERT_EQ(side.head.fields.count, std::size(expected));
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(side.head.fields.items[i].name, expected[i].first);
    EXPECT_EQ(side.head.fields.items[i].value, expected[i].second);
  }
}

TEST(RequestFields, F9HopByHopFieldsAndThoseNamedInConnectionAreDropped) {
  RequestSide side;
  const std::string text = with_lines(
      "Connection: keep-alive, X-Secret ,HTTP2-Settings\r\nKeep-Alive: 5\r\nx-secret: 1\r\nX-Kept: "
      "2\r\n"
      "Proxy-Connection: a\r\nTE: trailers\r\nTrailer: a\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n"
      "Transfer-Encoding: chunked\r\nconnection: cookie\r\nCookie: a\r\nX-Secret: 3\r\n");
  ASSERT_EQ(side.parse(text), HeadState::kComplete);
  for (const Field& field : side.head.fields)
    EXPECT_EQ(field.drop, field.name != "X-Kept" && field.name != "Host") << field.name;
  EXPECT_FALSE(side.head.close);
}

TEST(RequestFields, F6HundredFieldsAndNoMore) {
  std::string lines;
  for (int i = 1; i < 100; ++i) lines += "X: y\r\n";
  EXPECT_EQ(verdict(parse_in_every_cut(with_lines(lines), RequestSide())), "complete");
  EXPECT_EQ(verdict(parse_in_every_cut(with_lines(lines + "X: y\r\n"), RequestSide())), "431 F6");
}

TEST(RequestFields, F6OneFieldOf16KiB) {
  const std::string longest = "X: " + std::string(16384 - 3, 'y');
  EXPECT_EQ(verdict(parse_in_every_cut(with_lines(longest + "\r\n"), RequestSide())), "complete");
  EXPECT_EQ(verdict(parse_in_every_cut(with_lines(longest + "y\r\n"), RequestSide())), "431 F6");
  EXPECT_EQ(verdict(parse_in_every_cut(std::string(kStart) + longest + "y", RequestSide())),
            "431 F6")
      << "before its end is seen";
}

TEST(RequestFields, F6AllFieldsIn32KiB) {
  const std::string host = "Host: a.example\r\n";
  const std::string first = "X: " + std::string(16384 - 5, 'y') + "\r\n";
  const std::string second = "X: " + std::string(16384 - 5 - host.size(), 'y');
  EXPECT_EQ(verdict(parse_in_every_cut(with_lines(first + second + "\r\n"), RequestSide())),
            "complete");
  EXPECT_EQ(verdict(parse_in_every_cut(with_lines(first + second + "y\r\n"), RequestSide())),
            "431 F6");
  EXPECT_EQ(verdict(parse_in_every_cut(with_lines(first + second + "\r\nX: y\r\n"), RequestSide())),
            "431 F6");
}

TEST(RequestFields, OwnLimitsHold) {
  const HeadLimits limits{
      .line_bytes_max = 20, .head_bytes_max = 40, .fields_max = 2, .field_bytes_max = 30};
  const auto parse = [&](std::string_view text) {
    return verdict(parse_in_every_cut(text, RequestSide(limits)));
  };
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n"), "complete");
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nA: b\r\n\r\n"), "431 F6");
  EXPECT_EQ(parse("GET /aaaaaaa HTTP/1.1\r\nHost: a\r\n\r\n"), "414 S2");
}

TEST(RequestFields, C3ExpectContinueCountsOnlyWhereABodyFollows) {
  const auto expects = [](std::string_view text) {
    RequestSide side;
    EXPECT_EQ(side.parse(text), HeadState::kComplete);
    return side.head.expect_continue;
  };
  EXPECT_TRUE(expects(with_lines("Expect: 100-Continue\r\nContent-Length: 1\r\n")));
  EXPECT_TRUE(expects(with_lines("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n")));
  EXPECT_FALSE(expects(with_lines("Expect: 100-continue\r\nContent-Length: 0\r\n")));
  EXPECT_FALSE(expects(with_lines("Expect: 100-continue\r\n")));
  EXPECT_FALSE(expects("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"));
}

}  // namespace
}  // namespace sluice
