#include "tools/mock/answer.h"

#include <algorithm>

#include "parser/http_date.h"
#include "tools/mock/answer_parts.h"

namespace sluice {
namespace {

struct ErrorDefaults {
  int status;
  const char* message;
  const char* type;       // OpenAI's
  const char* code;       // OpenAI's, null for null
  const char* anthropic;  // Anthropic's type
};
constexpr ErrorDefaults kErrorDefaults[] = {
    {400, "The request is not valid.", "invalid_request_error", nullptr, "invalid_request_error"},
    {401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key",
     "authentication_error"},
    {402, "Insufficient balance.", "insufficient_quota", "insufficient_quota", "billing_error"},
    {403, "You are not allowed to do this.", "permission_error", nullptr, "permission_error"},
    {404, "The model does not exist.", "invalid_request_error", "model_not_found",
     "not_found_error"},
    {405, "This method is not allowed here.", "invalid_request_error", "method_not_allowed",
     "invalid_request_error"},
    {408, "The request took too long.", "server_error", nullptr, "timeout_error"},
    {413, "The request is too large.", "invalid_request_error", nullptr, "request_too_large"},
    {429, "Rate limit reached for requests.", "requests", "rate_limit_exceeded",
     "rate_limit_error"},
    {500, "The server had an error while processing your request.", "server_error", nullptr,
     "api_error"},
    {503, "The engine is currently overloaded.", "server_error", nullptr, "overloaded_error"},
    {529, "Overloaded.", "server_error", nullptr, "overloaded_error"},
};

const ErrorDefaults& defaults_for(int status) {
  for (const ErrorDefaults& entry : kErrorDefaults) {
    if (entry.status == status) return entry;
  }
  return status < 500 ? defaults_for(400) : defaults_for(500);
}

std::string http_date(std::int64_t unix_s) {
  std::string text(kHttpDateBytes, '\0');
  write_http_date(text.data(), unix_s);
  return text;
}

void add_head_fields(const AnswerContext& context, const HeadBehaviour& head, MockAnswer& answer) {
  auto& fields = answer.fields;
  const bool anthropic = context.request.endpoint == MockEndpoint::kMessages;
  fields.push_back({anthropic ? "request-id" : "x-request-id", "req_mock_" + context.id});
  fields.push_back({"x-mock-request", context.id});
  if (head.retry_after) fields.push_back({"retry-after", *head.retry_after});
  if (head.retry_after_ms) fields.push_back({"retry-after-ms", *head.retry_after_ms});
  if (head.retry_after_date) {
    // Rounded up: who comes at that second does not come too early.
    const std::int64_t seconds = (*head.retry_after_date + 1s - 1ns) / 1s;
    fields.push_back({"retry-after", http_date(context.created_s + seconds)});
  }
  if (head.should_retry) {
    fields.push_back({"x-should-retry", *head.should_retry ? "true" : "false"});
  }
  for (std::uint32_t i = 0; i < head.set_cookies; ++i) {
    const std::string number = std::to_string(i);
    fields.push_back({"set-cookie", "mock" + number + "=value" + number + "; Path=/; HttpOnly"});
  }
}

// The shapes that no client expects.
bool answer_strangely(AnswerShape shape, MockAnswer& answer) {
  switch (shape) {
    case AnswerShape::kNormal:
    case AnswerShape::kNoChoices:
    case AnswerShape::kList: return false;
    case AnswerShape::kNull: answer.body = "null"; return true;
    case AnswerShape::kEmpty: answer.body.clear(); return true;
    case AnswerShape::kText:
      answer.content_type = "text/plain";
      answer.body = "the provider says hello";
      return true;
    case AnswerShape::kHtml:
      answer.content_type = "text/html";
      answer.body = "<html><body><h1>It works</h1></body></html>";
      return true;
  }
  return false;
}

bool wants_stream(const AnswerContext& context) {
  switch (context.behaviour.content.stream) {
    case StreamMode::kNever: return false;
    case StreamMode::kAlways: return true;
    case StreamMode::kAuto: break;
  }
  const AnswerShape shape = context.behaviour.content.answer;
  return context.request.facts.stream && shape == AnswerShape::kNormal;
}

void answer_normally(const AnswerContext& context, MockAnswer& answer) {
  const bool stream = answer.stream;
  switch (context.request.endpoint) {
    case MockEndpoint::kChat:
      return stream ? stream_chat(context, answer) : answer_chat(context, answer);
    case MockEndpoint::kCompletions:
      return stream ? stream_completions(context, answer) : answer_completions(context, answer);
    case MockEndpoint::kResponses:
      return stream ? stream_responses(context, answer) : answer_responses(context, answer);
    case MockEndpoint::kMessages:
      return stream ? stream_messages(context, answer) : answer_messages(context, answer);
    case MockEndpoint::kEmbeddings: return answer_embeddings(context, answer);
    case MockEndpoint::kModels: return answer_models(context, answer);
    case MockEndpoint::kModel: return answer_model(context, answer);
    case MockEndpoint::kControl:
    case MockEndpoint::kEcho: return answer_echo(context, answer);
  }
}

bool can_stream(MockEndpoint endpoint) {
  return endpoint == MockEndpoint::kChat || endpoint == MockEndpoint::kCompletions ||
         endpoint == MockEndpoint::kResponses || endpoint == MockEndpoint::kMessages;
}

void write_eol(std::string& event, SseEol eol, std::size_t index) {
  constexpr std::string_view kEnds[] = {"\n", "\r\n", "\r"};
  std::size_t kind = static_cast<std::size_t>(eol);
  if (eol == SseEol::kMixed) kind = index % std::size(kEnds);
  if (kind == 0) return;
  std::string changed;
  for (const char c : event) {
    if (c == '\n') changed += kEnds[kind];
    else changed += c;
  }
  event = std::move(changed);
}

void bend_events(const WireBehaviour& wire, MockEndpoint endpoint, MockAnswer& answer) {
  using Role = MockEvent::Role;
  auto& events = answer.events;
  std::erase_if(events, [&wire](const MockEvent& event) {
    return (wire.sse_no_done && event.role == Role::kDone) ||
           (wire.sse_no_finish && event.role == Role::kFinish);
  });
  if (wire.sse_error) {
    events.resize(std::min<std::size_t>(events.size(), *wire.sse_error));
    HeadBehaviour failed;
    failed.status = 500;
    const char* const name = endpoint == MockEndpoint::kMessages ? "event: error\n" : "";
    events.push_back({name + ("data: " + error_body(endpoint, failed)) + "\n\n", Role::kContent});
  }
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (wire.sse_comment) events[i].text.insert(0, ": ping\n\n");
    write_eol(events[i].text, wire.sse_eol, i);
  }
}

}  // namespace

std::string error_body(MockEndpoint endpoint, const HeadBehaviour& head) {
  const ErrorDefaults& defaults = defaults_for(head.status);
  const std::string message = head.message.value_or(defaults.message);
  if (endpoint == MockEndpoint::kMessages) {
    const std::string type = head.error_type.value_or(defaults.anthropic);
    return json_text({{"type", "error"}, {"error", {{"type", type}, {"message", message}}}});
  }
  OrderedJson code = nullptr;
  if (head.error_code) code = *head.error_code;
  else if (defaults.code != nullptr) code = defaults.code;
  return json_text({{"error",
                     {{"message", message},
                      {"type", head.error_type.value_or(defaults.type)},
                      {"param", nullptr},
                      {"code", code}}}});
}

MockAnswer build_answer(const MockRequest& request, const Behaviour& behaviour,
                        const MockScript& script, std::int64_t unix_us) {
  const AnswerContext context{.request = request,
                              .behaviour = behaviour,
                              .script = script,
                              .completion = complete(request, behaviour.content),
                              .id = std::to_string(request.id),
                              .model = std::string(request.model_name()),
                              .created_s = unix_us / 1'000'000};
  const HeadBehaviour& head = behaviour.head;
  MockAnswer answer;
  answer.status = head.status;
  if (head.body) {
    answer.body = *head.body;
  } else if (head.status == 204 || head.status == 205) {
    answer.content_type.clear();
  } else if (head.status >= 400) {
    answer.body = error_body(request.endpoint, head);
  } else if (!answer_strangely(behaviour.content.answer, answer)) {
    answer.stream = can_stream(request.endpoint) && wants_stream(context);
    answer_normally(context, answer);
    if (behaviour.content.answer == AnswerShape::kList) answer.body = "[" + answer.body + "]";
  }
  if (answer.stream) {
    answer.content_type = "text/event-stream; charset=utf-8";
    bend_events(behaviour.wire, request.endpoint, answer);
  }
  if (head.content_type) answer.content_type = *head.content_type;
  add_head_fields(context, head, answer);
  return answer;
}

}  // namespace sluice
