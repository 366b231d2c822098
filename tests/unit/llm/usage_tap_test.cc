#include "engine/llm/usage_tap.h"

#include <gtest/gtest.h>

#include <string>

#include "base/block_pool.h"

namespace sluice {
namespace {

struct Seen {
  Usage usage;
  bool first = false;
  bool end = false;
  friend bool operator==(const Seen&, const Seen&) = default;
};

void PrintTo(const Seen& seen, std::ostream* out) {
  const Usage& u = seen.usage;
  *out << u.prompt << '+' << u.completion << '=' << u.total << " cached " << u.cached_read << '/'
       << u.cached_write << " reasoning " << u.reasoning << (u.estimated ? " estimated" : "")
       << (u.seen ? " seen" : "") << (seen.first ? " first" : "") << (seen.end ? " end" : "");
}

class UsageTapTest : public testing::Test {
 protected:
  Seen tap(AnswerKind kind, std::initializer_list<std::string_view> pieces) {
    UsageTap tap(kind, arena_);
    for (const std::string_view piece : pieces) tap.watch(piece);
    return {tap.usage(40), tap.first_event_seen(), tap.end_seen()};
  }
  Seen tap_bytewise(AnswerKind kind, std::string_view body) {
    UsageTap tap(kind, arena_);
    for (std::size_t i = 0; i < body.size(); ++i) tap.watch(body.substr(i, 1));
    return {tap.usage(40), tap.first_event_seen(), tap.end_seen()};
  }

  BlockPool pool_;
  Arena arena_{pool_};
};

Usage used(std::int64_t prompt, std::int64_t completion, std::int64_t total) {
  return {.prompt = prompt, .completion = completion, .total = total, .seen = true};
}
Usage guessed(std::int64_t prompt, std::int64_t completion) {
  return {
      .prompt = prompt, .completion = completion, .total = prompt + completion, .estimated = true};
}

// Nothing to read: a quarter of the body's bytes.
const Usage kFromBytes = {.estimated = true};

struct JsonRow {
  const char* name;
  std::string_view body;
  Usage usage;
};

const JsonRow kJsonRows[] = {
    {"usage at the end",
     R"({"id":"c","choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})",
     used(1, 2, 3)},
    {"usage at the start", R"({"usage":{"prompt_tokens":1,"total_tokens":3},"x":[{"y":"z"}]})",
     used(1, 0, 3)},
    {"white space", "{ \"a\" : 1 ,\n \"usage\" :\n { \"total_tokens\" : 3 } }", used(0, 0, 3)},
    {"Anthropic", R"({"type":"message","content":[],"usage":{"input_tokens":4,"output_tokens":5}})",
     used(4, 5, 9)},
    {"usage within a choice", R"({"choices":[{"usage":{"total_tokens":3}}]})", used(0, 0, 3)},
    {"the topmost usage counts",
     R"({"choices":[{"usage":{"total_tokens":9}}],"usage":{"total_tokens":3},"x":{"usage":{"total_tokens":8}}})",
     used(0, 0, 3)},
    {"the model's words do not count",
     R"({"choices":[{"message":{"content":"\"usage\":{\"total_tokens\":7}","x":{"usage":{"total_tokens":8}}}}]})",
     kFromBytes},
    {"a value that says usage", R"({"object":"usage","x":{"total_tokens":8}})", kFromBytes},
    {"names that begin alike", R"({"usages":{"total_tokens":8},"usag":{"total_tokens":8},"u":1})",
     kFromBytes},
    {"COMPAT 6 usage null", R"({"id":"c","usage":null})", kFromBytes},
    {"COMPAT 6 a list as the answer", R"([{"usage":{"total_tokens":3}}])", used(0, 0, 3)},
    {"COMPAT 6 an empty list", "[]", kFromBytes},
    {"COMPAT 6 usage a list", R"({"usage":[{"total_tokens":3}]})", kFromBytes},
    {"COMPAT 6 usage a string", R"({"usage":"{\"total_tokens\":3}"})", kFromBytes},
    {"COMPAT 6 numbers as strings", R"({"usage":{"total_tokens":"3"}})", kFromBytes},
    {"COMPAT 24 only a total", R"({"usage":{"total_tokens":3}})", used(0, 0, 3)},
    {"a usage with strings and brackets in it",
     R"({"usage":{"a":"}\"{","b":[{}],"total_tokens":3},"usage2":1})", used(0, 0, 3)},
    {"no JSON at all", "<html>\"usage\"</html>", kFromBytes},
    {"the answer breaks off in the usage", R"({"usage":{"prompt_tokens":1,"completion_to)",
     kFromBytes},
    {"nothing", "", kFromBytes},
};

TEST_F(UsageTapTest, ReadsJsonAnswersHoweverTheyAreCut) {
  for (const JsonRow& row : kJsonRows) {
    SCOPED_TRACE(row.name);
    const auto tokens = static_cast<std::int64_t>((row.body.size() + 3) / 4);
    const Usage usage = row.usage == kFromBytes ? guessed(10, tokens) : row.usage;
    const Seen expected{usage, !row.body.empty(), false};
    EXPECT_EQ(tap(AnswerKind::kJson, {row.body}), expected);
    EXPECT_EQ(tap_bytewise(AnswerKind::kJson, row.body), expected);
    for (std::size_t cut = 0; cut <= row.body.size(); ++cut)
      ASSERT_EQ(tap(AnswerKind::kJson, {row.body.substr(0, cut), row.body.substr(cut)}), expected)
          << cut;
  }
}

struct StreamRow {
  const char* name;
  std::string_view body;
  Usage usage;
  bool first;
  bool end;
};

const StreamRow kStreamRows[] = {
    {"OpenAI chat with a usage chunk",
     "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n"
     "data: "
     "{\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}"
     "\n\n"
     "data: [DONE]\n\n",
     used(1, 2, 3), true, true},
    {"COMPAT 23 without usage one token an event",
     "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n: comment\n\n"
     "data: {\"choices\":[{\"delta\":{\"content\":\"ho\"}}]}\n\ndata: [DONE]\n\n",
     guessed(10, 2), true, true},
    {"usage in every chunk is cumulative",
     "data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\r\n\r\n"
     "data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\r\n\r\n",
     used(5, 2, 7), true, false},
    {"Groq", "data: {\"x_groq\":{\"id\":\"r\",\"usage\":{\"total_tokens\":3}}}\n\ndata: [DONE]\n\n",
     used(0, 0, 3), true, true},
    {"Moonshot",
     "data: {\"choices\":[{\"index\":0,\"delta\":{},\"usage\":{\"total_tokens\":3}}]}\n\n",
     used(0, 0, 3), true, false},
    {"Anthropic",
     "event: message_start\ndata: "
     "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[],"
     "\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n"
     "event: ping\ndata: {\"type\": \"ping\"}\n\n"
     "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
     "{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n"
     "event: message_delta\ndata: "
     "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
     "\"usage\":{\"output_tokens\":15}}\n\n"
     "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
     used(25, 15, 40), true, true},
    {"Responses",
     "event: response.created\ndata: "
     "{\"type\":\"response.created\",\"response\":{\"usage\":null}}\n\n"
     "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":["
     "{\"content\":[{\"usage\":{\"total_tokens\":99}}]}],"
     "\"usage\":{\"input_tokens\":7,\"output_tokens\":8,\"total_tokens\":15}}}\n\n",
     used(7, 8, 15), true, true},
    {"a stream that breaks",
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":"
     "{\"input_tokens\":25,\"output_tokens\":1}}}\n\nevent: content_block_delta\ndata: "
     "{\"type\":\"conte",
     used(25, 1, 26), true, false},
    {"comments and empty events are no beginning", ": hello\n\nevent: ping\n\n\n\n", guessed(10, 0),
     false, false},
    {"the model's words are no end",
     "data: {\"choices\":[{\"delta\":{\"content\":\"[DONE]\",\"type\":\"message_stop\"}}]}\n\n",
     guessed(10, 1), true, false},
    {"an event over several data lines",
     "data: {\"choices\":[],\ndata: \"usage\":\ndata: {\"total_tokens\":\ndata:  "
     "3}}\r\rdata:[DONE]\r\r",
     used(0, 0, 3), true, true},
    {"a type longer than any of ours",
     "data: {\"type\":\"message_stop_and_many_more_bytes_than_the_buffer_takes\",\"usage\":"
     "{\"total_tokens\":3}}\n\ndata: "
     "{\"type\":\"mess\\u0061ge_stop\",\"usage\":{\"total_tokens\":4}}\n\n",
     used(0, 0, 4), true, false},
    {"an error as JSON to a stream", "{\"error\":{\"message\":\"no\"}}", guessed(10, 0), false,
     false},
};

TEST_F(UsageTapTest, ReadsStreamsHoweverTheyAreCut) {
  for (const StreamRow& row : kStreamRows) {
    SCOPED_TRACE(row.name);
    const Seen expected{row.usage, row.first, row.end};
    EXPECT_EQ(tap(AnswerKind::kEventStream, {row.body}), expected);
    EXPECT_EQ(tap_bytewise(AnswerKind::kEventStream, row.body), expected);
    for (std::size_t cut = 0; cut <= row.body.size(); ++cut)
      ASSERT_EQ(tap(AnswerKind::kEventStream, {row.body.substr(0, cut), row.body.substr(cut)}),
                expected)
          << cut;
  }
}

TEST_F(UsageTapTest, AUsageLongerThanTheBufferCountsAsFarAsItGoes) {
  const std::string body = R"({"usage":{"prompt_tokens":5,"x":")" + std::string(5000, 'x') +
                           R"(","total_tokens":9},"a":1})";
  EXPECT_EQ(tap(AnswerKind::kJson, {body}), (Seen{used(5, 0, 5), true, false}));
}

TEST_F(UsageTapTest, AnAnswerOfManyKilobytesWithItsUsageFirst) {
  const std::string body =
      R"({"usage":{"total_tokens":9},"data":[)" + std::string(100'000, ' ') + "1]}";
  EXPECT_EQ(tap(AnswerKind::kJson, {body}), (Seen{used(0, 0, 9), true, false}));
}

TEST_F(UsageTapTest, COMPAT20CompressedAnswersAreEstimated) {
  EXPECT_EQ(tap(AnswerKind::kOpaque, {R"({"usage":{"total_tokens":9}})"}),
            (Seen{guessed(10, 7), true, false}));
}

}  // namespace
}  // namespace sluice
