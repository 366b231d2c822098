#include "parser/chunked.h"

#include <gtest/gtest.h>

#include <string>

#include "base/prng.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

using namespace std::string_view_literals;

struct Decoded {
  ChunkedDecoder::Step::State state = ChunkedDecoder::Step::kMore;
  std::string payload;
  std::size_t consumed = 0;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

// Feeds one piece to the end, as a relay does.
void feed(ChunkedDecoder& decoder, std::string_view piece, Decoded& out) {
  while (true) {
    const ChunkedDecoder::Step step = decoder.next(piece);
    out.payload += step.payload;
    out.consumed += step.consumed;
    out.state = step.state;
    piece.remove_prefix(step.consumed);
    if (step.state != ChunkedDecoder::Step::kMore || piece.empty()) return;
  }
}

// Whole, in every two-way cut and byte by byte: the same.
Decoded decode(std::string_view text) {
  constexpr std::size_t kEveryCutBytesMax = 512;
  GuardedBytes memory(text.size());
  ChunkedDecoder whole;
  Decoded expected;
  feed(whole, memory.place(text), expected);
  for (std::size_t cut = 0; cut < text.size(); cut += text.size() <= kEveryCutBytesMax ? 1 : 101) {
    ChunkedDecoder decoder;
    Decoded out;
    feed(decoder, memory.place(text.substr(0, cut)), out);
    if (out.state == ChunkedDecoder::Step::kMore)
      feed(decoder, memory.place(text.substr(cut)), out);
    EXPECT_EQ(out, expected) << "cut at " << cut << " of " << text;
  }
  ChunkedDecoder decoder;
  Decoded out;
  for (std::size_t i = 0; i < text.size() && out.state == ChunkedDecoder::Step::kMore; ++i)
    feed(decoder, memory.place(text.substr(i, 1)), out);
  EXPECT_EQ(out, expected) << "byte by byte: " << text;
  return expected;
}

struct Row {
  std::string_view rule;
  std::string_view text;
  ChunkedDecoder::Step::State state;
  std::string_view payload;
};

constexpr auto kMore = ChunkedDecoder::Step::kMore;
constexpr auto kDone = ChunkedDecoder::Step::kDone;
constexpr auto kMalformed = ChunkedDecoder::Step::kMalformed;

constexpr Row kRows[] = {
    {"B4 zero is the last chunk", "0\r\n\r\n", kDone, ""},
    {"B4 several zeros are the last chunk", "000\r\n\r\n", kDone, ""},
    {"B4 one chunk", "5\r\nhello\r\n0\r\n\r\n", kDone, "hello"},
    {"B4 chunks add up", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", kDone, "abc"},
    {"B4 digits of either case", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", kDone,
     "01234567890123456789"},
    {"B4 payload may look like chunks", "7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", kDone, "0\r\n\r\n\r\n"},
    {"B4 payload may hold any byte", "3\r\n\0\r\n\r\n0\r\n\r\n"sv, kDone, "\0\r\n"sv},
    {"B4 sixteen digits fit", "0000000000000001\r\na\r\n0\r\n\r\n", kDone, "a"},
    {"B4 the largest size", "ffffffffffffffff\r\nabc", kMore, "abc"},
    {"B4 seventeen digits are refused", "00000000000000001\r\na\r\n0\r\n\r\n", kMalformed, ""},
    {"B4 no digits", "\r\n\r\n", kMalformed, ""},
    {"B4 an extension without a size", ";a\r\n", kMalformed, ""},
    {"B4 no hexadecimal digit", "g\r\n", kMalformed, ""},
    {"B4 a prefix", "0x5\r\nhello\r\n", kMalformed, ""},
    {"B4 a sign", "+5\r\nhello\r\n", kMalformed, ""},
    {"B4 a minus", "-1\r\n", kMalformed, ""},
    {"B4 a space before the size", " 5\r\nhello\r\n", kMalformed, ""},
    {"B4 a space behind the size", "5 \r\nhello\r\n", kMalformed, ""},
    {"B4 a tab behind the size", "5\t\r\nhello\r\n", kMalformed, ""},
    {"B4 a space before an extension", "5 ;a\r\nhello\r\n", kMalformed, ""},
    {"B4 an underscore", "1_0\r\n", kMalformed, ""},
    {"B4 a comma", "5,5\r\n", kMalformed, ""},
    {"B4 a bare LF behind the size", "5\nhello\r\n0\r\n\r\n", kMalformed, ""},
    {"B4 a bare CR behind the size", "5\rhello\r\n", kMalformed, ""},
    {"B4 CR CR LF behind the size", "5\r\r\nhello\r\n", kMalformed, ""},
    {"B4 a bare LF behind the payload", "5\r\nhello\n0\r\n\r\n", kMalformed, "hello"},
    {"B4 nothing behind the payload", "5\r\nhello0\r\n\r\n", kMalformed, "hello"},
    {"B4 a payload longer than its size", "4\r\nhello\r\n0\r\n\r\n", kMalformed, "hell"},
    {"B4 a bare CR behind the payload", "5\r\nhello\rx", kMalformed, "hello"},
    {"B4 a bare LF at the end", "0\r\n\n", kMalformed, ""},
    {"B4 a bare LF behind the last chunk", "0\n\r\n", kMalformed, ""},
    {"B4 a CR without LF at the end", "0\r\n\rx", kMalformed, ""},
    {"B4 extensions are ignored", "5;a=b;c=\"d ;\"\r\nhello\r\n0;x\r\n\r\n", kDone, "hello"},
    {"B4 an empty extension is ignored", "1;\r\na\r\n0\r\n\r\n", kDone, "a"},
    {"B4 tabs and bytes above 127 in extensions", "1;\t\xe2\x82\xac\r\na\r\n0\r\n\r\n", kDone, "a"},
    {"B4 a bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n", kMalformed, ""},
    {"B4 a bare CR in an extension", "5;a\rb\r\nhello\r\n", kMalformed, ""},
    {"B4 NUL in an extension", "5;\0\r\nhello\r\n"sv, kMalformed, ""},
    {"B5 trailers are dropped", "0\r\nA: b\r\nX-C:\r\nd:e\tf\r\n\r\n", kDone, ""},
    {"B5 a trailer without a colon", "0\r\nA\r\n\r\n", kMalformed, ""},
    {"B5 a trailer without a name", "0\r\n: b\r\n\r\n", kMalformed, ""},
    {"B5 white space before the colon", "0\r\nA : b\r\n\r\n", kMalformed, ""},
    {"B5 a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", kMalformed, ""},
    {"B5 a bare LF in the trailers", "0\r\nA: b\n\r\n", kMalformed, ""},
    {"B5 a bare CR in the trailers", "0\r\nA: b\rc\r\n\r\n", kMalformed, ""},
    {"B5 a control in the trailers", "0\r\nA: \x01\r\n\r\n", kMalformed, ""},
    {"B5 a request in the trailers", "0\r\nGET / HTTP/1.1\r\n\r\n", kMalformed, ""},
    {"B8 cut in the size", "5", kMore, ""},
    {"B8 cut in the payload", "5\r\nhel", kMore, "hel"},
    {"B8 cut before the last chunk", "5\r\nhello\r\n", kMore, "hello"},
    {"B8 cut before the last CRLF", "5\r\nhello\r\n0\r\n", kMore, "hello"},
};

TEST(Chunked, ByRule) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.rule);
    const Decoded decoded = decode(row.text);
    EXPECT_EQ(decoded.state, row.state);
    EXPECT_EQ(decoded.payload, row.payload);
    if (row.state == kMalformed) continue;
    EXPECT_EQ(decoded.consumed, row.text.size());
  }
}

TEST(Chunked, B4ExtensionsOfAllChunksTogetherHave4KiB) {
  const std::string half = "1;" + std::string(2047, 'x') + "\r\na\r\n";
  EXPECT_EQ(decode(half + half + "0\r\n\r\n").state, kDone);
  EXPECT_EQ(decode(half + half + "0;\r\n\r\n").state, kMalformed);
}

TEST(Chunked, B5TrailersHave8KiB) {
  const std::string longest = "A:" + std::string(8192 - 4, 'x') + "\r\n";
  EXPECT_EQ(decode("0\r\n" + longest + "\r\n").state, kDone);
  EXPECT_EQ(decode("0\r\nA" + longest + "\r\n").state, kMalformed);
  std::string many = "0\r\n";
  for (int i = 0; i < 2000; ++i) many += "A:\r\n";
  EXPECT_EQ(decode(many).state, ChunkedDecoder::Step::kMore);
  for (int i = 0; i < 100; ++i) many += "A:\r\n";
  EXPECT_EQ(decode(many).state, kMalformed);
}

TEST(Chunked, BytesBehindTheBodyAreLeftAlone) {
  ChunkedDecoder decoder;
  const ChunkedDecoder::Step step = decoder.next("0\r\n\r\nGET / HTTP/1.1\r\n");
  EXPECT_EQ(step.state, kDone);
  EXPECT_EQ(step.consumed, 5u);
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.next("x").consumed, 0u);
  EXPECT_EQ(decoder.next("x").state, kDone);
}

TEST(Chunked, HeadsAreWrittenInLowerCaseWithoutZeros) {
  char out[kChunkHeadBytesMax];
  const auto head = [&](std::uint64_t bytes) {
    return std::string(out, write_chunk_head(out, bytes));
  };
  EXPECT_EQ(head(1), "1\r\n");
  EXPECT_EQ(head(15), "f\r\n");
  EXPECT_EQ(head(16), "10\r\n");
  EXPECT_EQ(head(500), "1f4\r\n");
  EXPECT_EQ(head(UINT64_MAX), "ffffffffffffffff\r\n");
}

TEST(Chunked, WhatIsWrittenIsReadBack) {
  Prng random(2);
  for (int round = 0; round < 200; ++round) {
    std::string text, payload;
    for (std::uint64_t chunks = random.below(6); chunks > 0; --chunks) {
      std::string piece(random.below(40) + 1, '\0');
      for (char& c : piece) c = static_cast<char>(random.below(256));
      char head[kChunkHeadBytesMax];
      text.append(head, write_chunk_head(head, piece.size())).append(piece).append("\r\n");
      payload += piece;
    }
    const Decoded decoded = decode(text + "0\r\n\r\n");
    EXPECT_EQ(decoded.state, kDone);
    EXPECT_EQ(decoded.payload, payload);
  }
}

}  // namespace
}  // namespace sluice
