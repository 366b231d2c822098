// POST /v1/completions and /v1/embeddings.
#include <bit>
#include <cstring>

#include "tools/mock/answer_parts.h"
#include "tools/mock/text.h"

namespace sluice {
namespace {

static_assert(std::endian::native == std::endian::little);  // embeddings are little-endian floats

OrderedJson frame(const AnswerContext& context) {
  return {{"id", "cmpl-mock-" + context.id},
          {"object", "text_completion"},
          {"created", context.created_s},
          {"model", context.model}};
}

OrderedJson choice(std::uint64_t index, std::string text, const OrderedJson& reason) {
  return {{"text", std::move(text)},
          {"index", index},
          {"logprobs", nullptr},
          {"finish_reason", reason}};
}

std::string finish_reason(const AnswerContext& context) {
  if (context.behaviour.content.finish_reason) return *context.behaviour.content.finish_reason;
  return context.completion.cut ? "length" : "stop";
}

// Numbers that a float holds exactly, different for every input.
OrderedJson embedding(std::uint64_t input, std::uint32_t dimensions, bool as_base64) {
  std::string bytes;
  OrderedJson list = OrderedJson::array();
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const float number = static_cast<float>((input + i) % 64) / 64.0f - 0.5f;
    char raw[sizeof(number)];
    std::memcpy(raw, &number, sizeof(number));
    if (as_base64) bytes.append(raw, sizeof(raw));
    else list.push_back(number);
  }
  return as_base64 ? OrderedJson(base64(bytes)) : list;
}

}  // namespace

void answer_completions(const AnswerContext& context, MockAnswer& answer) {
  OrderedJson body = frame(context);
  if (context.behaviour.content.answer != AnswerShape::kNoChoices) {
    body["choices"] = OrderedJson::array();
    for (std::uint64_t index = 0; index < context.request.facts.choices; ++index) {
      body["choices"].push_back(choice(index, context.completion.text(), finish_reason(context)));
    }
  }
  const OrderedJson usage = chat_usage(context.completion, context.behaviour.content.usage);
  if (!usage.is_discarded()) body["usage"] = usage;
  answer.body = json_text(body);
}

void stream_completions(const AnswerContext& context, MockAnswer& answer) {
  const bool with_usage = context.request.facts.include_usage;
  const auto add = [&](const std::string& text, const OrderedJson& reason, MockEvent::Role role) {
    for (std::uint64_t index = 0; index < context.request.facts.choices; ++index) {
      OrderedJson chunk = frame(context);
      chunk["choices"] = OrderedJson::array({choice(index, text, reason)});
      if (with_usage) chunk["usage"] = nullptr;
      add_event(answer, chunk, role);
    }
  };
  for (const std::string& word : context.completion.words) {
    add(word, nullptr, MockEvent::Role::kContent);
  }
  add("", finish_reason(context), MockEvent::Role::kFinish);
  const OrderedJson usage = chat_usage(context.completion, context.behaviour.content.usage);
  if (with_usage) {
    OrderedJson chunk = frame(context);
    chunk["choices"] = OrderedJson::array();
    if (!usage.is_discarded()) chunk["usage"] = usage;
    add_event(answer, chunk);
  }
  answer.events.push_back({"data: [DONE]\n\n", MockEvent::Role::kDone});
}

void answer_embeddings(const AnswerContext& context, MockAnswer& answer) {
  const BodyFacts& facts = context.request.facts;
  const std::uint32_t dimensions = facts.dimensions.value_or(context.behaviour.content.dimensions);
  OrderedJson data = OrderedJson::array();
  for (std::uint64_t index = 0; index < facts.inputs; ++index) {
    data.push_back({{"object", "embedding"},
                    {"index", index},
                    {"embedding", embedding(index, dimensions, facts.base64_embeddings)}});
  }
  OrderedJson body{{"object", "list"}, {"data", std::move(data)}, {"model", context.model}};
  const MockCompletion& completion = context.completion;
  switch (context.behaviour.content.usage) {
    case UsageShape::kNone: break;
    case UsageShape::kNull: body["usage"] = nullptr; break;
    case UsageShape::kTotal: body["usage"] = {{"total_tokens", completion.prompt_tokens}}; break;
    case UsageShape::kZero: body["usage"] = {{"prompt_tokens", 0}, {"total_tokens", 0}}; break;
    case UsageShape::kFull:
    case UsageShape::kContinuous:
      body["usage"] = {{"prompt_tokens", completion.prompt_tokens},
                       {"total_tokens", completion.prompt_tokens}};
      break;
  }
  answer.body = json_text(body);
}

}  // namespace sluice
