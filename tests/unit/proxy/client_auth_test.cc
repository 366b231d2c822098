#include "engine/proxy/client_auth.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {
namespace {

constexpr std::string_view kNoKey =
    "no client key: send one of this gateway's client keys as 'Authorization: Bearer <key>'";
constexpr std::string_view kUnknownKey = "the client key is not known to this gateway";

class ClientAuth : public ProxyTest {
 protected:
  // The name of the client key, "(open)" without one, or why it is refused.
  std::string who_asks(std::string_view fields, ApiKind api = ApiKind::kChat) {
    Exchange& exchange = begin("POST /v1/x HTTP/1.1\r\nHost: g\r\n" + std::string(fields) + "\r\n");
    const OrAnswer<const ClientKey*> key = authenticate(exchange.directory(), *exchange.head, api);
    if (key) return *key == nullptr ? "(open)" : (*key)->name;
    EXPECT_EQ(key.error().status, 401);
    EXPECT_EQ(key.error().type, "invalid_request_error");
    EXPECT_EQ(key.error().code, "invalid_api_key");
    EXPECT_TRUE(key.error().authenticate);
    return std::string(key.error().message);
  }
};

struct KeyRow {
  const char* rule;
  std::string_view fields;
  ApiKind api;
  std::string_view who;
};
constexpr KeyRow kKeyRows[] = {
    {"a known key", "Authorization: Bearer sk-test-alice\r\n", ApiKind::kChat, "alice"},
    {"each key is somebody's", "Authorization: Bearer sk-test-bob\r\n", ApiKind::kChat, "bob"},
    {"names of fields and schemes have no case", "AUTHORIZATION: bEARER sk-test-bob\r\n",
     ApiKind::kChat, "bob"},
    {"several spaces", "Authorization: Bearer   sk-test-bob\r\n", ApiKind::kChat, "bob"},
    {"keys have a case", "Authorization: Bearer SK-test-bob\r\n", ApiKind::kChat, kUnknownKey},
    {"the beginning of a key is none", "Authorization: Bearer sk-test-bo\r\n", ApiKind::kChat,
     kUnknownKey},
    {"nor is a longer one", "Authorization: Bearer sk-test-bobby\r\n", ApiKind::kChat, kUnknownKey},
    {"a list of keys is none", "Authorization: Bearer sk-test-bob,sk-test-alice\r\n",
     ApiKind::kChat, kUnknownKey},
    {"a provider's key opens nothing", "Authorization: Bearer sk-test-provider\r\n", ApiKind::kChat,
     kUnknownKey},
    {"no key", "", ApiKind::kChat, kNoKey},
    {"an empty one", "Authorization: Bearer \r\n", ApiKind::kChat, kNoKey},
    {"no scheme", "Authorization: sk-test-bob\r\n", ApiKind::kChat, kNoKey},
    {"another scheme", "Authorization: Basic sk-test-bob\r\n", ApiKind::kChat, kNoKey},
    {"a scheme without a space", "Authorization: Bearersk-test-bob\r\n", ApiKind::kChat, kNoKey},
    {"x-api-key on /v1/messages", "X-Api-Key: sk-test-bob\r\n", ApiKind::kMessages, "bob"},
    {"Bearer there too", "Authorization: Bearer sk-test-bob\r\n", ApiKind::kMessages, "bob"},
    {"Bearer goes first", "X-Api-Key: sk-test-bob\r\nAuthorization: Bearer sk-test-alice\r\n",
     ApiKind::kMessages, "alice"},
    {"also a wrong one", "X-Api-Key: sk-test-bob\r\nAuthorization: Bearer sk-test-x\r\n",
     ApiKind::kMessages, kUnknownKey},
    {"a wrong one", "X-Api-Key: sk-test-x\r\n", ApiKind::kMessages, kUnknownKey},
    {"x-api-key nowhere else", "X-Api-Key: sk-test-bob\r\n", ApiKind::kChat, kNoKey},
    {"other fields never", "Api-Key: sk-test-bob\r\nCookie: Bearer sk-test-bob\r\n",
     ApiKind::kMessages, kNoKey},
};

TEST_F(ClientAuth, TheKeyTellsWhoAsks) {
  add_client("alice", "sk-test-alice");
  add_client("bob", "sk-test-bob");
  for (const KeyRow& row : kKeyRows) EXPECT_EQ(who_asks(row.fields, row.api), row.who) << row.rule;
}

TEST_F(ClientAuth, WithoutClientKeysNobodyComesIn) {
  EXPECT_EQ(who_asks(""), kNoKey);
  EXPECT_EQ(who_asks("Authorization: Bearer sk-test-alice\r\n"), kUnknownKey);
}

TEST_F(ClientAuth, AnOpenGatewayServesAllAndKnowsItsOwn) {
  directory_->open = true;
  add_client("alice", "sk-test-alice");
  EXPECT_EQ(who_asks(""), "(open)");
  EXPECT_EQ(who_asks("Authorization: Bearer sk-test-other\r\n"), "(open)");
  EXPECT_EQ(who_asks("Authorization: Bearer sk-test-alice\r\n"), "alice");
}

TEST_F(ClientAuth, AnOpenGatewayWithoutKeysTakesAnyOrNone) {
  directory_->open = true;
  EXPECT_EQ(who_asks(""), "(open)");
  EXPECT_EQ(who_asks("Authorization: Bearer sk-test-any\r\n"), "(open)");
}

TEST_F(ClientAuth, EachOfManyKeysIsFound) {
  for (int i = 0; i < 200; ++i)
    add_client("client-" + std::to_string(i), "sk-test-" + std::to_string(i));
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(who_asks("Authorization: Bearer sk-test-" + std::to_string(i) + "\r\n"),
              "client-" + std::to_string(i));
  }
  EXPECT_EQ(who_asks("Authorization: Bearer sk-test-200\r\n"), kUnknownKey);
}

struct ModelRow {
  const char* rule;
  std::string_view client;  // "": no key, an open gateway
  std::string_view model;
  bool may;
};
constexpr ModelRow kModelRows[] = {
    {"a key without a list may use all", "all", "gpt-4o", true},
    {"so may an open gateway's client", "", "gpt-4o", true},
    {"what is listed", "some", "b/model", true},
    {"in any order", "some", "a-model", true},
    {"nothing else", "some", "gpt-4o", false},
    {"not what begins like it", "some", "a-model-2", false},
    {"nor its beginning", "some", "a-mode", false},
    {"names have a case", "some", "A-model", false},
    {"requests without a model", "some", "", true},
};

TEST_F(ClientAuth, AKeyMayUseItsModels) {
  add_client("all", "sk-test-all");
  add_client("some", "sk-test-some", {"c", "b/model", "a-model"});
  Exchange& exchange = begin("GET / HTTP/1.1\r\nHost: g\r\n\r\n");
  for (const ModelRow& row : kModelRows) {
    const ClientKey* key = nullptr;
    for (const ClientKey& client : directory_->clients)
      if (client.name == row.client) key = &client;
    EXPECT_EQ(may_use_model(key, row.model), row.may) << row.rule;
    exchange.client_key = key;
    exchange.model = row.model;
    const OrAnswer<void> answer = authorize_model(exchange);
    ASSERT_EQ(answer.has_value(), row.may) << row.rule;
    if (row.may) continue;
    EXPECT_EQ(answer.error().status, 403);
    EXPECT_EQ(answer.error().type, "permission_error");
    EXPECT_EQ(answer.error().code, "model_not_allowed");
    EXPECT_EQ(answer.error().message,
              "this client key may not use the model '" + std::string(row.model) + "'");
  }
}

struct TellingRow {
  const char* rule;
  std::string_view client;
  std::string_view body;
  bool told;
  bool may;
};
constexpr TellingRow kTellingRows[] = {
    {"a key for certain models, and the body tells one of them", "some", "x", true, true},
    {"the body does not tell: the default may be allowed, what the provider finds may not", "some",
     "x", false, false},
    {"nothing in which a provider could find one", "some", "", false, true},
    {"a key for all models", "all", "x", false, true},
    {"an open gateway", "", "x", false, true},
};

TEST_F(ClientAuth, AKeyForCertainModelsMustTellWhich) {
  add_client("all", "sk-test-all");
  add_client("some", "sk-test-some", {"small"});
  Exchange& exchange = begin("POST /v1/files HTTP/1.1\r\nHost: g\r\n\r\n");
  for (const TellingRow& row : kTellingRows) {
    exchange.client_key = nullptr;
    for (const ClientKey& client : directory_->clients)
      if (client.name == row.client) exchange.client_key = &client;
    exchange.model = "small";
    exchange.model_is_told = row.told;
    exchange.body = row.body;
    const OrAnswer<void> answer = authorize_model(exchange);
    EXPECT_EQ(answer.has_value(), row.may) << row.rule;
    if (answer) continue;
    EXPECT_EQ(answer.error().status, 403);
    EXPECT_EQ(answer.error().code, "model_not_allowed");
  }
}

}  // namespace
}  // namespace sluice
