#include "engine/proxy/body_pump.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/proxy/pump_driver.h"

namespace sluice {
namespace {

using Fed = BodyPump::Fed;

constexpr std::string_view kStream =
    "data: {\"a\":\"hi\",\"usage\":null}\n\n"
    ": a comment\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n"
    "data: [DONE]\n\n";
constexpr std::string_view kStreamFiltered =
    "data: {\"a\":\"hi\"}\n\n"
    ": a comment\n\n"
    "data: [DONE]\n\n";

// `payload` as a provider frames it. Chunks of several sizes, with what may stand around them (B4,
// B5).
std::string framed(BodyFraming framing, std::string_view payload) {
  if (framing != BodyFraming::kChunked) return std::string(payload);
  std::string body;
  std::size_t size = 1;
  while (!payload.empty()) {
    const std::string_view part = payload.substr(0, size);
    char head[kChunkHeadBytesMax];
    body.append(head, write_chunk_head(head, part.size()));
    if (size > 1) body.insert(body.size() - 2, ";name=\"value\"");
    body.append(part).append("\r\n");
    payload.remove_prefix(part.size());
    size = size * 3 + 1;
  }
  return body + "0\r\nx-trailer: dropped\r\n\r\n";
}

struct PumpRow {
  BodyFraming in;
  OutFraming out;
  bool filtered;
};
constexpr PumpRow kPumpRows[] = {
    {BodyFraming::kLength, OutFraming::kLength, false},
    {BodyFraming::kLength, OutFraming::kChunked, true},
    {BodyFraming::kLength, OutFraming::kClose, true},
    {BodyFraming::kChunked, OutFraming::kChunked, false},
    {BodyFraming::kChunked, OutFraming::kClose, false},
    {BodyFraming::kChunked, OutFraming::kChunked, true},
    {BodyFraming::kChunked, OutFraming::kClose, true},
    {BodyFraming::kUntilClose, OutFraming::kChunked, false},
    {BodyFraming::kUntilClose, OutFraming::kClose, false},
    {BodyFraming::kUntilClose, OutFraming::kChunked, true},
    {BodyFraming::kUntilClose, OutFraming::kClose, true},
};

PumpDriver driver_for(const PumpRow& row) {
  return PumpDriver(row.in, kStream.size(), row.out, row.filtered);
}

Pumped pump(PumpDriver& driver, const std::vector<std::string_view>& pieces, bool send_each) {
  for (const std::string_view piece : pieces) {
    if (piece.empty()) continue;
    if (!driver.feed(piece)) return driver.finish();
    if (send_each) driver.send();
  }
  driver.close();
  return driver.finish();
}
Pumped pump(const PumpRow& row, const std::vector<std::string_view>& pieces, bool send_each) {
  PumpDriver driver = driver_for(row);
  return pump(driver, pieces, send_each);
}

std::vector<std::string_view> bytewise(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < text.size(); ++i) pieces.push_back(text.substr(i, 1));
  return pieces;
}

class BodyPumpRows : public ::testing::TestWithParam<PumpRow> {
 protected:
  void expect_whole(const Pumped& got) {
    const std::string_view expected = GetParam().filtered ? kStreamFiltered : kStream;
    EXPECT_EQ(payload_of(GetParam().out, got.sent), expected);
    EXPECT_EQ(got.payload_total, expected.size());
    EXPECT_EQ(got.end, Fed::kDone);
    EXPECT_EQ(got.behind, "");
    EXPECT_EQ(got.usage.total, 3u);  // of what the provider sent, not of what the client sees
  }
};

TEST_P(BodyPumpRows, ABodyIsDeliveredWhole) {
  const std::string in = framed(GetParam().in, kStream);
  expect_whole(pump(GetParam(), {in}, false));
}

TEST_P(BodyPumpRows, HoweverItIsCutInTwo) {
  const std::string in = framed(GetParam().in, kStream);
  const std::string at_once = pump(GetParam(), {in}, false).sent;
  for (std::size_t cut = 1; cut < in.size(); ++cut) {
    SCOPED_TRACE(cut);
    const std::string_view text = in;
    const Pumped gathered = pump(GetParam(), {text.substr(0, cut), text.substr(cut)}, false);
    expect_whole(gathered);
    // What the filter held goes out in a send of its own.
    if (!GetParam().filtered) {
      EXPECT_EQ(gathered.sent, at_once);
    }
    expect_whole(pump(GetParam(), {text.substr(0, cut), text.substr(cut)}, true));
  }
}

TEST_P(BodyPumpRows, AndByteByByte) {
  const std::string in = framed(GetParam().in, kStream);
  expect_whole(pump(GetParam(), bytewise(in), true));
  expect_whole(pump(GetParam(), bytewise(in), false));
}

TEST_P(BodyPumpRows, ACutBodyIsTruncatedUnlessItsEndIsTheConnections) {
  const std::string in = framed(GetParam().in, kStream);
  const bool until_close = GetParam().in == BodyFraming::kUntilClose;
  for (std::size_t cut = 0; cut < in.size(); ++cut) {
    const Pumped got = pump(GetParam(), {std::string_view(in).substr(0, cut)}, true);
    ASSERT_EQ(got.end, until_close ? Fed::kDone : Fed::kMalformed) << cut;
    // P4: the client sees that something is missing.
    if (GetParam().out == OutFraming::kChunked && !until_close) {
      ASSERT_EQ(payload_of(OutFraming::kChunked, got.sent), "(broken)") << cut;
    }
  }
}

TEST_P(BodyPumpRows, BytesBehindTheEndAreNotPassedOn) {
  if (GetParam().in == BodyFraming::kUntilClose) return;  // has nothing behind it
  const std::string in = framed(GetParam().in, kStream);
  const std::string behind = "HTTP/1.1 200 OK\r\n\r\n";
  const std::string both = in + behind;
  const Pumped whole = pump(GetParam(), {both}, false);
  EXPECT_EQ(whole.behind, behind);
  EXPECT_EQ(whole.end, Fed::kDone);
  EXPECT_EQ(payload_of(GetParam().out, whole.sent),
            GetParam().filtered ? kStreamFiltered : kStream);
  EXPECT_EQ(pump(GetParam(), {in}, false).sent, whole.sent);
}

TEST_P(BodyPumpRows, EveryBufferIsGivenBack) {
  const std::string in = framed(GetParam().in, kStream);
  PumpDriver driver = driver_for(GetParam());
  for (const std::string_view piece : bytewise(in)) {
    if (!driver.feed(piece)) break;
    driver.send();
  }
  driver.finish();
  // What is left is the arena's: the usage object's and the filter's held events.
  EXPECT_LE(driver.pool().bytes_in_use(), 2 * 8192u + Arena::kBlockBytes);
}

std::string row_name(const ::testing::TestParamInfo<PumpRow>& info) {
  constexpr std::string_view kIn[] = {"None", "Length", "Chunked", "UntilClose"};
  constexpr std::string_view kOut[] = {"None", "Length", "Chunked", "Close"};
  std::string name(kIn[static_cast<int>(info.param.in)]);
  name.append("To").append(kOut[static_cast<int>(info.param.out)]);
  return info.param.filtered ? name + "Filtered" : name;
}
INSTANTIATE_TEST_SUITE_P(Framings, BodyPumpRows, ::testing::ValuesIn(kPumpRows), row_name);

struct BytesRow {
  const char* rule;
  BodyFraming in;
  std::uint64_t content_length;
  OutFraming out;
  std::string_view body;
  std::string_view sent;
};
constexpr BytesRow kBytesRows[] = {
    {"a length passes as it came", BodyFraming::kLength, 5, OutFraming::kLength, "hello", "hello"},
    {"an empty one has nothing to send", BodyFraming::kLength, 0, OutFraming::kLength, "", ""},
    {"chunks are made anew: one for each send", BodyFraming::kChunked, 0, OutFraming::kChunked,
     "2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\nt: 1\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"},
    {"an empty chunked one is its last chunk", BodyFraming::kChunked, 0, OutFraming::kChunked,
     "0\r\n\r\n", "0\r\n\r\n"},
    {"a client of HTTP/1.0 gets no chunks", BodyFraming::kChunked, 0, OutFraming::kClose,
     "5\r\nhello\r\n0\r\n\r\n", "hello"},
    {"the end of a connection becomes a last chunk", BodyFraming::kUntilClose, 0,
     OutFraming::kChunked, "sixteen bytes...", "10\r\nsixteen bytes...\r\n0\r\n\r\n"},
    {"or the end of a connection", BodyFraming::kUntilClose, 0, OutFraming::kClose, "hello",
     "hello"},
    {"no body where there may be none (P2)", BodyFraming::kLength, 5, OutFraming::kNone, "", ""},
};

TEST(BodyPump, FramesAnew) {
  for (const BytesRow& row : kBytesRows) {
    SCOPED_TRACE(row.rule);
    PumpDriver driver(row.in, row.content_length, row.out, false);
    const Pumped got = pump(driver, {row.body}, false);
    EXPECT_EQ(got.sent, row.sent);
    EXPECT_EQ(got.end, Fed::kDone);
  }
}

TEST(BodyPump, ABodyThatMayNotBeIsNotPassedOn) {
  PumpDriver driver(BodyFraming::kLength, 5, OutFraming::kNone, false);
  const Pumped got = pump(driver, {"hello"}, false);
  EXPECT_EQ(got.end, Fed::kDone);
  EXPECT_EQ(got.sent, "");
  EXPECT_EQ(got.behind, "hello");
}

struct MalformedRow {
  const char* rule;
  std::string_view body;
  std::string_view payload;  // what came before it
};
constexpr MalformedRow kMalformedRows[] = {
    {"a size that is no number", "2\r\nhe\r\nx\r\n", "he"},
    {"no size", "2\r\nhe\r\n\r\n", "he"},
    {"a size with a space", "2 \r\nhe\r\n", ""},
    {"a size with a sign", "+2\r\nhe\r\n", ""},
    {"seventeen digits", "00000000000000002\r\nhe\r\n", ""},
    {"a bare LF", "2\nhe\r\n", ""},
    {"payload longer than its chunk", "2\r\nhello\r\n0\r\n\r\n", "he"},
    {"a trailer that is no field", "2\r\nhe\r\n0\r\nno field\r\n\r\n", "he"},
};

TEST(BodyPump, MalformedChunksAreToldAndWhatCameBeforeIsDelivered) {
  for (const MalformedRow& row : kMalformedRows) {
    SCOPED_TRACE(row.rule);
    for (std::size_t cut = 0; cut <= row.body.size(); ++cut) {
      PumpDriver driver(BodyFraming::kChunked, 0, OutFraming::kClose, false);
      const Pumped got = pump(driver, {row.body.substr(0, cut), row.body.substr(cut)}, false);
      EXPECT_EQ(got.end, Fed::kMalformed) << cut;
      EXPECT_EQ(got.sent, row.payload) << cut;
    }
    PumpDriver chunked(BodyFraming::kChunked, 0, OutFraming::kChunked, false);
    EXPECT_EQ(payload_of(OutFraming::kChunked, pump(chunked, {row.body}, false).sent), "(broken)");
  }
}

TEST(BodyPump, AFullOutboxIsSentBeforeMoreIsTaken) {
  std::string in, payload;
  for (int i = 0; i < 100; ++i) {
    in += "1\r\n" + std::string(1, static_cast<char>('a' + i % 26)) + "\r\n";
    payload += static_cast<char>('a' + i % 26);
  }
  in += "0\r\n\r\n";
  PumpDriver driver(BodyFraming::kChunked, 0, OutFraming::kChunked, false);
  Slice slice = copy_to_pool(driver.pool(), in);
  ASSERT_EQ(driver.pump().feed(slice, driver.outbox()), Fed::kSendFirst);
  EXPECT_TRUE(driver.outbox().full());
  EXPECT_GT(slice.size(), 0u);
  EXPECT_FALSE(driver.feed(slice));
  const Pumped got = driver.finish();
  EXPECT_EQ(payload_of(OutFraming::kChunked, got.sent), payload);
  EXPECT_GT(got.sends, 3u);
}

TEST(BodyPump, SlicesWithoutOutputDoNotFillTheOutbox) {
  // An event of the filter's, held until it is whole: nothing to send, however many slices it is.
  const std::string event = "data: {\"a\":\"" + std::string(200, 'x') + "\"}";
  PumpDriver driver(BodyFraming::kUntilClose, 0, OutFraming::kChunked, true);
  for (const std::string_view piece : bytewise(event)) {
    ASSERT_TRUE(driver.feed(piece));
    ASSERT_TRUE(driver.outbox().empty());
  }
  // The filter's copy and nothing else: the slices are given back at once.
  EXPECT_LE(driver.pool().bytes_in_use(), 2 * 8192u);
  ASSERT_TRUE(driver.feed("\n\n"));
  driver.close();
  EXPECT_EQ(payload_of(OutFraming::kChunked, driver.finish().sent), event + "\n\n");
}

// CountedHome - memory that is scarce, as the kernel's ring is.
class CountedHome final : public SliceHome {
 public:
  explicit CountedHome(std::string text) : SliceHome(true), text_(std::move(text)) {}
  Slice slice() { return Slice(*this, text_.data(), static_cast<std::uint32_t>(text_.size())); }

 private:
  void on_unused() noexcept override {}
  std::string text_;
};

TEST(BodyPump, NothingOfTheRingWaitsWithASlowReader) {  // INVARIANTS B1
  std::string events = "1,\"usage\":null}\n\n", seen = "data: {\"a\":1}\n\n";
  for (int i = 0; i < 100; ++i) {
    events += "data: {\"a\":" + std::to_string(i) + ",\"usage\":null}\n\n";
    seen += "data: {\"a\":" + std::to_string(i) + "}\n\n";
  }
  CountedHome ring(events);
  PumpDriver driver(BodyFraming::kUntilClose, 0, OutFraming::kClose, true);
  ASSERT_TRUE(driver.feed("data: {\"a\":"));  // held: the first pieces lie with the filter
  Slice in = ring.slice();
  std::size_t stalls = 0;
  while (driver.pump().feed(in, driver.outbox()) == Fed::kSendFirst) {
    driver.pump().leave_ring(driver.pool());
    driver.outbox().copy_out();  // as a send does that makes no progress
    EXPECT_EQ(ring.slices(), in.empty() ? 0u : 1u);
    driver.send();
    ++stalls;
  }
  EXPECT_GT(stalls, 3u);
  driver.close();
  EXPECT_EQ(driver.finish().sent, seen);
  EXPECT_EQ(ring.slices(), 0u);
}

struct BetweenRow {
  const char* rule;
  std::vector<std::string_view> pieces;
  bool between;
};
const BetweenRow kBetweenRows[] = {
    {"before the first byte", {}, true},
    {"within a line", {"data: a"}, false},
    {"behind a line", {"data: a\n"}, false},
    {"behind a blank line", {"data: a\n\n"}, true},
    {"with CRLF too", {"data: a\r\n\r\n"}, true},
    {"one CRLF is no blank line", {"data: a\r\n"}, false},
    {"a blank line that comes in two", {"data: a\n", "\n"}, true},
    {"or four", {"data: a\r", "\n", "\r", "\n"}, true},
    {"within the next event", {"data: a\n\n", "d"}, false},
    {"line ends before text do not count", {"data: a\n\nb\n"}, false},
};

TEST(BodyPump, KnowsWhenTheClientStandsBetweenTwoEvents) {
  for (const BetweenRow& row : kBetweenRows) {
    PumpDriver driver(BodyFraming::kUntilClose, 0, OutFraming::kChunked, false);
    for (const std::string_view piece : row.pieces) ASSERT_TRUE(driver.feed(piece));
    EXPECT_EQ(driver.pump().between_events(), row.between) << row.rule;
  }
}

TEST(BodyPump, AnEventThatIsHeldLeavesTheClientBetweenTwo) {
  PumpDriver driver(BodyFraming::kUntilClose, 0, OutFraming::kChunked, true);
  ASSERT_TRUE(driver.feed("data: 1\n\ndata: 2"));
  EXPECT_TRUE(driver.pump().between_events());
  driver.send();
  driver.pump().add_comment(": keep-alive\n\n", driver.outbox());
  driver.send();
  ASSERT_TRUE(driver.feed("\n\n"));
  driver.close();
  const Pumped got = driver.finish();
  EXPECT_EQ(got.sent,
            "9\r\ndata: 1\n\n\r\n"
            "e\r\n: keep-alive\n\n\r\n"
            "9\r\ndata: 2\n\n\r\n0\r\n\r\n");
  EXPECT_EQ(got.payload_total, 18u);  // the comment is ours, not the answer's
}

TEST(BodyPump, TheRestOfAnEventThatDoesNotEndIsDeliveredAtTheEnd) {
  PumpDriver driver(BodyFraming::kUntilClose, 0, OutFraming::kClose, true);
  EXPECT_EQ(pump(driver, {"data: 1\n\nda", "ta: 2"}, true).sent, "data: 1\n\ndata: 2");
}

}  // namespace
}  // namespace sluice
