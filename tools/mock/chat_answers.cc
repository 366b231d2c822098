// POST /v1/chat/completions, as OpenAI's API reference shows it.
#include "tools/mock/answer_parts.h"

namespace sluice {
namespace {

constexpr std::string_view kToolName = "mock_tool";

std::string finish_reason(const AnswerContext& context) {
  const ContentBehaviour& content = context.behaviour.content;
  if (content.finish_reason) return *content.finish_reason;
  if (context.completion.cut) return "length";
  return content.tool_call ? "tool_calls" : "stop";
}

OrderedJson tool_call(const AnswerContext& context, std::string arguments) {
  return {{"id", "call_mock_" + context.id},
          {"type", "function"},
          {"function", {{"name", kToolName}, {"arguments", std::move(arguments)}}}};
}

OrderedJson message_of(const AnswerContext& context) {
  OrderedJson message{{"role", "assistant"}};
  if (context.behaviour.content.tool_call) {
    message["content"] = nullptr;
    const OrderedJson arguments{{"text", context.completion.text()}};
    message["tool_calls"] = OrderedJson::array({tool_call(context, json_text(arguments))});
  } else {
    message["content"] = context.completion.text();
  }
  message["refusal"] = nullptr;
  message["annotations"] = OrderedJson::array();
  return message;
}

// ChatStream - writes the chunks of one stream.
class ChatStream {
 public:
  ChatStream(const AnswerContext& context, MockAnswer& answer)
      : context_(context),
        answer_(answer),
        continuous_(context.behaviour.content.usage == UsageShape::kContinuous) {}

  // One chunk with `delta` for every choice.
  void add(const OrderedJson& delta, const OrderedJson& reason, MockEvent::Role role,
           std::uint64_t words_so_far) {
    for (std::uint64_t index = 0; index < context_.request.facts.choices; ++index) {
      OrderedJson chunk = frame();
      chunk["choices"] = OrderedJson::array(
          {{{"index", index}, {"delta", delta}, {"logprobs", nullptr}, {"finish_reason", reason}}});
      if (continuous_) {
        MockCompletion so_far = context_.completion;
        so_far.completion_tokens = words_so_far;
        chunk["usage"] = chat_usage(so_far, UsageShape::kFull);
      } else if (context_.request.facts.include_usage) {
        chunk["usage"] = nullptr;
      }
      add_event(answer_, chunk, role);
    }
  }

  void add_usage() {
    const OrderedJson usage = chat_usage(context_.completion, context_.behaviour.content.usage);
    OrderedJson chunk = frame();
    chunk["choices"] = OrderedJson::array();
    if (!usage.is_discarded()) chunk["usage"] = usage;
    add_event(answer_, chunk);
  }

 private:
  OrderedJson frame() const {
    return {{"id", "chatcmpl-mock-" + context_.id},
            {"object", "chat.completion.chunk"},
            {"created", context_.created_s},
            {"model", context_.model},
            {"service_tier", "default"},
            {"system_fingerprint", "fp_mock"}};
  }

  const AnswerContext& context_;
  MockAnswer& answer_;
  bool continuous_;
};

// The text of a JSON string without its quotes.
std::string escaped(const std::string& text) {
  const std::string quoted = json_text(OrderedJson(text));
  return quoted.substr(1, quoted.size() - 2);
}

void stream_tool_call(const AnswerContext& context, ChatStream& stream) {
  constexpr MockEvent::Role kContent = MockEvent::Role::kContent;
  OrderedJson opening = tool_call(context, "");
  opening["index"] = 0;
  stream.add({{"role", "assistant"},
              {"content", nullptr},
              {"tool_calls", OrderedJson::array({opening})},
              {"refusal", nullptr}},
             nullptr, kContent, 0);
  const auto piece = [&](std::string arguments, std::uint64_t words) {
    stream.add({{"tool_calls",
                 OrderedJson::array(
                     {{{"index", 0}, {"function", {{"arguments", std::move(arguments)}}}}})}},
               nullptr, kContent, words);
  };
  piece("{\"text\":\"", 0);
  std::uint64_t words = 0;
  for (const std::string& word : context.completion.words) piece(escaped(word), ++words);
  piece("\"}", words);
}

}  // namespace

void answer_chat(const AnswerContext& context, MockAnswer& answer) {
  OrderedJson body{{"id", "chatcmpl-mock-" + context.id},
                   {"object", "chat.completion"},
                   {"created", context.created_s},
                   {"model", context.model}};
  if (context.behaviour.content.answer != AnswerShape::kNoChoices) {
    body["choices"] = OrderedJson::array();
    for (std::uint64_t index = 0; index < context.request.facts.choices; ++index) {
      body["choices"].push_back({{"index", index},
                                 {"message", message_of(context)},
                                 {"logprobs", nullptr},
                                 {"finish_reason", finish_reason(context)}});
    }
  }
  const OrderedJson usage = chat_usage(context.completion, context.behaviour.content.usage);
  if (!usage.is_discarded()) body["usage"] = usage;
  body["service_tier"] = "default";
  body["system_fingerprint"] = "fp_mock";
  answer.body = json_text(body);
}

void stream_chat(const AnswerContext& context, MockAnswer& answer) {
  ChatStream stream(context, answer);
  if (context.behaviour.content.tool_call) {
    stream_tool_call(context, stream);
  } else {
    stream.add({{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}}, nullptr,
               MockEvent::Role::kContent, 0);
    std::uint64_t words = 0;
    for (const std::string& word : context.completion.words) {
      stream.add({{"content", word}}, nullptr, MockEvent::Role::kContent, ++words);
    }
  }
  stream.add(OrderedJson::object(), finish_reason(context), MockEvent::Role::kFinish,
             context.completion.completion_tokens);
  if (context.request.facts.include_usage) stream.add_usage();
  answer.events.push_back({"data: [DONE]\n\n", MockEvent::Role::kDone});
}

}  // namespace sluice
