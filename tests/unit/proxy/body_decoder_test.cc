#include "engine/proxy/body_decoder.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace sluice {
namespace {

struct Decoded {
  std::string payload;
  std::size_t consumed = 0;
  bool done = false;
  bool malformed = false;
  friend bool operator==(const Decoded&, const Decoded&) = default;
  friend void PrintTo(const Decoded& d, std::ostream* out) {
    *out << '"' << d.payload << "\" consumed=" << d.consumed << " done=" << d.done
         << " malformed=" << d.malformed;
  }
};

// The body as it comes out when it comes in in these pieces; `closes`: the stream ends behind them.
Decoded decode(BodyFraming framing, std::uint64_t length,
               const std::vector<std::string_view>& pieces, bool closes) {
  BodyDecoder decoder(framing, length);
  Decoded got;
  for (std::string_view in : pieces) {
    while (!in.empty() && !decoder.done() && !got.malformed) {
      const BodyDecoder::Step step = decoder.next(in);
      EXPECT_LE(step.consumed, in.size());
      EXPECT_TRUE(step.payload.empty() ||
                  (step.payload.data() >= in.data() &&
                   step.payload.data() + step.payload.size() <= in.data() + step.consumed));
      if (!step.malformed && step.consumed == 0) {
        ADD_FAILURE() << "no step forward";
        return got;
      }
      got.malformed = step.malformed;
      if (got.malformed) break;
      got.payload += step.payload;
      got.consumed += step.consumed;
      in.remove_prefix(step.consumed);
    }
  }
  got.done = closes ? decoder.end() : decoder.done();
  EXPECT_EQ(got.done, decoder.done());
  return got;
}

struct BodyRow {
  const char* rule;
  BodyFraming framing;
  std::uint64_t length;
  std::string_view in;
  bool closes;
  std::string_view payload;
  bool done;
  bool malformed;
  std::size_t behind;  // bytes at the end of `in` that are not of this body
};
constexpr auto kNone = BodyFraming::kNone;
constexpr auto kLength = BodyFraming::kLength;
constexpr auto kChunked = BodyFraming::kChunked;
constexpr auto kUntilClose = BodyFraming::kUntilClose;
constexpr BodyRow kBodyRows[] = {
    {"P2: no body is done at once", kNone, 0, "GET / HTTP", false, "", true, false, 10},
    {"P2: whatever the length says", kNone, 5, "hello", false, "", true, false, 5},
    {"B3: nothing is a body", kLength, 0, "next", false, "", true, false, 4},
    {"B3: all of the length", kLength, 5, "hello", false, "hello", true, false, 0},
    {"C1: and no byte more", kLength, 5, "helloGET /", false, "hello", true, false, 5},
    {"B8: less is not done", kLength, 6, "hello", false, "hello", false, false, 0},
    {"B8: nor when the stream ends", kLength, 6, "hello", true, "hello", false, false, 0},
    {"B4: chunks", kChunked, 0, "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", false, "abcde", true, false,
     0},
    {"B5: trailers are dropped", kChunked, 0, "1\r\na\r\n0\r\nx-t: 1\r\n\r\nGET", false, "a", true,
     false, 3},
    {"B4: an empty body", kChunked, 7, "0\r\n\r\n", false, "", true, false, 0},
    {"B8: without the last chunk", kChunked, 0, "3\r\nabc\r\n", true, "abc", false, false, 0},
    {"B8: within a chunk", kChunked, 0, "5\r\nabc", true, "abc", false, false, 0},
    {"P4: a body until the end", kUntilClose, 0, "hello", true, "hello", true, false, 0},
    {"P4: an empty one", kUntilClose, 0, "", true, "", true, false, 0},
    {"P4: is not done before", kUntilClose, 0, "hello", false, "hello", false, false, 0},
};

TEST(BodyDecoder, TakesThePayloadOutHoweverTheBodyIsCut) {
  for (const BodyRow& row : kBodyRows) {
    SCOPED_TRACE(row.rule);
    const Decoded want{.payload = std::string(row.payload),
                       .consumed = row.in.size() - row.behind,
                       .done = row.done,
                       .malformed = row.malformed};
    EXPECT_EQ(decode(row.framing, row.length, {row.in}, row.closes), want);
    for (std::size_t cut = 0; cut <= row.in.size(); ++cut)
      EXPECT_EQ(
          decode(row.framing, row.length, {row.in.substr(0, cut), row.in.substr(cut)}, row.closes),
          want)
          << cut;
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < row.in.size(); ++i) bytes.push_back(row.in.substr(i, 1));
    EXPECT_EQ(decode(row.framing, row.length, bytes, row.closes), want);
  }
}

TEST(BodyDecoder, MalformedChunksAreToldWhereverTheyAreCut) {
  for (const std::string_view in : {"3\r\nabcd\r\n0\r\n\r\n", "x\r\n", "3\nabc", "3 \r\nabc",
                                    "1\r\na\r\n0\r\n x\r\n\r\n", "11111111111111111\r\n"}) {
    for (std::size_t cut = 0; cut <= in.size(); ++cut) {
      const Decoded got = decode(kChunked, 0, {in.substr(0, cut), in.substr(cut)}, true);
      EXPECT_TRUE(got.malformed) << in << " cut at " << cut;
      EXPECT_FALSE(got.done) << in << " cut at " << cut;
    }
  }
}

TEST(BodyDecoder, ALengthBeyondAllMemoryIsCountedDown) {
  const std::uint64_t length = std::numeric_limits<std::uint64_t>::max();
  const Decoded got = decode(kLength, length, {"hello"}, false);
  EXPECT_EQ(got.payload, "hello");
  EXPECT_FALSE(got.done);
}

TEST(BodyDecoder, OnceDoneItTakesNothing) {
  BodyDecoder decoder(kLength, 2);
  EXPECT_EQ(decoder.next("abc").consumed, 2u);
  ASSERT_TRUE(decoder.done());
  const BodyDecoder::Step step = decoder.next("c");
  EXPECT_EQ(step.consumed, 0u);
  EXPECT_TRUE(step.payload.empty());
  EXPECT_FALSE(step.malformed);
}

}  // namespace
}  // namespace sluice
