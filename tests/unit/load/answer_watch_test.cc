#include "engine/load/answer_watch.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/load/content_event.h"

namespace sluice::test {
namespace {

struct EventRow {
  const char* what;
  ApiKind api;
  std::string_view data;
  bool content;
};
constexpr EventRow kEventRows[] = {
    {"a chat delta", ApiKind::kChat, R"({"choices":[{"delta":{"content":"Hi"}}]})", true},
    {"white space", ApiKind::kChat, R"({"choices":[{"delta":{"content" : "Hi"}}]})", true},
    {"a role", ApiKind::kChat, R"({"choices":[{"delta":{"role":"assistant","content":""}}]})",
     false},
    {"null", ApiKind::kChat, R"({"choices":[{"delta":{"content":null}}]})", false},
    {"the end", ApiKind::kChat, R"({"choices":[{"delta":{},"finish_reason":"stop"}]})", false},
    {"counts", ApiKind::kChat, R"({"choices":[],"usage":{"completion_tokens":3}})", false},
    {"[DONE]", ApiKind::kChat, "[DONE]", false},
    {"reasoning", ApiKind::kChat, R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})", true},
    {"a tool call", ApiKind::kChat,
     R"({"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{"}}]}}]})", true},
    {"an empty part before one with text", ApiKind::kChat,
     R"({"choices":[{"delta":{"content":""}},{"delta":{"content":"b"}}]})", true},
    {"a model that speaks of members", ApiKind::kMessages,
     R"({"type":"ping","note":"\"text\":\"Hi\""})", false},
    {"a completion", ApiKind::kCompletions, R"({"choices":[{"text":"Hi"}]})", true},
    {"a text of chat's is no member there", ApiKind::kChat, R"({"text":"Hi"})", false},
    {"a message's text", ApiKind::kMessages,
     R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}})", true},
    {"a message's begin", ApiKind::kMessages,
     R"({"type":"content_block_start","content_block":{"type":"text","text":""}})", false},
    {"a message's tool", ApiKind::kMessages, R"({"delta":{"partial_json":"{\"a"}})", true},
    {"a response's delta", ApiKind::kResponses,
     R"({"type":"response.output_text.delta","delta":"Hi"})", true},
    {"a response's whole text comes twice", ApiKind::kResponses,
     R"({"type":"response.output_text.done","text":"Hi there"})", false},
    {"an unknown interface", ApiKind::kOther, R"({"delta":"Hi"})", true},
};

TEST(ContentEvent, IsOneThatBringsText) {
  for (const EventRow& row : kEventRows)
    EXPECT_EQ(has_content(row.api, row.data), row.content) << row.what;
}

TEST(ContentEvent, AnErrorIsToldByObjectOrType) {
  EXPECT_TRUE(is_error_event(R"({"error":{"message":"no"}})"));
  EXPECT_TRUE(is_error_event(R"( { "error" : {}})"));
  EXPECT_TRUE(is_error_event(R"({"type":"error","error":{}})"));
  EXPECT_FALSE(is_error_event(R"({"error":null,"choices":[]})"));
  EXPECT_FALSE(is_error_event(R"({"choices":[{"delta":{"content":"\"error\":{"}}]})"));
  EXPECT_FALSE(is_error_event(""));
}

class AnswerWatchTest : public ::testing::Test {
 protected:
  AnswerWatch watching(ApiKind api, AnswerKind kind = AnswerKind::kEventStream) {
    return AnswerWatch(api, kind, arena_, *gaps_);
  }
  static Instant at(int ms) { return Instant(ms * 1ms); }

  BlockPool pool_;
  Arena arena_{pool_};
  std::unique_ptr<LoadHistogram> gaps_ = std::make_unique<LoadHistogram>();
};

constexpr std::string_view kRole = R"(data: {"choices":[{"delta":{"role":"a","content":""}}]})"
                                   "\n\n";
constexpr std::string_view kWord = R"(data: {"choices":[{"delta":{"content":"word "}}]})"
                                   "\n\n";
constexpr std::string_view kUsage =
    R"(data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}})"
    "\n\n";

TEST_F(AnswerWatchTest, TheFirstContentIsNotTheFirstEvent) {
  AnswerWatch watch = watching(ApiKind::kChat);
  watch.watch(": keep-alive\n\n", at(5));
  watch.watch(kRole, at(10));
  EXPECT_EQ(watch.first_content(), kNever);
  watch.watch(kWord, at(30));
  watch.watch(kWord, at(50));
  watch.watch(kWord, at(90));
  watch.watch(kUsage, at(91));
  EXPECT_FALSE(watch.end_seen());
  watch.watch("data: [DONE]\n\n", at(92));
  EXPECT_EQ(watch.first_content(), at(30));
  EXPECT_EQ(watch.content_events(), 3u);
  EXPECT_EQ(gaps_->count(), 2u);
  EXPECT_EQ(gaps_->max(), Duration(40ms));
  EXPECT_TRUE(watch.end_seen());
  EXPECT_FALSE(watch.failed());
  EXPECT_FALSE(watch.usage().estimated);
  EXPECT_EQ(watch.usage().completion, 2);
}

TEST_F(AnswerWatchTest, AnEventCountsWhenItIsWholeHoweverItIsCut) {
  const std::string stream = std::string(kRole) + std::string(kWord) + std::string(kWord);
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    *gaps_ = LoadHistogram();
    AnswerWatch watch = watching(ApiKind::kChat);
    watch.watch(std::string_view(stream).substr(0, cut), at(10));
    watch.watch(std::string_view(stream).substr(cut), at(20));
    EXPECT_EQ(watch.content_events(), 2u) << cut;
    EXPECT_EQ(gaps_->count(), 1u) << cut;
    // A blank line is the end: its second byte may still be outstanding at the cut.
    const bool first_is_whole = cut >= kRole.size() + kWord.size();
    EXPECT_EQ(watch.first_content(), first_is_whole ? at(10) : at(20)) << cut;
  }
}

TEST_F(AnswerWatchTest, BytesOneByOneAreTheSame) {
  AnswerWatch watch = watching(ApiKind::kChat);
  const std::string stream = std::string(kRole) + std::string(kWord) + std::string(kUsage);
  int ms = 0;
  for (const char& byte : stream) watch.watch(std::string_view(&byte, 1), at(ms++));
  EXPECT_EQ(watch.content_events(), 1u);
  EXPECT_EQ(watch.usage().prompt, 5);
}

TEST_F(AnswerWatchTest, AnErrorEventMeansFailure) {
  AnswerWatch watch = watching(ApiKind::kChat);
  watch.watch(kWord, at(1));
  watch.watch("data: {\"error\":{\"message\":\"gone\"}}\n\n", at(2));
  EXPECT_TRUE(watch.failed());
  EXPECT_FALSE(watch.end_seen());
}

TEST_F(AnswerWatchTest, AWholeAnswerTellsItsUsageAndHasNoEvents) {
  AnswerWatch watch = watching(ApiKind::kChat, AnswerKind::kJson);
  watch.watch(R"({"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":7,)", at(1));
  watch.watch(R"("completion_tokens":9}})", at(2));
  EXPECT_FALSE(watch.is_stream());
  EXPECT_EQ(watch.first_content(), kNever);
  EXPECT_EQ(watch.content_events(), 0u);
  EXPECT_EQ(watch.usage().completion, 9);
}

}  // namespace
}  // namespace sluice::test
