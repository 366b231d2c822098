#include "engine/llm/stream_filter.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/block_pool.h"

namespace sluice {
namespace {

class StreamFilterTest : public testing::Test {
 protected:
  // The stream as the client sees it, when it comes in these pieces.
  std::string filter(const std::vector<std::string_view>& pieces, std::size_t room = 16) {
    StreamFilter filter(arena_);
    std::string out;
    std::array<std::string_view, 16> list;
    for (std::string_view in : pieces) {
      // A copy that is gone before the next call: no piece may point into earlier input.
      const std::string copy(in);
      in = copy;
      while (!in.empty()) {
        const StreamFilter::Step step = filter.next(in, std::span(list).first(room));
        for (std::size_t i = 0; i < step.pieces; ++i) out += list[i];
        in.remove_prefix(step.consumed);
      }
    }
    const std::size_t last = filter.finish(list);
    for (std::size_t i = 0; i < last; ++i) out += list[i];
    return out;
  }
  std::string filter_bytewise(std::string_view stream) {
    std::vector<std::string_view> pieces;
    for (std::size_t i = 0; i < stream.size(); ++i) pieces.push_back(stream.substr(i, 1));
    return filter(pieces);
  }

  BlockPool pool_;
  Arena arena_{pool_};
};

struct FilterRow {
  const char* name;
  std::string_view stream;
  std::string_view seen;
};

constexpr FilterRow kFilterRows[] = {
    {"a stream as OpenAI sends it",
     "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n"
     "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"ho\"}}],\"usage\":null}\n\n"
     "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"total_tokens\":3}}\n\n"
     "data: [DONE]\n\n",
     "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n"
     "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"ho\"}}]}\n\n"
     "data: [DONE]\n\n"},
    {"CRLF", "data: {\"a\":1,\"usage\":null}\r\n\r\ndata: [DONE]\r\n\r\n",
     "data: {\"a\":1}\r\n\r\ndata: [DONE]\r\n\r\n"},
    {"CR",
     "data: {\"a\":1,\"usage\":null}\r\rdata: {\"choices\":[],\"usage\":{}}\r\rdata: [DONE]\r\r",
     "data: {\"a\":1}\r\rdata: [DONE]\r\r"},
    {"white space",
     "data: {\"choices\": [1], \"usage\" : null }\n\ndata: {\"choices\": [ ], \"usage\": {\"a\": "
     "1}}\n\n",
     "data: {\"choices\": [1] }\n\n"},
    {"the member in the middle", "data: {\"a\":1,\"usage\":null,\"b\":2}\n\n",
     "data: {\"a\":1,\"b\":2}\n\n"},
    {"the member first", "data: {\"usage\":null,\"b\":2}\n\n", "data: {\"b\":2}\n\n"},
    {"the member alone", "data: {\"usage\":null}\n\n", "data: {}\n\n"},
    {"nested members stay", "data: {\"a\":{\"b\":1,\"usage\":null}}\n\n",
     "data: {\"a\":{\"b\":1,\"usage\":null}}\n\n"},
    {"a null usage below the one at the top stays",
     "data: {\"usage\":null,\"a\":{\"usage\":null}}\n\n", "data: {\"a\":{\"usage\":null}}\n\n"},
    {"words before the member do not hide it",
     "data: {\"a\":\"\\\"usage\\\":null\",\"usage\":null}\n\n",
     "data: {\"a\":\"\\\"usage\\\":null\"}\n\n"},
    {"nested members stay beside ours", "data: {\"a\":{\"usage\":null},\"usage\":null}\n\n",
     "data: {\"a\":{\"usage\":null}}\n\n"},
    {"the model's words stay",
     "data: {\"a\":\",\\\"usage\\\":null}\"}\n\ndata: {\"c\":\"usage\",\"n\":null}\n\n",
     "data: {\"a\":\",\\\"usage\\\":null}\"}\n\ndata: {\"c\":\"usage\",\"n\":null}\n\n"},
    {"a usage with choices stays", "data: {\"choices\":[{}],\"usage\":{\"total_tokens\":1}}\n\n",
     "data: {\"choices\":[{}],\"usage\":{\"total_tokens\":1}}\n\n"},
    {"empty choices without usage stay", "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n",
     "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n"},
    {"nothing but empty choices and a null usage", "data: {\"choices\":[],\"usage\":null}\n\n", ""},
    {"in the other order, with what every chunk has",
     ": c\n\ndata: {\"id\":\"c\",\"object\":\"o\",\"created\":1,\"model\":\"m\",\"usage\": null ,"
     "\"choices\" : [ ],\"system_fingerprint\":\"\\\"]\",\"obfuscation\":\"x\"}\n\ndata: "
     "[DONE]\n\n",
     ": c\n\ndata: [DONE]\n\n"},
    {"over several lines", "data: {\"choices\":[\ndata: ],\ndata: \"usage\":null}\r\n\r\n\n", "\n"},
    {"whatever its members hold",
     "data: "
     "{\"choices\":[],\"model\":\"a\\\",\",\"id\":{\"x\":[{\"y\":1}]},\"usage\":null}"
     "\n\n",
     ""},
    {"empty choices that say something else stay without the null usage",
     "data: {\"choices\":[],\"id\":\"\",\"prompt_filter_results\":[{\"a\":{}}],\"usage\":null}\n\n"
     "data: {\"usage\":null,\"choices\":[],\"error\":{\"message\":\"no\"}}\n\n",
     "data: {\"choices\":[],\"id\":\"\",\"prompt_filter_results\":[{\"a\":{}}]}\n\n"
     "data: {\"choices\":[],\"error\":{\"message\":\"no\"}}\n\n"},
    {"choices that are empty below the top, or no list, or only in words",
     "data: {\"a\":{\"choices\":[]},\"usage\":null}\n\n"
     "data: {\"choices\":null,\"a\":[],\"usage\":null}\n\n"
     "data: {\"choices\":[{\"delta\":{\"tool_calls\":[]}}],\"usage\":null}\n\n"
     "data: {\"model\":\"\\\"choices\\\":[]\",\"usage\":null}\n\n",
     "data: {\"a\":{\"choices\":[]}}\n\n"
     "data: {\"choices\":null,\"a\":[]}\n\n"
     "data: {\"choices\":[{\"delta\":{\"tool_calls\":[]}}]}\n\n"
     "data: {\"model\":\"\\\"choices\\\":[]\"}\n\n"},
    {"empty choices and a null usage below the top",
     "data: {\"choices\":[],\"model\":{\"usage\":null}}\n\n",
     "data: {\"choices\":[],\"model\":{\"usage\":null}}\n\n"},
    {"a second null usage is the provider's own affair",
     "data: {\"usage\":null,\"usage\":null}\n\n", "data: {\"usage\":null}\n\n"},
    {"also behind one below the top",
     "data: {\"a\":{\"usage\":null},\"usage\":null,\"b\":1,\"usage\":null}\n\n",
     "data: {\"a\":{\"usage\":null},\"b\":1,\"usage\":null}\n\n"},
    {"comments, names and ids stay",
     ": c,\"usage\":null}\n\nevent: e\nid: 1\ndata: {\"a\":1,\"usage\":null}\nretry: 5\n\n",
     ": c,\"usage\":null}\n\nevent: e\nid: 1\ndata: {\"a\":1}\nretry: 5\n\n"},
    {"a comment before the data", ": {\"\ndata: {\"a\":1,\"usage\":null}\n\n",
     ": {\"\ndata: {\"a\":1}\n\n"},
    {"an event over several lines",
     "data: {\"a\":1,\ndata: \"usage\":\ndata: null\ndata: }\n\n"
     "data: {\"choices\":\ndata: [\ndata: ],\ndata: \"usage\":\ndata: {}}\n\n",
     "data: {\"a\":1\ndata: }\n\n"},
    {"an event that does not end", "data: {\"a\":1}\n\ndata: {\"b\":1,\"us",
     "data: {\"a\":1}\n\ndata: {\"b\":1,\"us"},
    {"no event at all", "{\"error\":{\"message\":\"no\"}}", "{\"error\":{\"message\":\"no\"}}"},
    {"blank lines", "\n\n\r\n: x\n\n\n", "\n\n\r\n: x\n\n\n"},
};

TEST_F(StreamFilterTest, TheClientSeesWhatItWouldHaveSeenHoweverTheStreamIsCut) {
  for (const FilterRow& row : kFilterRows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(filter({row.stream}), row.seen);
    EXPECT_EQ(filter({row.stream}, StreamFilter::kPiecesMin), row.seen);
    EXPECT_EQ(filter_bytewise(row.stream), row.seen);
    for (std::size_t cut = 0; cut <= row.stream.size(); ++cut)
      ASSERT_EQ(filter({row.stream.substr(0, cut), row.stream.substr(cut)}), row.seen) << cut;
  }
}

TEST_F(StreamFilterTest, EventsThatStayAreOnePieceOfTheInput) {
  const std::string_view in = "data: {\"a\":1}\n\n: x\n\ndata: {\"a\":2}\n\n";
  StreamFilter filter(arena_);
  std::array<std::string_view, 4> list;
  const StreamFilter::Step step = filter.next(in, list);
  ASSERT_EQ(step.pieces, 1u);
  EXPECT_EQ(list[0].data(), in.data());
  EXPECT_EQ(list[0].size(), in.size());
}

TEST_F(StreamFilterTest, CompleteEventsDoNotWaitForTheOneThatIsHeld) {
  StreamFilter filter(arena_);
  std::array<std::string_view, 4> list;
  const StreamFilter::Step step = filter.next("data: 1\n\ndata: 2", list);
  EXPECT_EQ(step.consumed, 16u);
  ASSERT_EQ(step.pieces, 1u);
  EXPECT_EQ(list[0], "data: 1\n\n");
}

TEST_F(StreamFilterTest, AnEventThatIsTooLongPassesUnchanged) {
  const std::string tail = "data: {\"b\":1,\"usage\":null}\n\n";
  const std::string large =
      "data: {\"a\":\"" + std::string(StreamFilter::kHeldBytesMax, 'x') + "\",\"usage\":null}\n\n";
  const std::string stream = large + tail;
  const std::string seen = large + "data: {\"b\":1}\n\n";
  EXPECT_EQ(filter({stream}), seen);
  for (std::size_t cut = 1; cut < stream.size(); cut += 9973)
    EXPECT_EQ(
        filter({std::string_view(stream).substr(0, cut), std::string_view(stream).substr(cut)}),
        seen);
}

}  // namespace
}  // namespace sluice
