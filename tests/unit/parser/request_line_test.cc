#include <gtest/gtest.h>

#include "tests/unit/parser/head_cuts.h"

namespace sluice {
namespace {

using namespace std::string_view_literals;

struct AcceptRow {
  std::string_view rule;
  std::string_view start;  // what stands before "\r\nHost: a.example\r\n\r\n"
  Method method;
  std::string_view path;
  std::string_view query;
  bool has_query;
  std::string_view host;
};

constexpr AcceptRow kAcceptRows[] = {
    {"S1 one empty line before the request line is ignored", "\r\nGET / HTTP/1.1", Method::kGet,
     "/", "", false, "a.example"},
    {"S2 a method is any token", "M-SEARCH!#$%&'*+.^_`|~ /a HTTP/1.1", Method::kOther, "/a", "",
     false, "a.example"},
    {"S2 methods are case-sensitive", "get /a HTTP/1.1", Method::kOther, "/a", "", false,
     "a.example"},
    {"S3 HTTP/1.0", "DELETE /a HTTP/1.0", Method::kDelete, "/a", "", false, "a.example"},
    {"S4 origin-form", "POST /v1/chat/completions HTTP/1.1", Method::kPost, "/v1/chat/completions",
     "", false, "a.example"},
    {"S4 every visible byte but # and \\ may stand in a target",
     "PUT /!$&'()*+,;=:@-._~<>[]^`{|}\"?!$&'()*+,;=:@-._~<>[]^`{|}\"/? HTTP/1.1", Method::kPut,
     "/!$&'()*+,;=:@-._~<>[]^`{|}\"", "!$&'()*+,;=:@-._~<>[]^`{|}\"/?", true, "a.example"},
    {"S4 absolute-form: its authority replaces Host", "GET http://b.example:81/p?q HTTP/1.1",
     Method::kGet, "/p", "q", true, "b.example:81"},
    {"S4 absolute-form of https, upper case", "GET HTTPS://[::1]/p HTTP/1.1", Method::kGet, "/p",
     "", false, "[::1]"},
    {"S4 absolute-form without a path means /", "GET http://b.example HTTP/1.1", Method::kGet, "/",
     "", false, "b.example"},
    {"S4 absolute-form without a path but a query", "GET http://b.example?q=1 HTTP/1.1",
     Method::kGet, "/", "q=1", true, "b.example"},
    {"S4 an absolute-form of OPTIONS without a path means *", "OPTIONS http://b.example HTTP/1.1",
     Method::kOptions, "*", "", false, "b.example"},
    {"S4 * is for OPTIONS", "OPTIONS * HTTP/1.1", Method::kOptions, "*", "", false, "a.example"},
    {"S5 query bytes are kept", "GET /a?b=%2F%00..&c=/../%zz HTTP/1.1", Method::kGet, "/a",
     "b=%2F%00..&c=/../%zz", true, "a.example"},
    {"S5 an empty query is not the same as none", "GET /a? HTTP/1.1", Method::kGet, "/a", "", true,
     "a.example"},
    {"S5 escapes are kept", "PATCH /a%20b/%E2%82%AC HTTP/1.1", Method::kPatch, "/a%20b/%E2%82%AC",
     "", false, "a.example"},
    {"S5 dots that are no dot segment", "HEAD /.../a..b/.c/d./%2e%2e%2e/..%20 HTTP/1.1",
     Method::kHead, "/.../a..b/.c/d./%2e%2e%2e/..%20", "", false, "a.example"},
    {"S5 empty segments are kept", "GET //a///b/ HTTP/1.1", Method::kGet, "//a///b/", "", false,
     "a.example"},
};

TEST(RequestLine, Accepted) {
  for (const AcceptRow& row : kAcceptRows) {
    SCOPED_TRACE(row.rule);
    const std::string text = std::string(row.start) + "\r\nHost: a.example\r\n\r\n";
    ASSERT_EQ(verdict(parse_in_every_cut(text, RequestSide())), "complete");
    RequestSide side;
    ASSERT_EQ(side.parse(text), HeadState::kComplete);
    EXPECT_EQ(side.head.method, row.method);
    EXPECT_EQ(side.head.path, row.path);
    EXPECT_EQ(side.head.query, row.query);
    EXPECT_EQ(side.head.has_query, row.has_query);
    EXPECT_EQ(side.head.host, row.host);
    EXPECT_EQ(side.head.bytes, text.size());
  }
}

struct RefuseRow {
  std::string_view rule;
  std::string_view start;
  std::string_view verdict;
};

constexpr RefuseRow kRefuseRows[] = {
    {"S1 two empty lines", "\r\n\r\nGET / HTTP/1.1", "400 S1"},
    {"S1 white space before the first field", "GET / HTTP/1.1\r\n X: y", "400 S1"},
    {"S1 a tab before the first field", "GET / HTTP/1.1\r\n\tX: y", "400 S1"},
    {"S1 an empty line of LF", "\nGET / HTTP/1.1", "400 F3"},
    {"S2 a space before the method", " GET / HTTP/1.1", "400 S2"},
    {"S2 two spaces before the target", "GET  / HTTP/1.1", "400 S2"},
    {"S2 two spaces before the version", "GET /  HTTP/1.1", "400 S3"},
    {"S2 a tab between the parts", "GET\t/ HTTP/1.1", "400 S2"},
    {"S2 a tab behind the target", "GET /\tHTTP/1.1", "400 S4"},
    {"S2 a space behind the version", "GET / HTTP/1.1 ", "400 S3"},
    {"S2 a method that is no token", "G(T / HTTP/1.1", "400 S2"},
    {"S2 a colon in the method", "GET: / HTTP/1.1", "400 S2"},
    {"S2 no method", "/ HTTP/1.1", "400 S2"},
    {"S2 one word", "GET", "400 S2"},
    {"S3 HTTP/0.9", "GET /", "400 S3"},
    {"S3 HTTP/0.9 with a space", "GET / ", "400 S3"},
    {"S3 the target is missing", "GET HTTP/1.1", "400 S3"},
    {"S3 lower case", "GET / http/1.1", "400 S3"},
    {"S3 other protocol", "GET / HTTQ/1.1", "400 S3"},
    {"S3 RTSP", "GET / RTSP/1.0", "400 S3"},
    {"S3 no minor version", "GET / HTTP/1", "400 S3"},
    {"S3 long minor version", "GET / HTTP/1.10", "400 S3"},
    {"S3 long major version", "GET / HTTP/11.1", "400 S3"},
    {"S3 no digit", "GET / HTTP/1.x", "400 S3"},
    {"S3 a comma", "GET / HTTP/1,1", "400 S3"},
    {"S3 HTTP/1.2", "GET / HTTP/1.2", "505 S3"},
    {"S3 HTTP/2.0", "GET / HTTP/2.0", "505 S3"},
    {"S3 HTTP/0.9 by name", "GET / HTTP/0.9", "505 S3"},
    {"S3 HTTP/3.0", "GET / HTTP/3.0", "505 S3"},
    {"S3 the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 S3"},
    {"S3 a TLS hello", "\x16\x03\x01\x02\x00\x01\x00"sv, "400 S4"},
    {"S4 a fragment", "GET /a#b HTTP/1.1", "400 S4"},
    {"S4 a fragment behind the query", "GET /a?b#c HTTP/1.1", "400 S4"},
    {"S4 a space", "GET /a b HTTP/1.1", "400 S3"},
    {"S4 NUL", "GET /a\0b HTTP/1.1"sv, "400 S4"},
    {"S4 a control", "GET /a\x01z HTTP/1.1", "400 S4"},
    {"S4 a vertical tab", "GET /\x0b HTTP/1.1", "400 S4"},
    {"S4 DEL", "GET /a\x7f HTTP/1.1", "400 S4"},
    {"S4 Latin-1", "GET /\xe9 HTTP/1.1", "400 S4"},
    {"S4 UTF-8", "GET /\xe2\x82\xac HTTP/1.1", "400 S4"},
    {"S4 UTF-8 in the query", "GET /?\xe2\x82\xac HTTP/1.1", "400 S4"},
    {"S4 a backslash", "GET /a\\b HTTP/1.1", "400 S4"},
    {"S4 a backslash first", "GET \\ HTTP/1.1", "400 S4"},
    {"S4 bare CR", "GET /\r HTTP/1.1", "400 F3"},
    {"S4 bare LF", "GET / HTTP/1.1\nX: y", "400 F3"},
    {"S4 userinfo", "GET http://u:p@b.example/ HTTP/1.1", "400 S4"},
    {"S4 userinfo without a password", "GET http://u@b.example/ HTTP/1.1", "400 S4"},
    {"S4 absolute-form without an authority", "GET http:///a HTTP/1.1", "400 S4"},
    {"S4 absolute-form with an invalid port", "GET http://b.example:0/ HTTP/1.1", "400 S4"},
    {"S4 another scheme", "GET ftp://b.example/ HTTP/1.1", "400 S4"},
    {"S4 a scheme without slashes", "GET http:b.example HTTP/1.1", "400 S4"},
    {"S4 CONNECT", "CONNECT b.example:443 HTTP/1.1", "405 S4"},
    {"S4 CONNECT with a path", "CONNECT / HTTP/1.1", "405 S4"},
    {"S4 authority-form", "GET b.example:443 HTTP/1.1", "405 S4"},
    {"S4 a name that is no authority-form", "GET b.example HTTP/1.1", "400 S4"},
    {"S4 a relative path", "GET v1/models HTTP/1.1", "400 S4"},
    {"S4 a query alone", "GET ?a HTTP/1.1", "400 S4"},
    {"S4 * for GET", "GET * HTTP/1.1", "400 S4"},
    {"S4 *a for OPTIONS", "OPTIONS *a HTTP/1.1", "400 S4"},
    {"S5 %00", "GET /a%00b HTTP/1.1", "400 S5"},
    {"S5 an encoded slash", "GET /v1%2Fmodels HTTP/1.1", "400 S5"},
    {"S5 an encoded slash in lower case", "GET /v1%2fmodels HTTP/1.1", "400 S5"},
    {"S5 an encoded slash in what only begins like ours", "GET /api/admins%2Fa HTTP/1.1", "400 S5"},
    {"S5 an encoded slash beside a dot segment", "GET /api/admin/a%2F../.. HTTP/1.1", "400 S5"},
    {"S5 an encoded backslash of ours", "GET /api/admin/a%5Cb HTTP/1.1", "400 S5"},
    {"S5 an encoded backslash", "GET /v1%5cmodels HTTP/1.1", "400 S5"},
    {"S5 an encoded backslash in upper case", "GET /v1%5Cmodels HTTP/1.1", "400 S5"},
    {"S5 a dot segment", "GET /v1/./models HTTP/1.1", "400 S5"},
    {"S5 a double-dot segment", "GET /v1/../admin HTTP/1.1", "400 S5"},
    {"S5 a double-dot segment at the end", "GET /v1/.. HTTP/1.1", "400 S5"},
    {"S5 a dot segment at the end", "GET /. HTTP/1.1", "400 S5"},
    {"S5 a dot segment before the query", "GET /..?a HTTP/1.1", "400 S5"},
    {"S5 encoded dots", "GET /v1/%2e%2E/admin HTTP/1.1", "400 S5"},
    {"S5 one dot encoded", "GET /v1/.%2e/admin HTTP/1.1", "400 S5"},
    {"S5 one encoded dot", "GET /v1/%2e HTTP/1.1", "400 S5"},
    {"S5 in an absolute-form", "GET http://b.example/../a HTTP/1.1", "400 S5"},
    {"S5 a malformed escape", "GET /a%zz HTTP/1.1", "400 S5"},
    {"S5 an escape cut off", "GET /a%2 HTTP/1.1", "400 S5"},
    {"F11 TRACE", "TRACE / HTTP/1.1", "405 F11"},
};

TEST(RequestLine, Refused) {
  for (const RefuseRow& row : kRefuseRows) {
    SCOPED_TRACE(row.rule);
    const std::string text = std::string(row.start) + "\r\nHost: a.example\r\n\r\n";
    EXPECT_EQ(verdict(parse_in_every_cut(text, RequestSide())), row.verdict);
  }
}

TEST(RequestLine, S2OverLongLinesAre414AsSoonAsTheyAreTooLong) {
  const std::string longest = "GET /" + std::string(8192 - 14, 'a') + " HTTP/1.1";
  ASSERT_EQ(longest.size(), 8192u);
  const std::string_view rest = "\r\nHost: a\r\n\r\n";
  EXPECT_EQ(verdict(parse_in_every_cut(longest + std::string(rest), RequestSide())), "complete");
  const std::string over = "GET /a" + longest.substr(5);
  EXPECT_EQ(verdict(parse_in_every_cut(over + std::string(rest), RequestSide())), "414 S2");
  EXPECT_EQ(verdict(parse_in_every_cut(over, RequestSide())), "414 S2");
  EXPECT_EQ(verdict(parse_in_every_cut(longest, RequestSide())), "incomplete");
  EXPECT_EQ(verdict(parse_in_every_cut(std::string(200'000, 'a'), RequestSide())), "414 S2");
}

TEST(RequestLine, BytesBehindTheHeadAreNotLookedAt) {
  RequestSide side;
  const std::string_view head = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_EQ(side.parse(std::string(head) + "\0\n\rnext"), HeadState::kComplete);
  EXPECT_EQ(side.head.bytes, head.size());
}

TEST(RequestLine, OneParserTakesHeadAfterHead) {
  RequestSide side;
  EXPECT_TRUE(side.parser.idle());
  ASSERT_EQ(side.parse("\r\nGE"), HeadState::kIncomplete);
  EXPECT_FALSE(side.parser.idle());
  ASSERT_EQ(side.parse("\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n"), HeadState::kComplete);
  EXPECT_TRUE(side.parser.idle());
  ASSERT_EQ(side.parse("\r\n"), HeadState::kIncomplete);
  EXPECT_TRUE(side.parser.idle()) << "S1: an empty line alone is no request that was cut";
  side.parser.reset();
  ASSERT_EQ(side.parse("GET /b HTTP/1.1\r\nHost: b\r\n\r\n"), HeadState::kComplete);
  EXPECT_EQ(side.head.path, "/b");
  ASSERT_EQ(side.parse("GARBAGE\r\n"), HeadState::kRefused);
  ASSERT_EQ(side.parse("GET /c HTTP/1.1\r\nHost: c\r\n\r\n"), HeadState::kComplete);
  EXPECT_EQ(side.head.fields.count, 1u);
}

}  // namespace
}  // namespace sluice
