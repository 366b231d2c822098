// POST /v1/messages, as Anthropic's API reference shows it.
#include <algorithm>

#include "tools/mock/answer_parts.h"

namespace sluice {
namespace {

// Anthropic counts cached tokens apart from input_tokens.
OrderedJson usage_of(const MockCompletion& completion, UsageShape shape,
                     std::uint64_t output_tokens) {
  switch (shape) {
    case UsageShape::kNone: return OrderedJson(OrderedJson::value_t::discarded);
    case UsageShape::kNull: return nullptr;
    case UsageShape::kTotal: return {{"total_tokens", completion.total()}};
    case UsageShape::kZero: return {{"input_tokens", 0}, {"output_tokens", 0}};
    case UsageShape::kFull:
    case UsageShape::kContinuous: break;
  }
  const std::uint64_t cached = std::min(completion.cached_tokens, completion.prompt_tokens);
  return {{"input_tokens", completion.prompt_tokens - cached},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", cached},
          {"output_tokens", output_tokens},
          {"service_tier", "standard"}};
}

std::string stop_reason(const AnswerContext& context) {
  if (context.behaviour.content.finish_reason) return *context.behaviour.content.finish_reason;
  return context.completion.cut ? "max_tokens" : "end_turn";
}

OrderedJson message(const AnswerContext& context, OrderedJson content, const OrderedJson& reason,
                    std::uint64_t output_tokens) {
  OrderedJson body{{"id", "msg_mock_" + context.id},
                   {"type", "message"},
                   {"role", "assistant"},
                   {"model", context.model},
                   {"content", std::move(content)},
                   {"stop_reason", reason},
                   {"stop_sequence", nullptr}};
  const OrderedJson usage =
      usage_of(context.completion, context.behaviour.content.usage, output_tokens);
  if (!usage.is_discarded()) body["usage"] = usage;
  return body;
}

}  // namespace

void answer_messages(const AnswerContext& context, MockAnswer& answer) {
  const OrderedJson content =
      OrderedJson::array({{{"type", "text"}, {"text", context.completion.text()}}});
  answer.body = json_text(
      message(context, content, stop_reason(context), context.completion.completion_tokens));
}

void stream_messages(const AnswerContext& context, MockAnswer& answer) {
  const auto add = [&answer](const char* type, const OrderedJson& members,
                             MockEvent::Role role = MockEvent::Role::kContent) {
    OrderedJson event{{"type", type}};
    event.update(members);
    add_named_event(answer, type, event, role);
  };
  // The first usage counts one token of output, the last is cumulative.
  add("message_start", {{"message", message(context, OrderedJson::array(), nullptr, 1)}});
  add("content_block_start", {{"index", 0}, {"content_block", {{"type", "text"}, {"text", ""}}}});
  add("ping", OrderedJson::object());
  for (const std::string& word : context.completion.words) {
    add("content_block_delta", {{"index", 0}, {"delta", {{"type", "text_delta"}, {"text", word}}}});
  }
  add("content_block_stop", {{"index", 0}});
  OrderedJson last{{"delta", {{"stop_reason", stop_reason(context)}, {"stop_sequence", nullptr}}}};
  if (context.behaviour.content.usage == UsageShape::kFull) {
    last["usage"] = {{"output_tokens", context.completion.completion_tokens}};
  } else {
    const OrderedJson usage = usage_of(context.completion, context.behaviour.content.usage,
                                       context.completion.completion_tokens);
    if (!usage.is_discarded()) last["usage"] = usage;
  }
  add("message_delta", last, MockEvent::Role::kFinish);
  add("message_stop", OrderedJson::object(), MockEvent::Role::kDone);
}

}  // namespace sluice
