#include "engine/load/request_shape.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::test {
namespace {

using nlohmann::json;

RequestWish wish(std::string url) {
  RequestWish made;
  made.url = std::move(url);
  made.model = "some-model";
  return made;
}

std::string written(const RequestShape& shape, std::uint64_t number) {
  BlockPool pool;
  Arena arena(pool);
  Outbox outbox(pool);
  shape.write(number, arena, outbox);
  std::string text;
  for (const iovec& piece : outbox.pieces())
    text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  return text;
}

std::string request_of(const RequestWish& from, const char* key = "", std::uint64_t number = 17) {
  auto shape = RequestShape::make(from, Secret(key), "run");
  EXPECT_TRUE(shape.has_value()) << shape.error();
  return shape ? written(*shape, number) : "";
}

std::string head_of(const std::string& request) {
  return request.substr(0, request.find("\r\n\r\n") + 4);
}
json body_of(const std::string& request) {
  return json::parse(request.substr(request.find("\r\n\r\n") + 4));
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

struct TargetRow {
  const char* url;
  const char* target;
};
constexpr TargetRow kTargetRows[] = {
    {"http://127.0.0.1:9190", "/v1/chat/completions"},
    {"http://127.0.0.1:9190/", "/v1/chat/completions"},
    {"http://127.0.0.1:9190/v1", "/v1/chat/completions"},
    {"http://127.0.0.1:9190/v1/", "/v1/chat/completions"},
    {"http://127.0.0.1:9190/openai/v1", "/openai/v1/chat/completions"},
    {"http://127.0.0.1:9190/v1/chat/completions", "/v1/chat/completions"},
    {"http://127.0.0.1:9190/api/completions", "/api/completions"},
    {"http://127.0.0.1:9190/v1/messages", "/v1/messages"},
};

TEST(RequestShape, ABaseUrlMeansChatAndAnInterfaceItself) {
  for (const TargetRow& row : kTargetRows) {
    const std::string begin = "POST " + std::string(row.target) + " HTTP/1.1\r\n";
    EXPECT_TRUE(request_of(wish(row.url)).starts_with(begin)) << row.url;
  }
}

TEST(RequestShape, AChatRequestIsWhatWasWished) {
  RequestWish wished = wish("http://127.0.0.1:9190/v1");
  wished.model = "a \"quoted\" model";
  wished.prompt_bytes = 300;
  wished.max_tokens = 33;
  wished.priority = "high";
  const std::string request = request_of(wished);
  const json body = body_of(request);
  EXPECT_EQ(body["model"], "a \"quoted\" model");
  EXPECT_EQ(body["max_tokens"], 33);
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
  EXPECT_EQ(body["messages"][0]["role"], "user");
  EXPECT_EQ(body["messages"][0]["content"].get<std::string>().size(), 300u);
  const std::string head = head_of(request);
  EXPECT_TRUE(has(head, "\r\nhost: 127.0.0.1:9190\r\n")) << head;
  EXPECT_TRUE(has(head, "\r\nx-priority: high\r\n")) << head;
  EXPECT_TRUE(has(head, "\r\nx-request-id: bench-run-0000000017\r\n\r\n")) << head;
  EXPECT_TRUE(has(head, "\r\ncontent-length: " + std::to_string(request.size() - head.size())));
  EXPECT_FALSE(has(head, "authorization")) << head;
}

TEST(RequestShape, EachInterfaceHasItsOwnMembers) {
  const json completion = body_of(request_of(wish("http://127.0.0.1:1/v1/completions")));
  EXPECT_TRUE(completion["prompt"].is_string());
  const json embedding = body_of(request_of(wish("http://127.0.0.1:1/v1/embeddings")));
  EXPECT_TRUE(embedding["input"].is_string());
  EXPECT_FALSE(embedding.contains("stream"));
  EXPECT_FALSE(embedding.contains("max_tokens"));
  const json response = body_of(request_of(wish("http://127.0.0.1:1/v1/responses")));
  EXPECT_EQ(response["max_output_tokens"], 64);
  EXPECT_FALSE(response.contains("stream_options"));
  const json message = body_of(request_of(wish("http://127.0.0.1:1/v1/messages")));
  EXPECT_EQ(message["max_tokens"], 64);
  EXPECT_TRUE(message["messages"][0]["content"].is_string());
  EXPECT_FALSE(message.contains("stream_options"));
}

TEST(RequestShape, TheKeyGoesWhereTheInterfaceWantsIt) {
  const std::string chat = request_of(wish("http://127.0.0.1:1/v1"), "sk-test-key");
  EXPECT_TRUE(has(head_of(chat), "\r\nauthorization: Bearer sk-test-key\r\n")) << chat;
  const std::string message = request_of(wish("http://127.0.0.1:1/v1/messages"), "sk-test-key");
  EXPECT_TRUE(has(head_of(message), "\r\nx-api-key: sk-test-key\r\n")) << message;
  EXPECT_TRUE(has(head_of(message), "\r\nanthropic-version: ")) << message;
}

TEST(RequestShape, EachPromptBeginsAnotherWayAndAllAreAsLong) {
  const std::string one = request_of(wish("http://127.0.0.1:1/v1"), "", 1);
  const std::string other = request_of(wish("http://127.0.0.1:1/v1"), "", 4'000'000'000);
  EXPECT_EQ(one.size(), other.size());
  EXPECT_NE(body_of(one)["messages"][0]["content"], body_of(other)["messages"][0]["content"]);
}

TEST(RequestShape, ShortPromptsAreAsShortAsWished) {
  for (const std::uint64_t bytes : {0, 1, 10, 11, 12, 100}) {
    RequestWish wished = wish("http://127.0.0.1:1/v1");
    wished.prompt_bytes = bytes;
    EXPECT_EQ(body_of(request_of(wished))["messages"][0]["content"].get<std::string>().size(),
              bytes);
  }
}

TEST(RequestShape, ABodyOfTheUsersOwnGoesAsItIsAndAnywhere) {
  RequestWish wished = wish("http://127.0.0.1:1/some/path");
  wished.body = R"({"model":"m","stream":true,"odd":1})";
  auto shape = RequestShape::make(wished, Secret(), "run");
  ASSERT_TRUE(shape.has_value());
  EXPECT_TRUE(shape->stream());
  EXPECT_EQ(shape->url(), "http://127.0.0.1:1/some/path");
  const std::string request = written(*shape, 1);
  EXPECT_TRUE(request.ends_with("\r\n\r\n" + wished.body)) << request;
}

struct RefusedRow {
  const char* url;
  const char* model;
  const char* body;
  const char* why;
};
constexpr RefusedRow kRefusedRows[] = {
    {"127.0.0.1:9190", "m", "", "expected a URL like"},
    {"ftp://127.0.0.1", "m", "", "expected a URL like"},
    {"http://user:pass@127.0.0.1", "m", "", "expected a URL like"},
    {"http://127.0.0.1/some/path", "m", "", "no body is known for this path"},
    {"http://127.0.0.1/v1", "", "", "--model NAME is needed"},
    {"http://127.0.0.1/v1", "", "{\"a\":", "--body: "},
    {"http://127.0.0.1/v1", "", "[]", "--body: "},
};

TEST(RequestShape, WhatIsWrongIsSaid) {
  for (const RefusedRow& row : kRefusedRows) {
    RequestWish wished = wish(row.url);
    wished.model = row.model;
    wished.body = row.body;
    const auto shape = RequestShape::make(wished, Secret(), "run");
    ASSERT_FALSE(shape.has_value()) << row.url;
    EXPECT_TRUE(has(shape.error(), row.why)) << shape.error();
  }
}

TEST(RequestShape, SecretsOfAUrlAreNotRepeated) {
  for (const char* url : {"http://user:hunter2@127.0.0.1/v1", "http://127.0.0.1/v1?key=hunter2"}) {
    const auto shape = RequestShape::make(wish(url), Secret(), "run");
    ASSERT_FALSE(shape.has_value()) << url;
    EXPECT_FALSE(has(shape.error(), "hunter2")) << shape.error();
  }
}

TEST(MayCostMoney, AllButThisMachineAndPrivateNumbers) {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "10.1.2.3",
                           "192.168.1.1", "172.16.0.1", "fd00::1"})
    EXPECT_FALSE(may_cost_money(host)) << host;
  for (const char* host :
       {"api.example.com", "8.8.8.8", "2606:4700::1", "localhost.example.com", "172.32.0.1"})
    EXPECT_TRUE(may_cost_money(host)) << host;
}

}  // namespace
}  // namespace sluice::test
