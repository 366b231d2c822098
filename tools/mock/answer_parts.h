#pragma once

// Shared by the files that write answers; not for others.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tools/mock/answer.h"

namespace sluice {

// Keeps members in the order in which providers write them.
using OrderedJson = nlohmann::ordered_json;

// Text of a JSON value; bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string json_text(const OrderedJson& json);

// MockCompletion - what the model "said", and what it is charged for.
struct MockCompletion {
  std::vector<std::string> words;  // each but the first begins with its space
  bool cut = false;                // by the request's limit on tokens
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;  // with reasoning_tokens
  std::uint64_t cached_tokens = 0;
  std::uint64_t reasoning_tokens = 0;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::uint64_t total() const { return prompt_tokens + completion_tokens; }
};
[[nodiscard]] MockCompletion complete(const MockRequest& request, const ContentBehaviour& content);

// AnswerContext - what all of them need.
struct AnswerContext {
  const MockRequest& request;
  const Behaviour& behaviour;
  const MockScript& script;
  MockCompletion completion;
  std::string id;  // "17", to be put behind a prefix
  std::string model;
  std::int64_t created_s;
};

void add_event(MockAnswer& answer, const OrderedJson& data,
               MockEvent::Role role = MockEvent::Role::kContent);
// With an "event:" line before it.
void add_named_event(MockAnswer& answer, std::string_view name, const OrderedJson& data,
                     MockEvent::Role role = MockEvent::Role::kContent);

// OpenAI's usage object in the shape that the behaviour asks for; discarded for kNone.
[[nodiscard]] OrderedJson chat_usage(const MockCompletion& completion, UsageShape shape);

void answer_chat(const AnswerContext& context, MockAnswer& answer);
void stream_chat(const AnswerContext& context, MockAnswer& answer);
void answer_completions(const AnswerContext& context, MockAnswer& answer);
void stream_completions(const AnswerContext& context, MockAnswer& answer);
void answer_responses(const AnswerContext& context, MockAnswer& answer);
void stream_responses(const AnswerContext& context, MockAnswer& answer);
void answer_messages(const AnswerContext& context, MockAnswer& answer);
void stream_messages(const AnswerContext& context, MockAnswer& answer);
void answer_embeddings(const AnswerContext& context, MockAnswer& answer);
void answer_models(const AnswerContext& context, MockAnswer& answer);
void answer_model(const AnswerContext& context, MockAnswer& answer);
void answer_echo(const AnswerContext& context, MockAnswer& answer);

}  // namespace sluice
