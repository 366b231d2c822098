#include <gtest/gtest.h>

#include "tests/unit/parser/head_cuts.h"

namespace sluice {
namespace {

using namespace std::string_view_literals;

struct AcceptRow {
  std::string_view rule;
  std::string_view line;
  int status;
  std::string_view reason;
};

constexpr AcceptRow kAcceptRows[] = {
    {"a reason", "HTTP/1.1 200 OK", 200, "OK"},
    {"a reason of words", "HTTP/1.1 429 Too Many Requests", 429, "Too Many Requests"},
    {"an empty reason", "HTTP/1.1 200 ", 200, ""},
    {"neither space nor reason", "HTTP/1.1 200", 200, ""},
    {"bytes above 127 and tabs in the reason", "HTTP/1.0 500 \xe2\x82\xac\tx", 500,
     "\xe2\x82\xac\tx"},
    {"the lowest status", "HTTP/1.1 100 Continue", 100, "Continue"},
    {"the highest status", "HTTP/1.1 599 x", 599, "x"},
    {"a status nobody knows", "HTTP/1.1 299 x", 299, "x"},
};

TEST(ResponseHead, StatusLineAccepted) {
  for (const AcceptRow& row : kAcceptRows) {
    SCOPED_TRACE(row.rule);
    const std::string text = std::string(row.line) + "\r\nServer: a\r\n\r\n";
    ASSERT_EQ(verdict(parse_in_every_cut(text, ResponseSide())), "complete");
    ResponseSide side;
    ASSERT_EQ(side.parse(text), HeadState::kComplete);
    EXPECT_EQ(side.head.status, row.status);
    EXPECT_EQ(side.head.reason, row.reason);
    EXPECT_EQ(side.head.bytes, text.size());
    EXPECT_EQ(side.head.interim(), row.status == 100);
  }
}

struct RefuseRow {
  std::string_view rule;
  std::string_view head;  // without the last CRLF
  std::string_view verdict;
};

constexpr RefuseRow kRefuseRows[] = {
    {"P3 an empty line first", "\r\nHTTP/1.1 200 OK\r\n", "502 P3"},
    {"P3 HTTP/2", "HTTP/2 200\r\n", "502 P3"},
    {"P3 HTTP/2.0", "HTTP/2.0 200 OK\r\n", "502 P3"},
    {"P3 HTTP/1.2", "HTTP/1.2 200 OK\r\n", "502 P3"},
    {"P3 HTTP/0.9", "<html>\r\n", "502 P3"},
    {"P3 lower case", "http/1.1 200 OK\r\n", "502 P3"},
    {"P3 ICY", "ICY 200 OK\r\n", "502 P3"},
    {"P3 a space first", " HTTP/1.1 200 OK\r\n", "502 P3"},
    {"P3 no status", "HTTP/1.1\r\n", "502 P3"},
    {"P3 no status behind the space", "HTTP/1.1 \r\n", "502 P3"},
    {"P3 two spaces", "HTTP/1.1  200 OK\r\n", "502 P3"},
    {"P3 a tab", "HTTP/1.1\t200 OK\r\n", "502 P3"},
    {"P3 two digits", "HTTP/1.1 20 OK\r\n", "502 P3"},
    {"P3 four digits", "HTTP/1.1 2000 OK\r\n", "502 P3"},
    {"P3 no digits", "HTTP/1.1 OK\r\n", "502 P3"},
    {"P3 a sign", "HTTP/1.1 +20 OK\r\n", "502 P3"},
    {"P3 a tab behind the status", "HTTP/1.1 200\tOK\r\n", "502 P3"},
    {"P3 status 099", "HTTP/1.1 099 OK\r\n", "502 P3"},
    {"P3 status 000", "HTTP/1.1 000 OK\r\n", "502 P3"},
    {"P3 status 600", "HTTP/1.1 600 OK\r\n", "502 P3"},
    {"P3 status 999", "HTTP/1.1 999 OK\r\n", "502 P3"},
    {"C4 101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n",
     "502 P3"},
    {"P3 NUL in the reason", "HTTP/1.1 200 O\0K\r\n"sv, "502 S4"},
    {"P3 a bare LF behind the status line", "HTTP/1.1 200 OK\nA: b\r\n", "502 F3"},
    {"P3 a bare CR in the reason", "HTTP/1.1 200 O\rK\r\n", "502 F3"},
    {"S1 white space before the first field", "HTTP/1.1 200 OK\r\n A: b\r\n", "502 S1"},
    {"F1 a space before the colon", "HTTP/1.1 200 OK\r\nA : b\r\n", "502 F1"},
    {"F2 a folded value", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n", "502 F2"},
    {"F3 a bare CR", "HTTP/1.1 200 OK\r\nA: b\rc\r\n", "502 F3"},
    {"F3 a bare LF", "HTTP/1.1 200 OK\r\nA: b\nB: c\r\n", "502 F3"},
    {"F3 NUL", "HTTP/1.1 200 OK\r\nA: \0\r\n"sv, "502 F3"},
    {"F3 a control", "HTTP/1.1 200 OK\r\nA: \x02\r\n", "502 F3"},
    {"F4 no colon", "HTTP/1.1 200 OK\r\nA\r\n", "502 F4"},
    {"F4 an empty name", "HTTP/1.1 200 OK\r\n: b\r\n", "502 F4"},
    {"F4 a name that is no token", "HTTP/1.1 200 OK\r\nA(B): b\r\n", "502 F4"},
    {"F9 an option that is no token", "HTTP/1.1 200 OK\r\nConnection: a b\r\n", "502 F9"},
    {"F9 Connection names Content-Length",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: content-length\r\n", "502 F9"},
};

TEST(ResponseHead, Refused) {
  for (const RefuseRow& row : kRefuseRows) {
    SCOPED_TRACE(row.rule);
    const std::string text = std::string(row.head) + "\r\n";
    EXPECT_EQ(verdict(parse_in_every_cut(text, ResponseSide())), row.verdict);
  }
}

TEST(ResponseHead, F5UnderscoresAreTheProvidersBusiness) {
  const std::string text = "HTTP/1.1 200 OK\r\nx_api_key: a\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(verdict(parse_in_every_cut(text, ResponseSide())), "complete");
}

TEST(ResponseHead, F6LimitsGive502) {
  const std::string start = "HTTP/1.1 200 OK\r\n";
  std::string many = start;
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  EXPECT_EQ(verdict(parse_in_every_cut(many + "\r\n", ResponseSide())), "502 F6");
  const std::string field = "A: " + std::string(16384 - 3, 'b');
  EXPECT_EQ(verdict(parse_in_every_cut(start + field + "b", ResponseSide())), "502 F6");
  EXPECT_EQ(verdict(parse_in_every_cut(start + field + "\r\n\r\n", ResponseSide())), "complete");
  const std::string twice = start + field + "\r\n" + field + "\r\n";
  EXPECT_EQ(verdict(parse_in_every_cut(twice, ResponseSide())), "502 F6");
  const std::string line = "HTTP/1.1 200 " + std::string(8192 - 12, 'a');
  EXPECT_EQ(verdict(parse_in_every_cut(line, ResponseSide())), "502 P3");
}

TEST(ResponseHead, F7SetCookieLinesStayApartAndF9FieldsAreDropped) {
  ResponseSide side;
  const std::string_view text =
      "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nKeep-Alive: 5\r\nX-Hop: 1\r\n"
      "Connection: keep-alive, x-hop\r\nProxy-Authenticate: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n";
  ASSERT_EQ(side.parse(text), HeadState::kComplete);
  std::string kept;
  for (const Field& field : side.head.fields)
    if (!field.drop) kept += std::string(field.name) + "=" + std::string(field.value) + ";";
  EXPECT_EQ(kept, "Set-Cookie=a=1;set-cookie=b=2;Proxy-Authenticate=a;");
  EXPECT_FALSE(side.head.close);
}

TEST(ResponseHead, P1InterimAndFinalHeadsComeOneAfterTheOther) {
  ResponseSide side;
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string text = interim + "HTTP/1.1 204 No Content\r\n\r\n";
  ASSERT_EQ(side.parse(text), HeadState::kComplete);
  EXPECT_EQ(side.head.status, 100);
  EXPECT_EQ(side.head.fields.count, 0u);
  ASSERT_EQ(side.head.bytes, interim.size());
  ASSERT_EQ(side.parse(std::string_view(text).substr(side.head.bytes)), HeadState::kComplete);
  EXPECT_EQ(side.head.status, 204);
}

}  // namespace
}  // namespace sluice
