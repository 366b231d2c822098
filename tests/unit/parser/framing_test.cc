#include <gtest/gtest.h>

#include "tests/unit/parser/head_cuts.h"

namespace sluice {
namespace {

struct Row {
  std::string_view rule;
  int minor_version;
  std::string_view lines;
  std::string_view verdict;
  BodyFraming framing = BodyFraming::kNone;
  std::uint64_t length = 0;
  bool close = false;
};

constexpr Row kRequestRows[] = {
    {"no framing field: no body", 1, "", "complete"},
    {"B1 both", 1, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "400 B1"},
    {"B1 both, the other way round", 1, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
     "400 B1"},
    {"B1 both, with an unknown coding", 1, "Content-Length: 0\r\nTransfer-Encoding: x\r\n",
     "400 B1"},
    {"B1 Transfer-Encoding in 1.0", 0, "Transfer-Encoding: chunked\r\n", "400 B1"},
    {"B2 chunked", 1, "Transfer-Encoding: chunked\r\n", "complete", BodyFraming::kChunked},
    {"B2 chunked in any case", 1, "transfer-ENCODING: \tChUnKeD \r\n", "complete",
     BodyFraming::kChunked},
    {"B2 an unknown coding", 1, "Transfer-Encoding: gzip\r\n", "501 B2"},
    {"B2 a coding that looks like chunked", 1, "Transfer-Encoding: xchunked\r\n", "501 B2"},
    {"B2 identity", 1, "Transfer-Encoding: Identity\r\n", "400 B2"},
    {"B2 a list", 1, "Transfer-Encoding: gzip, chunked\r\n", "400 B2"},
    {"B2 a list that ends with another coding", 1, "Transfer-Encoding: chunked, gzip\r\n",
     "400 B2"},
    {"B2 a list with an empty element", 1, "Transfer-Encoding: chunked,\r\n", "400 B2"},
    {"B2 chunked twice", 1, "Transfer-Encoding: chunked, chunked\r\n", "400 B2"},
    {"B2 repeated", 1, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "400 B2"},
    {"B2 repeated with identity", 1,
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "400 B2"},
    {"B2 quotes", 1, "Transfer-Encoding: \"chunked\"\r\n", "400 B2"},
    {"B2 a parameter", 1, "Transfer-Encoding: chunked;q=1\r\n", "400 B2"},
    {"B2 empty", 1, "Transfer-Encoding:\r\n", "400 B2"},
    {"B2 a vertical tab before it", 1,
     "Transfer-Encoding: \x0b"
     "chunked\r\n",
     "400 F3"},
    {"B2 a byte above 127 before it", 1,
     "Transfer-Encoding: \xa0"
     "chunked\r\n",
     "400 B2"},
    {"B3 a length", 1, "Content-Length: 42\r\n", "complete", BodyFraming::kLength, 42},
    {"B3 zero", 1, "Content-Length: 0\r\n", "complete", BodyFraming::kLength, 0},
    {"B3 leading zeros", 1, "Content-Length: 0000000000000000000000007\r\n", "complete",
     BodyFraming::kLength, 7},
    {"B3 the largest", 1, "Content-Length: 9223372036854775807\r\n", "complete",
     BodyFraming::kLength, 9223372036854775807u},
    {"B3 a length in 1.0", 0, "Content-Length: 3\r\n", "complete", BodyFraming::kLength, 3, true},
    {"B3 overflow by one", 1, "Content-Length: 9223372036854775808\r\n", "400 B3"},
    {"B3 overflow of 64 bits", 1, "Content-Length: 18446744073709551621\r\n", "400 B3"},
    {"B3 plus", 1, "Content-Length: +5\r\n", "400 B3"},
    {"B3 minus", 1, "Content-Length: -5\r\n", "400 B3"},
    {"B3 empty", 1, "Content-Length:\r\n", "400 B3"},
    {"B3 a list", 1, "Content-Length: 5, 5\r\n", "400 B3"},
    {"B3 a list without spaces", 1, "Content-Length: 5,5\r\n", "400 B3"},
    {"B3 two numbers", 1, "Content-Length: 5 5\r\n", "400 B3"},
    {"B3 repeated", 1, "Content-Length: 5\r\nContent-Length: 6\r\n", "400 B3"},
    {"B3 repeated with the same value", 1, "Content-Length: 5\r\nContent-Length: 5\r\n", "400 B3"},
    {"B3 hexadecimal", 1, "Content-Length: 0x5\r\n", "400 B3"},
    {"B3 a fraction", 1, "Content-Length: 5.0\r\n", "400 B3"},
    {"B3 an exponent", 1, "Content-Length: 5e1\r\n", "400 B3"},
    {"B3 an underscore", 1, "Content-Length: 1_0\r\n", "400 B3"},
    {"B3 quotes", 1, "Content-Length: \"5\"\r\n", "400 B3"},
    {"B3 a parameter", 1, "Content-Length: 5;a\r\n", "400 B3"},
    {"B3 digits of another script", 1, "Content-Length: \xd9\xa5\r\n", "400 B3"},
    {"C2 close", 1, "Connection: Close\r\n", "complete", BodyFraming::kNone, 0, true},
    {"C2 close in a list", 1, "Connection: a, close\r\n", "complete", BodyFraming::kNone, 0, true},
    {"C2 close in the second field", 1, "Connection: a\r\nConnection: close\r\n", "complete",
     BodyFraming::kNone, 0, true},
    {"C2 a word that holds close", 1, "Connection: closed\r\n", "complete"},
    {"C5 1.0 closes", 0, "", "complete", BodyFraming::kNone, 0, true},
    {"C5 1.0 closes in spite of keep-alive", 0, "Connection: keep-alive\r\n", "complete",
     BodyFraming::kNone, 0, true},
};

TEST(RequestFraming, ByRule) {
  for (const Row& row : kRequestRows) {
    SCOPED_TRACE(row.rule);
    const std::string text = std::string("POST / HTTP/1.") + (row.minor_version == 1 ? "1" : "0") +
                             "\r\nHost: a\r\n" + std::string(row.lines) + "\r\n";
    ASSERT_EQ(verdict(parse_in_every_cut(text, RequestSide())), row.verdict);
    RequestSide side;
    if (side.parse(text) != HeadState::kComplete) continue;
    EXPECT_EQ(side.head.framing, row.framing);
    EXPECT_EQ(side.head.content_length, row.length);
    EXPECT_EQ(side.head.close, row.close);
    EXPECT_EQ(side.head.minor_version, row.minor_version);
  }
}

struct ResponseRow {
  std::string_view rule;
  std::string_view start;
  std::string_view lines;
  bool head_request;
  std::string_view verdict;
  BodyFraming framing = BodyFraming::kNone;
  std::uint64_t length = 0;
  bool close = false;
};

constexpr std::string_view kOk = "HTTP/1.1 200 OK";

constexpr ResponseRow kResponseRows[] = {
    {"P4 no framing field: until the end of the connection", kOk, "", false, "complete",
     BodyFraming::kUntilClose, 0, true},
    {"length", kOk, "Content-Length: 5\r\n", false, "complete", BodyFraming::kLength, 5},
    {"chunked", kOk, "Transfer-Encoding: CHUNKED\r\n", false, "complete", BodyFraming::kChunked},
    {"close", kOk, "Content-Length: 5\r\nConnection: close\r\n", false, "complete",
     BodyFraming::kLength, 5, true},
    {"1.0 closes", "HTTP/1.0 200 OK", "Content-Length: 5\r\nConnection: keep-alive\r\n", false,
     "complete", BodyFraming::kLength, 5, true},
    {"P2 HEAD with a length", kOk, "Content-Length: 5\r\n", true, "complete", BodyFraming::kNone,
     5},
    {"P2 HEAD with chunked", kOk, "Transfer-Encoding: chunked\r\n", true, "complete"},
    {"P2 HEAD without a length", kOk, "", true, "complete"},
    {"P2 100", "HTTP/1.1 100 Continue", "", false, "complete"},
    {"P2 103 with a length", "HTTP/1.1 103 Early Hints", "Content-Length: 5\r\n", false, "complete",
     BodyFraming::kNone, 5},
    {"P2 204 with a length", "HTTP/1.1 204 No Content", "Content-Length: 5\r\n", false, "complete",
     BodyFraming::kNone, 5},
    {"P2 204 with chunked", "HTTP/1.1 204 No Content", "Transfer-Encoding: chunked\r\n", false,
     "complete"},
    {"P2 304", "HTTP/1.1 304 Not Modified", "Content-Length: 5\r\n", false, "complete",
     BodyFraming::kNone, 5},
    {"P2 205 has a body", "HTTP/1.1 205 Reset Content", "Content-Length: 0\r\n", false, "complete",
     BodyFraming::kLength, 0},
    {"B1 both", kOk, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", false, "502 B1"},
    {"B1 both to HEAD", kOk, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", true, "502 B1"},
    {"B1 both in 304", "HTTP/1.1 304 a", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
     false, "502 B1"},
    {"B1 Transfer-Encoding in 1.0", "HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n", false,
     "502 B1"},
    {"B2 another coding", kOk, "Transfer-Encoding: gzip\r\n", false, "502 B2"},
    {"B2 a list", kOk, "Transfer-Encoding: gzip, chunked\r\n", false, "502 B2"},
    {"B2 identity", kOk, "Transfer-Encoding: identity\r\n", false, "502 B2"},
    {"B2 repeated", kOk, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", false,
     "502 B2"},
    {"B3 a sign", kOk, "Content-Length: +5\r\n", false, "502 B3"},
    {"B3 a list", kOk, "Content-Length: 5, 5\r\n", false, "502 B3"},
    {"B3 repeated", kOk, "Content-Length: 5\r\nContent-Length: 5\r\n", false, "502 B3"},
    {"B3 overflow", kOk, "Content-Length: 99999999999999999999\r\n", false, "502 B3"},
    {"B3 invalid in 204", "HTTP/1.1 204 a", "Content-Length: x\r\n", false, "502 B3"},
    {"B3 empty", kOk, "Content-Length: \r\n", false, "502 B3"},
};

TEST(ResponseFraming, ByRule) {
  for (const ResponseRow& row : kResponseRows) {
    SCOPED_TRACE(row.rule);
    const std::string text =
        std::string(row.start) + "\r\n" + std::string(row.lines) + "Server: a\r\n\r\n";
    ResponseSide side;
    side.head_request = row.head_request;
    ASSERT_EQ(verdict(parse_in_every_cut(text, side)), row.verdict);
    if (side.parse(text) != HeadState::kComplete) continue;
    EXPECT_EQ(side.head.framing, row.framing);
    EXPECT_EQ(side.head.content_length, row.length);
    EXPECT_EQ(side.head.close, row.close);
  }
}

}  // namespace
}  // namespace sluice
