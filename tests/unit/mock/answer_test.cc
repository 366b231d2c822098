#include "tools/mock/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice {
namespace {

using Json = nlohmann::json;

MockRequest request_to(std::string path, std::string body) {
  MockRequest request;
  request.id = 17;
  request.method = "POST";
  request.path = std::move(path);
  request.endpoint = endpoint_of(request.path);
  request.body = std::move(body);
  request.facts = read_body_facts(request.body);
  return request;
}

MockAnswer answer_to(const MockRequest& request, std::string_view directives = {}) {
  Behaviour behaviour;
  EXPECT_EQ(apply_directives(behaviour, directives), std::nullopt);
  return build_answer(request, behaviour, MockScript{}, 1'700'000'000'000'000);
}

Json json_of(const MockAnswer& answer) { return Json::parse(answer.body); }

// The data of all events but "[DONE]".
std::vector<Json> data_of(const MockAnswer& answer) {
  std::vector<Json> data;
  for (const MockEvent& event : answer.events) {
    const std::size_t at = event.text.find("data: ") + 6;
    const std::string text = event.text.substr(at, event.text.find('\n', at) - at);
    if (text != "[DONE]") data.push_back(Json::parse(text));
  }
  return data;
}

constexpr const char* kChat =
    R"({"model":"m","messages":[{"role":"user","content":"12345"},
        {"role":"user","content":[{"type":"text","text":"678"}]}]})";
constexpr const char* kChatStream =
    R"({"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[]})";

struct EndpointRow {
  const char* path;
  MockEndpoint endpoint;
};
constexpr EndpointRow kEndpointRows[] = {
    {"/v1/chat/completions", MockEndpoint::kChat},
    {"/openai/v1/chat/completions", MockEndpoint::kChat},
    {"/v1/completions", MockEndpoint::kCompletions},
    {"/v1/embeddings", MockEndpoint::kEmbeddings},
    {"/v1/responses", MockEndpoint::kResponses},
    {"/v1/messages", MockEndpoint::kMessages},
    {"/v1/models", MockEndpoint::kModels},
    {"/v1/models/org/name", MockEndpoint::kModel},
    {"/v1/echo/chat/completions", MockEndpoint::kEcho},
    {"/v1/audio/speech", MockEndpoint::kEcho},
    {"/mock/ledger", MockEndpoint::kControl},
};

TEST(Endpoints, AreKnownByTheEndOfThePath) {
  for (const EndpointRow& row : kEndpointRows) {
    EXPECT_EQ(endpoint_of(row.path), row.endpoint) << row.path;
  }
}

TEST(Chat, AnswersWithWordsThatShowTheirOrder) {
  const Json json = json_of(answer_to(request_to("/v1/chat/completions", kChat), "tokens=3"));
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["model"], "m");
  EXPECT_EQ(json["choices"][0]["message"]["content"], "token-0 token-1 token-2");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json["usage"]["prompt_tokens"], 2) << "eight bytes of prompt";
  EXPECT_EQ(json["usage"]["completion_tokens"], 3);
  EXPECT_EQ(json["usage"]["total_tokens"], 5);
}

TEST(Chat, EndsWhereTheRequestSaysSo) {
  const Json json = json_of(answer_to(
      request_to("/v1/chat/completions", R"({"model":"m","max_completion_tokens":2,"n":2})")));
  EXPECT_EQ(json["choices"].size(), 2u);
  EXPECT_EQ(json["choices"][1]["message"]["content"], "token-0 token-1");
  EXPECT_EQ(json["choices"][1]["finish_reason"], "length");
  EXPECT_EQ(json["usage"]["completion_tokens"], 4);
}

TEST(Chat, StreamsARoleTheWordsAFinishTheUsageAndDone) {
  const MockAnswer answer =
      answer_to(request_to("/v1/chat/completions", kChatStream), "tokens=2;prompt-tokens=7");
  EXPECT_TRUE(answer.stream);
  EXPECT_EQ(answer.events.back().text, "data: [DONE]\n\n");
  const std::vector<Json> data = data_of(answer);
  ASSERT_EQ(data.size(), 5u);
  EXPECT_EQ(data[0]["choices"][0]["delta"]["role"], "assistant");
  EXPECT_EQ(data[1]["choices"][0]["delta"]["content"], "token-0");
  EXPECT_EQ(data[2]["choices"][0]["delta"]["content"], " token-1");
  EXPECT_EQ(data[3]["choices"][0]["finish_reason"], "stop");
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(data[static_cast<std::size_t>(i)].at("usage").is_null());
  EXPECT_TRUE(data[4]["choices"].empty());
  EXPECT_EQ(data[4]["usage"]["total_tokens"], 9);
}

TEST(Chat, StreamsNoUsageUnlessAsked) {
  const std::vector<Json> data =
      data_of(answer_to(request_to("/v1/chat/completions", R"({"stream":true})"), "tokens=1"));
  ASSERT_EQ(data.size(), 3u);
  for (const Json& chunk : data) EXPECT_FALSE(chunk.contains("usage"));
}

TEST(Chat, CallsAToolWholeAndInPieces) {
  const Json json =
      json_of(answer_to(request_to("/v1/chat/completions", kChat), "tool-call;text=unicode"));
  const Json& call = json["choices"][0]["message"]["tool_calls"][0];
  EXPECT_EQ(json["choices"][0]["finish_reason"], "tool_calls");
  std::string arguments;
  for (const Json& chunk : data_of(
           answer_to(request_to("/v1/chat/completions", kChatStream), "tool-call;text=unicode"))) {
    if (chunk["choices"].empty()) continue;
    const Json& delta = chunk["choices"][0]["delta"];
    if (!delta.contains("tool_calls")) continue;
    arguments += delta["tool_calls"][0]["function"]["arguments"].get<std::string>();
  }
  EXPECT_EQ(arguments, call["function"]["arguments"].get<std::string>());
  EXPECT_TRUE(Json::parse(arguments).contains("text"));
}

struct UsageRow {
  const char* rule;
  const char* directive;
  const char* usage;  // "" for none at all
};
constexpr UsageRow kUsageRows[] = {
    {"full", "usage=full;cached-tokens=1;reasoning-tokens=5",
     R"({"prompt_tokens":2,"completion_tokens":6,"total_tokens":8,
         "prompt_tokens_details":{"cached_tokens":1,"audio_tokens":0},
         "completion_tokens_details":{"reasoning_tokens":5,"audio_tokens":0,
           "accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})"},
    {"null", "usage=null", "null"},
    {"only the total (COMPAT 24)", "usage=total", R"({"total_tokens":3})"},
    {"zero", "usage=zero", R"({"prompt_tokens":0,"completion_tokens":0,"total_tokens":0})"},
    {"missing", "usage=none", ""},
};

TEST(Chat, HasItsUsageInEveryShape) {
  for (const UsageRow& row : kUsageRows) {
    const Json json = json_of(answer_to(request_to("/v1/chat/completions", kChat),
                                        std::string("tokens=1;") + row.directive));
    if (*row.usage == '\0') EXPECT_FALSE(json.contains("usage")) << row.rule;
    else EXPECT_EQ(json.at("usage"), Json::parse(row.usage)) << row.rule;
  }
}

struct ShapeRow {
  const char* directive;
  const char* begins;
  const char* content_type;
};
constexpr ShapeRow kShapeRows[] = {
    {"answer=null", "null", "application/json"},
    {"answer=list", "[{\"id\"", "application/json"},
    {"answer=empty", "", "application/json"},
    {"answer=text", "the provider", "text/plain"},
    {"answer=html", "<html>", "text/html"},
    {"body=%7B%22a%22:1%7D;content-type=x/y", "{\"a\":1}", "x/y"},
};

TEST(Answers, TakeStrangeShapesAlsoForStreams) {
  for (const ShapeRow& row : kShapeRows) {
    for (const char* const body : {kChat, kChatStream}) {
      const MockAnswer answer = answer_to(request_to("/v1/chat/completions", body), row.directive);
      EXPECT_FALSE(answer.stream) << row.directive;
      EXPECT_TRUE(answer.body.starts_with(row.begins)) << row.directive << ": " << answer.body;
      EXPECT_EQ(answer.content_type, row.content_type) << row.directive;
    }
  }
}

TEST(Errors, SpeakTheDialectOfTheirEndpoint) {
  const MockAnswer openai = answer_to(request_to("/v1/chat/completions", kChatStream),
                                      "status=429;retry-after=2;retry-after-ms=1500");
  EXPECT_EQ(openai.status, 429);
  EXPECT_FALSE(openai.stream) << "a plain JSON error to a stream request (COMPAT 3)";
  const Json error = json_of(openai)["error"];
  EXPECT_EQ(error["type"], "requests");
  EXPECT_EQ(error["code"], "rate_limit_exceeded");
  EXPECT_TRUE(error["param"].is_null());
  const Json anthropic = json_of(answer_to(request_to("/v1/messages", kChat), "status=529"));
  EXPECT_EQ(anthropic["type"], "error");
  EXPECT_EQ(anthropic["error"]["type"], "overloaded_error");
}

TEST(Errors, CarryEverySpellingOfRetryAfter) {
  const MockAnswer answer = answer_to(request_to("/v1/chat/completions", kChat),
                                      "status=429;retry-after-date=3s;should-retry=false");
  const MockField date{"retry-after", "Tue, 14 Nov 2023 22:13:23 GMT"};
  const MockField should{"x-should-retry", "false"};
  EXPECT_NE(std::find(answer.fields.begin(), answer.fields.end(), date), answer.fields.end());
  EXPECT_NE(std::find(answer.fields.begin(), answer.fields.end(), should), answer.fields.end());
}

TEST(Responses, StreamNumberedEventsThatEndWithTheWholeResponse) {
  const MockAnswer answer =
      answer_to(request_to("/v1/responses", R"({"stream":true,"input":"1234"})"), "tokens=2");
  const std::vector<Json> data = data_of(answer);
  EXPECT_EQ(data.front()["type"], "response.created");
  for (std::size_t i = 0; i < data.size(); ++i) EXPECT_EQ(data[i]["sequence_number"], i);
  EXPECT_TRUE(answer.events.back().text.starts_with("event: response.completed\n"));
  const Json& response = data.back()["response"];
  EXPECT_EQ(response["output"][0]["content"][0]["text"], "token-0 token-1");
  EXPECT_EQ(response["usage"]["total_tokens"], 3);
  const Json whole =
      json_of(answer_to(request_to("/v1/responses", R"({"input":"1234","max_output_tokens":1})")));
  EXPECT_EQ(whole["status"], "incomplete");
}

TEST(Messages, StreamFromMessageStartToMessageStop) {
  const MockAnswer answer =
      answer_to(request_to("/v1/messages", R"({"model":"m","stream":true,"max_tokens":2})"),
                "prompt-tokens=9;cached-tokens=4");
  const std::vector<Json> data = data_of(answer);
  std::vector<std::string> types;
  for (const Json& event : data) types.push_back(event["type"]);
  const std::vector<std::string> expected = {
      "message_start",       "content_block_start", "ping",          "content_block_delta",
      "content_block_delta", "content_block_stop",  "message_delta", "message_stop"};
  EXPECT_EQ(types, expected);
  EXPECT_EQ(data[0]["message"]["usage"]["input_tokens"], 5);
  EXPECT_EQ(data[0]["message"]["usage"]["cache_read_input_tokens"], 4);
  EXPECT_EQ(data[6]["delta"]["stop_reason"], "max_tokens");
  EXPECT_EQ(data[6]["usage"]["output_tokens"], 2);
}

TEST(Embeddings, AnswerOneVectorPerInput) {
  const Json json = json_of(
      answer_to(request_to("/v1/embeddings", R"({"input":["a","b"],"dimensions":3,"model":"m"})")));
  EXPECT_EQ(json["data"].size(), 2u);
  EXPECT_EQ(json["data"][1]["embedding"].size(), 3u);
  const Json base64 = json_of(answer_to(request_to(
      "/v1/embeddings", R"({"input":[1,2,3],"dimensions":1,"encoding_format":"base64"})")));
  EXPECT_EQ(base64["data"].size(), 1u) << "tokens are one input";
  EXPECT_EQ(base64["data"][0]["embedding"], "AAAAvw==") << "-0.5f, little-endian";
}

TEST(Models, AreThoseOfTheScript) {
  MockRequest request = request_to("/v1/models", "");
  EXPECT_EQ(json_of(answer_to(request))["data"].size(), 3u);
  request = request_to("/v1/models/mock-small", "");
  EXPECT_EQ(json_of(answer_to(request))["id"], "mock-small");
  request = request_to("/v1/models/none", "");
  EXPECT_EQ(answer_to(request).status, 404);
}

TEST(Events, AreBentAsTheBehaviourSays) {
  const MockRequest request = request_to("/v1/chat/completions", kChatStream);
  const MockAnswer no_done = answer_to(request, "sse-no-done;sse-no-finish;tokens=1");
  EXPECT_EQ(no_done.events.size(), 3u);
  const MockAnswer error = answer_to(request, "sse-error=2;tokens=5");
  EXPECT_EQ(error.events.size(), 3u);
  EXPECT_TRUE(error.events.back().text.starts_with("data: {\"error\""));
  const MockAnswer comment = answer_to(request, "sse-comment");
  EXPECT_TRUE(comment.events[1].text.starts_with(": ping\n\ndata: "));
  const MockAnswer crlf = answer_to(request, "sse-eol=crlf");
  EXPECT_TRUE(crlf.events[0].text.ends_with("\r\n\r\n"));
  const MockAnswer mixed = answer_to(request, "sse-eol=mixed");
  EXPECT_TRUE(mixed.events[2].text.ends_with("}\r\r"));
}

TEST(Words, CanBeOfAnySizeAndContent) {
  const MockRequest request = request_to("/v1/chat/completions", kChat);
  const auto content = [](const MockAnswer& answer) {
    return json_of(answer)["choices"][0]["message"]["content"].get<std::string>();
  };
  EXPECT_EQ(content(answer_to(request, "content-bytes=64KiB")).size(), 64u * 1024);
  EXPECT_EQ(content(answer_to(request, "content=one two  three")), "one two  three");
  const std::string odd = content(answer_to(request, "text=unicode;tokens=4"));
  EXPECT_NE(odd.find("\u65e5\u672c\U0001f600"), std::string::npos);
  EXPECT_NE(odd.find('"'), std::string::npos);
}

TEST(Echo, ShowsWhatArrivedByteForByte) {
  MockRequest request = request_to("/v1/echo", "");
  request.head = "GET /v1/echo HTTP/1.1\r\nX-Odd: \xff\r\n\r\n";
  request.body = std::string("\0\xff", 2);
  const Json json = json_of(answer_to(request));
  EXPECT_TRUE(json["body"].is_null());
  EXPECT_EQ(json["body_bytes"], 2);
  EXPECT_EQ(json["head_base64"], "R0VUIC92MS9lY2hvIEhUVFAvMS4xDQpYLU9kZDog/w0KDQo=");
}

}  // namespace
}  // namespace sluice
