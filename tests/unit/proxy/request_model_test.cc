#include "engine/proxy/request_model.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {
namespace {

class RequestModel : public ProxyTest {
 protected:
  OrAnswer<void> find(ApiKind api, std::string_view type, std::string_view body) {
    const std::string field =
        type.empty() ? std::string() : "Content-Type: " + std::string(type) + "\r\n";
    Exchange& exchange = begin("POST /v1/x HTTP/1.1\r\nHost: g\r\n" + field + "\r\n");
    exchange.api = api;
    set_body(body);
    return find_model(exchange);
  }
  // The model, or "param: message" of the refusal.
  std::string model(ApiKind api, std::string_view type, std::string_view body) {
    const OrAnswer<void> found = find(api, type, body);
    if (found) return std::string(exchange_->model);
    EXPECT_EQ(found.error().status, 400);
    EXPECT_EQ(found.error().type, "invalid_request_error");
    EXPECT_EQ(found.error().code, "");
    return std::string(found.error().param) + ": " + std::string(found.error().message);
  }
};

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kForm = "multipart/form-data; boundary=b";
constexpr std::string_view kFormBody =
    "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n--b--\r\n";
constexpr auto kChat = ApiKind::kChat;
constexpr auto kOther = ApiKind::kOther;

struct ModelRow {
  const char* rule;
  ApiKind api;
  std::string_view type;
  std::string_view body;
  std::string_view model;
  bool json;
};
constexpr ModelRow kModelRows[] = {
    {"J1: the member", kChat, kJson, R"({"model":"m-1"})", "m-1", true},
    {"J1: only at the top", kChat, kJson, R"({"messages":[{"model":"x"}],"model":"m-1"})", "m-1",
     true},
    {"J1: with its escapes decoded", kChat, kJson, R"({"model":"org\/m\u002d1"})", "org/m-1", true},
    {"paths that need a model read JSON whatever the type says", kChat, "text/plain",
     R"({"model":"m-1"})", "m-1", true},
    {"also without a type", ApiKind::kEmbeddings, "", R"({"model":"m-1"})", "m-1", true},
    {"other paths when the type says so", kOther, kJson, R"({"model":"m-1"})", "m-1", true},
    {"with parameters and any case", kOther, "Application/JSON; charset=utf-8",
     R"({"model":"m-1"})", "m-1", true},
    {"types that end in +json", kOther, "application/vnd.x+json", R"({"model":"m-1"})", "m-1",
     true},
    {"J5: without the member the default", kOther, kJson, R"({"input":"x"})", "default-m", true},
    {"J5: the part of a form", kOther, kForm, kFormBody, "whisper", false},
    {"J5: other bodies have the default", kOther, "audio/mpeg", "ID3\xff", "default-m", false},
    {"J5: no body too", kOther, kJson, "", "default-m", false},
    {"J5: lines of JSON are another type", kOther, "application/jsonl", "{\"model\":\"m-1\"}\n{}\n",
     "default-m", false},
};

TEST_F(RequestModel, IsFoundInJsonAndForms) {
  directory_->default_model = "default-m";
  for (const ModelRow& row : kModelRows) {
    SCOPED_TRACE(row.rule);
    EXPECT_EQ(model(row.api, row.type, row.body), row.model);
    EXPECT_EQ(exchange_->json, row.json);
    EXPECT_EQ(exchange_->model_is_told, row.model != "default-m");
  }
}

struct RefusedRow {
  const char* rule;
  ApiKind api;
  std::string_view type;
  std::string_view body;
  std::string_view refusal;
};
constexpr std::string_view kNoModel = "model: you must provide a model parameter";
constexpr RefusedRow kRefusedRows[] = {
    {"J4: no model", kChat, kJson, R"({"messages":[]})", kNoModel},
    {"J4: no body", kChat, kJson, "", kNoModel},
    {"J4: no string", kChat, kJson, R"({"model":1})",
     "model: request body: must be a string that is not empty at byte 9"},
    {"J4: an empty one", kChat, kJson, R"({"model":""})",
     "model: request body: must be a string that is not empty at byte 9"},
    {"J4: stream is a boolean", kChat, kJson, R"({"model":"m","stream":"yes"})",
     "stream: request body: must be a boolean at byte 22"},
    {"J2: a member that comes twice", kChat, kJson, R"({"model":"a","model":"b"})",
     "model: request body: the member comes twice at byte 13"},
    {"J3: no object", kChat, kJson, "[]",
     ": request body: the body is not a JSON object at byte 0"},
    {"J2: another path with JSON is no way around it", kOther, kJson,
     R"({"model":"a","model":"b"})", "model: request body: the member comes twice at byte 13"},
    {"J3: nor is JSON that another parser may take", kOther, kJson, R"({"model":"a","x":NaN})",
     ": request body: expected a value at byte 17"},
};

TEST_F(RequestModel, RefusedWithTheParameterAndTheByte) {
  directory_->default_model = "default-m";
  for (const RefusedRow& row : kRefusedRows)
    EXPECT_EQ(model(row.api, row.type, row.body), row.refusal) << row.rule;
}

TEST_F(RequestModel, FormsDoNotDoForAPathThatNeedsAModel) {
  const std::string refusal = model(kChat, kForm, kFormBody);
  EXPECT_NE(refusal.find("request body: "), std::string::npos) << refusal;
}

TEST_F(RequestModel, NoneIsNamedWhereThereIsNoDefault) {
  EXPECT_EQ(model(kOther, "audio/mpeg", "ID3"), "");
}

TEST_F(RequestModel, TheProbeIsKeptForTheSplice) {
  ASSERT_TRUE(find(kChat, kJson, R"({"stream":true,"model":"m-1"})"));
  EXPECT_TRUE(exchange_->probe.stream);
  EXPECT_EQ(exchange_->probe.model_at, 23u);
  EXPECT_EQ(exchange_->probe.model_bytes, 5u);
}

}  // namespace
}  // namespace sluice
