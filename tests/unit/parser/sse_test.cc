#include "parser/sse.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/prng.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

using Texts = std::vector<std::string>;

// The events of a stream that comes in pieces of `piece` bytes; what is left at the end last.
Texts split(std::string_view stream, std::size_t piece) {
  SseSplitter splitter;
  Texts events(1);
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    std::string_view in = stream.substr(at, piece);
    while (!in.empty()) {
      const std::size_t boundary = splitter.next_boundary(in);
      events.back() += in.substr(0, boundary);
      if (boundary == SseSplitter::npos) break;
      events.emplace_back();
      in.remove_prefix(boundary);
    }
  }
  return events;
}

// The payload of each event that ends.
Texts read(std::string_view stream, std::size_t piece) {
  SseReader reader;
  GuardedBytes guarded(stream.size());
  Texts payloads(1);
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    std::string_view in = guarded.place(stream.substr(at, piece));
    while (!in.empty()) {
      const SseReader::Step step = reader.next(in);
      payloads.back() += step.data;
      if (step.event_end) payloads.emplace_back();
      in.remove_prefix(step.consumed);
    }
  }
  payloads.pop_back();
  return payloads;
}

struct SseRow {
  const char* name;
  std::string_view stream;
  Texts events;
  Texts payloads;
};

const SseRow kSseRows[] = {
    {"LF", "data: a\n\ndata: b\n\n", {"data: a\n\n", "data: b\n\n", ""}, {"a", "b"}},
    {"CRLF",
     "data: a\r\n\r\ndata: b\r\n\r\n",
     {"data: a\r\n\r\n", "data: b\r\n\r\n", ""},
     {"a", "b"}},
    {"CR", "data: a\r\rdata: b\r\rx", {"data: a\r\r", "data: b\r\r", "x"}, {"a", "b"}},
    {"LF then CRLF", "data: a\n\r\ndata: b\n\n", {"data: a\n\r\n", "data: b\n\n", ""}, {"a", "b"}},
    {"CRLF then LF", "data: a\r\n\ndata: b\n\n", {"data: a\r\n\n", "data: b\n\n", ""}, {"a", "b"}},
    {"CR then LF is one line end",
     "data: a\r\ndata: b\r\n\r\n",
     {"data: a\r\ndata: b\r\n\r\n", ""},
     {"ab"}},
    {"LF then CR", "data: a\n\rdata: b\n\n", {"data: a\n\r", "data: b\n\n", ""}, {"a", "b"}},
    {"one space behind the colon goes",
     "data:a\n\ndata:  b\n\n",
     {"data:a\n\n", "data:  b\n\n", ""},
     {"a", " b"}},
    {"other fields and comments",
     "event: e\nid: 1\n: c\ndata: a\nretry: 5\n\n",
     {"event: e\nid: 1\n: c\ndata: a\nretry: 5\n\n", ""},
     {"a"}},
    {"a comment alone",
     ": keep-alive\n\ndata: a\n\n",
     {": keep-alive\n\n", "data: a\n\n", ""},
     {"", "a"}},
    {"names that only begin alike",
     "dat: x\ndatax: y\ndata\ndata : z\n\n",
     {"dat: x\ndatax: y\ndata\ndata : z\n\n", ""},
     {""}},
    {"blank lines alone", "\n\n\r\n", {"\n", "\n", "\r\n", ""}, {"", "", ""}},
    {"an event that does not end", "data: a\n\ndata: b\n", {"data: a\n\n", "data: b\n"}, {"a"}},
};

TEST(SseTest, FramesAsWhatwgDoesHoweverTheStreamIsCut) {
  for (const SseRow& row : kSseRows) {
    SCOPED_TRACE(row.name);
    for (std::size_t piece = 1; piece <= row.stream.size(); ++piece) {
      SCOPED_TRACE(piece);
      EXPECT_EQ(split(row.stream, piece), row.events);
      EXPECT_EQ(read(row.stream, piece), row.payloads);
    }
  }
}

TEST(SseTest, ACarriageReturnAtTheEndWaitsForItsLineFeed) {
  SseSplitter splitter;
  EXPECT_EQ(splitter.next_boundary("data: a\r\n\r"), SseSplitter::npos);
  EXPECT_EQ(splitter.next_boundary("\ndata: b"), 1u);
  SseSplitter other;
  EXPECT_EQ(other.next_boundary("data: a\r\r"), SseSplitter::npos);
  EXPECT_EQ(other.next_boundary("data: b"), 0u);
  EXPECT_EQ(other.next_boundary("data: b\n\n"), 9u);
}

TEST(SseTest, RandomStreamsAreFramedTheSameInPiecesOfAnySize) {
  Prng prng(3);
  static constexpr std::string_view kParts[] = {"data:", "data: x", "\n",      "\r",
                                                "\r\n",  ":",       "event: y"};
  for (int round = 0; round < 300; ++round) {
    std::string stream;
    for (int i = 0; i < 30; ++i) stream += kParts[prng.next() % std::size(kParts)];
    const Texts events = split(stream, stream.size());
    const Texts payloads = read(stream, stream.size());
    for (const std::size_t piece : {1u, 2u, 3u, 5u, 16u, 17u}) {
      ASSERT_EQ(split(stream, piece), events);
      ASSERT_EQ(read(stream, piece), payloads);
    }
  }
}

TEST(SseTest, LineEndsAreFoundTheSameWithAndWithoutSimd) {
  GuardedBytes guarded(80);
  Prng prng(9);
  for (int round = 0; round < 2000; ++round) {
    std::string text(prng.next() % 80, 'x');
    for (int i = static_cast<int>(prng.next() % 3); i > 0 && !text.empty(); --i)
      text[prng.next() % text.size()] = "\n\r\x0b"[prng.next() % 3];
    ASSERT_EQ(find_line_end(guarded.place(text)), find_line_end_scalar(text));
  }
}

}  // namespace
}  // namespace sluice
