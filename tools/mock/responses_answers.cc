// POST /v1/responses, as OpenAI's API reference shows it.
#include "tools/mock/answer_parts.h"

namespace sluice {
namespace {

OrderedJson usage_of(const MockCompletion& completion, UsageShape shape) {
  switch (shape) {
    case UsageShape::kNone: return OrderedJson(OrderedJson::value_t::discarded);
    case UsageShape::kNull: return nullptr;
    case UsageShape::kTotal: return {{"total_tokens", completion.total()}};
    case UsageShape::kZero: return {{"input_tokens", 0}, {"output_tokens", 0}, {"total_tokens", 0}};
    case UsageShape::kFull:
    case UsageShape::kContinuous: break;
  }
  return {{"input_tokens", completion.prompt_tokens},
          {"input_tokens_details", {{"cached_tokens", completion.cached_tokens}}},
          {"output_tokens", completion.completion_tokens},
          {"output_tokens_details", {{"reasoning_tokens", completion.reasoning_tokens}}},
          {"total_tokens", completion.total()}};
}

OrderedJson text_part(const std::string& text) {
  return {{"type", "output_text"},
          {"annotations", OrderedJson::array()},
          {"logprobs", OrderedJson::array()},
          {"text", text}};
}

OrderedJson message_item(const AnswerContext& context, const char* status, OrderedJson content) {
  return {{"id", "msg_mock_" + context.id},
          {"type", "message"},
          {"status", status},
          {"role", "assistant"},
          {"content", std::move(content)}};
}

OrderedJson response_object(const AnswerContext& context, const char* status, OrderedJson output,
                            const OrderedJson& usage) {
  const bool incomplete = std::string_view(status) == "incomplete";
  OrderedJson details = nullptr;
  if (incomplete) details = {{"reason", "max_output_tokens"}};
  OrderedJson response{{"id", "resp_mock_" + context.id},
                       {"object", "response"},
                       {"created_at", context.created_s},
                       {"status", status},
                       {"background", false},
                       {"error", nullptr},
                       {"incomplete_details", details},
                       {"instructions", nullptr},
                       {"max_output_tokens", nullptr},
                       {"model", context.model},
                       {"output", std::move(output)},
                       {"parallel_tool_calls", true},
                       {"previous_response_id", nullptr},
                       {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
                       {"store", true},
                       {"temperature", 1.0},
                       {"text", {{"format", {{"type", "text"}}}}},
                       {"tool_choice", "auto"},
                       {"tools", OrderedJson::array()},
                       {"top_p", 1.0},
                       {"truncation", "disabled"}};
  if (!usage.is_discarded()) response["usage"] = usage;
  response["user"] = nullptr;
  response["metadata"] = OrderedJson::object();
  return response;
}

const char* final_status(const AnswerContext& context) {
  return context.completion.cut ? "incomplete" : "completed";
}

OrderedJson final_response(const AnswerContext& context) {
  OrderedJson output = OrderedJson::array({message_item(
      context, final_status(context), OrderedJson::array({text_part(context.completion.text())}))});
  return response_object(context, final_status(context), std::move(output),
                         usage_of(context.completion, context.behaviour.content.usage));
}

// ResponsesStream - numbers the events.
class ResponsesStream {
 public:
  explicit ResponsesStream(MockAnswer& answer) : answer_(answer) {}

  void add(const char* type, OrderedJson members,
           MockEvent::Role role = MockEvent::Role::kContent) {
    OrderedJson event{{"type", type}, {"sequence_number", number_++}};
    event.update(members);
    add_named_event(answer_, type, event, role);
  }

 private:
  MockAnswer& answer_;
  std::uint64_t number_ = 0;
};

}  // namespace

void answer_responses(const AnswerContext& context, MockAnswer& answer) {
  answer.body = json_text(final_response(context));
}

void stream_responses(const AnswerContext& context, MockAnswer& answer) {
  ResponsesStream stream(answer);
  const OrderedJson begun = response_object(context, "in_progress", OrderedJson::array(), nullptr);
  const std::string item_id = "msg_mock_" + context.id;
  const std::string text = context.completion.text();
  const OrderedJson place{{"item_id", item_id}, {"output_index", 0}, {"content_index", 0}};
  const auto at_place = [&place](const char* name, const OrderedJson& value) {
    OrderedJson members = place;
    members[name] = value;
    return members;
  };
  stream.add("response.created", {{"response", begun}});
  stream.add("response.in_progress", {{"response", begun}});
  stream.add(
      "response.output_item.added",
      {{"output_index", 0}, {"item", message_item(context, "in_progress", OrderedJson::array())}});
  stream.add("response.content_part.added", at_place("part", text_part("")));
  for (const std::string& word : context.completion.words) {
    OrderedJson members = at_place("delta", word);
    members["logprobs"] = OrderedJson::array();
    stream.add("response.output_text.delta", std::move(members));
  }
  OrderedJson done = at_place("text", text);
  done["logprobs"] = OrderedJson::array();
  stream.add("response.output_text.done", std::move(done));
  stream.add("response.content_part.done", at_place("part", text_part(text)));
  stream.add("response.output_item.done",
             {{"output_index", 0},
              {"item", message_item(context, final_status(context),
                                    OrderedJson::array({text_part(text)}))}});
  const char* const last = context.completion.cut ? "response.incomplete" : "response.completed";
  stream.add(last, {{"response", final_response(context)}}, MockEvent::Role::kFinish);
}

}  // namespace sluice
