#include "engine/llm/api.h"

#include <gtest/gtest.h>

#include "base/block_pool.h"
#include "engine/llm/dialect.h"

namespace sluice {
namespace {

struct PathRow {
  std::string_view path;
  ApiKind kind;
};

constexpr PathRow kPathRows[] = {
    {"/v1/chat/completions", ApiKind::kChat},
    {"/v1/completions", ApiKind::kCompletions},
    {"/v1/embeddings", ApiKind::kEmbeddings},
    {"/v1/responses", ApiKind::kResponses},
    {"/v1/messages", ApiKind::kMessages},
    {"/v1/models", ApiKind::kModels},
    {"/v1/models/m", ApiKind::kModel},
    {"/v1/models/org/m", ApiKind::kModel},
    {"/v1/models/", ApiKind::kOther},
    {"/v1/chat/completions/", ApiKind::kOther},
    {"/v1/Chat/completions", ApiKind::kOther},
    {"/v1/responses/resp_1", ApiKind::kOther},
    {"/v1/messages/count_tokens", ApiKind::kOther},
    {"/v1/audio/speech", ApiKind::kOther},
    {"/v1/", ApiKind::kOther},
    {"/v1", ApiKind::kOther},
    {"/v1x", ApiKind::kNone},
    {"/v10/chat/completions", ApiKind::kNone},
    {"/V1/chat/completions", ApiKind::kNone},
    {"/%761/chat/completions", ApiKind::kNone},
    {"//v1/chat/completions", ApiKind::kNone},
    {"/chat/completions", ApiKind::kNone},
    {"/health", ApiKind::kNone},
    {"/", ApiKind::kNone},
    {"", ApiKind::kNone},
};

TEST(ApiTest, S5DecidesOnTheRawPath) {
  for (const PathRow& row : kPathRows) EXPECT_EQ(classify_api(row.path), row.kind) << row.path;
}

constexpr std::string_view kAmbiguousPaths[] = {
    "/v1/../admin",     "/v1/./chat/completions",
    "/v1/%2e%2e/admin", "/v1/.%2E/admin",
    "/v1/%2e",          "/v1/..",
    "/v1/a/..",         "/v1//chat/completions",
    "/v1/a%00",         "/v1/a%2fb",
    "/v1/a%2Fb",        "/v1/a%5cb",
    "/v1/a%",           "/v1/a%2",
    "/v1/a%zz",         "/v1/models/a%00",
    "/v1/models/../x",  "/v1/models//x",
    "/v1/models/a%5C",
};
constexpr std::string_view kPlainPaths[] = {
    "/v1/chat/completions", "/v1/files/a.b",   "/v1/...",    "/v1/a%20b",
    "/v1/models/org%2Fm",   "/v1/models/a..b", "/v1/files/", "/v1",
};

TEST(ApiTest, S5RefusesPathsThatMeanAnother) {
  for (const std::string_view path : kAmbiguousPaths)
    EXPECT_TRUE(api_path_is_ambiguous(path)) << path;
  for (const std::string_view path : kPlainPaths) EXPECT_FALSE(api_path_is_ambiguous(path)) << path;
}

TEST(ApiTest, ModelIdsMayContainSlashesAndEscapes) {
  BlockPool pool;
  Arena arena(pool);
  EXPECT_EQ(model_id_of("/v1/models/m", arena), "m");
  EXPECT_EQ(model_id_of("/v1/models/org/m:8b", arena), "org/m:8b");
  EXPECT_EQ(model_id_of("/v1/models/org%2Fm%20x", arena), "org/m x");
}

TEST(ApiTest, EachKindTakesItsMethods) {
  EXPECT_EQ(api_methods(ApiKind::kChat), "POST");
  EXPECT_TRUE(api_allows(ApiKind::kChat, "POST"));
  EXPECT_FALSE(api_allows(ApiKind::kChat, "GET"));
  EXPECT_FALSE(api_allows(ApiKind::kChat, "post"));
  EXPECT_TRUE(api_allows(ApiKind::kModels, "GET"));
  EXPECT_TRUE(api_allows(ApiKind::kModel, "HEAD"));
  EXPECT_FALSE(api_allows(ApiKind::kModel, "DELETE"));
  EXPECT_TRUE(api_allows(ApiKind::kOther, "DELETE"));
  EXPECT_TRUE(api_needs_model(ApiKind::kMessages));
  EXPECT_FALSE(api_needs_model(ApiKind::kOther));
  EXPECT_TRUE(api_injects_usage(ApiKind::kCompletions));
  EXPECT_FALSE(api_injects_usage(ApiKind::kResponses));
}

struct AnswerRow {
  std::string_view type;
  std::string_view encoding;
  AnswerKind kind;
};

constexpr AnswerRow kAnswerRows[] = {
    {"application/json", "", AnswerKind::kJson},
    {"Application/JSON; charset=utf-8", "identity", AnswerKind::kJson},
    {"application/problem+json", "", AnswerKind::kJson},
    {"text/event-stream", "", AnswerKind::kEventStream},
    {"text/event-stream ; charset=utf-8", "Identity", AnswerKind::kEventStream},
    {"text/event-stream", "gzip", AnswerKind::kOpaque},
    {"application/json", "br", AnswerKind::kOpaque},
    {"audio/mpeg", "", AnswerKind::kOpaque},
    {"application/jsonl", "", AnswerKind::kOpaque},
    {"", "", AnswerKind::kOpaque},
};

TEST(ApiTest, AnswersAreReadByTypeAndEncoding) {
  for (const AnswerRow& row : kAnswerRows)
    EXPECT_EQ(classify_answer(row.type, row.encoding), row.kind) << row.type;
}

TEST(DialectTest, EachHasItsCredentialField) {
  EXPECT_EQ(credential_field(Dialect::kOpenAi).prefix, "Bearer ");
  EXPECT_EQ(credential_field(Dialect::kAnthropic).name, "x-api-key");
  EXPECT_EQ(version_field(Dialect::kAnthropic).name, "anthropic-version");
  EXPECT_EQ(version_field(Dialect::kOpenAi).name, "");
}

}  // namespace
}  // namespace sluice
