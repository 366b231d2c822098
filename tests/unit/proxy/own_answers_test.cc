#include "engine/proxy/own_answers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {
namespace {

class OwnAnswers : public ProxyTest {
 protected:
  Exchange& ask(std::string_view path, std::string_view method = "GET") {
    return begin(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: g\r\n\r\n");
  }
  std::optional<Answer> health(std::string_view path, std::string_view method = "GET") {
    return answer_health(*shard_, ask(path, method));
  }
  // The ids that GET /v1/models tells, one after the other.
  std::string listed(const Answer& answer) {
    EXPECT_EQ(answer.status, 200);
    const auto list = nlohmann::json::parse(answer.document, nullptr, false);
    if (!list.is_object() || list.size() != 2 || list["object"] != "list") return "(no list)";
    std::string ids;
    for (const auto& model : list["data"]) {
      EXPECT_EQ(model.size(), 4u);
      EXPECT_EQ(model["object"], "model");
      EXPECT_EQ(model["created"], 1'700'000'000);
      EXPECT_EQ(model["owned_by"], "sluice");
      ids += model["id"].get<std::string>() + ";";
    }
    return ids;
  }
  const ClientKey& client(std::string_view name) {
    return *std::ranges::find(directory_->clients, name, &ClientKey::name);
  }
  Answer model(std::string_view path) { return answer_model(ask(path)); }
};

TEST_F(OwnAnswers, HealthTellsVersionAndUptime) {
  begin("GET /health HTTP/1.1\r\nHost: g\r\n\r\n");
  pass(90s + 999ms);
  for (const std::string_view path : {"/health", "/livez", "/health?verbose"}) {
    const std::optional<Answer> answer = health(path);
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 200);
    const auto document = nlohmann::json::parse(answer->document, nullptr, false);
    ASSERT_TRUE(document.is_object()) << answer->document;
    EXPECT_EQ(document.size(), 3u);
    EXPECT_EQ(document["status"], "ok");
    EXPECT_EQ(document["version"], SLUICE_VERSION);
    EXPECT_EQ(document["uptime_seconds"], 90);
  }
}

TEST_F(OwnAnswers, ReadyWhileAnAccountIsEnabledAndNoDrain) {
  Account& account = add_account("team-a");
  account.enabled = false;
  add_account("team-b").enabled = true;
  EXPECT_EQ(health("/readyz")->status, 200);
  EXPECT_EQ(health("/readyz")->document, "{\"ready\":true}\n");
  worker_->draining = true;
  EXPECT_EQ(health("/readyz")->status, 503);
  EXPECT_EQ(health("/readyz")->document, "{\"ready\":false,\"reason\":\"draining\"}\n");
  EXPECT_EQ(health("/livez")->status, 200);  // alive, and not to be killed for it
  EXPECT_EQ(health("/health")->status, 200);
}

TEST_F(OwnAnswers, WithoutAnEnabledAccountNotReady) {
  add_account("team-a").enabled = false;
  EXPECT_EQ(health("/readyz")->status, 503);
  EXPECT_EQ(
      health("/readyz")->document,
      "{\"ready\":false,\"reason\":\"no account is usable: all are disabled or their keys were "
      "refused\"}\n");
}

TEST_F(OwnAnswers, AnAccountWhoseKeyWasRefusedIsNotUsable) {
  const Account& account = add_account("team-a");
  EXPECT_EQ(health("/readyz")->status, 200);
  account.state->reject(account.generation);
  EXPECT_EQ(health("/readyz")->status, 503);
  account.state->accept(account.generation);
  EXPECT_EQ(health("/readyz")->status, 200);
}

TEST_F(OwnAnswers, OtherPathsAreNotTheirs) {
  for (const std::string_view path : {"/", "/healthz", "/health/", "/Health", "/v1/health", "/v1"})
    EXPECT_FALSE(health(path)) << path;
}

TEST_F(OwnAnswers, HealthIsOnlyRead) {
  EXPECT_EQ(health("/health", "HEAD")->status, 200);
  for (const std::string_view method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const std::optional<Answer> answer = health("/livez", method);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 405) << method;
    EXPECT_EQ(answer->code, "method_not_allowed");
    EXPECT_EQ(answer->allow, "GET, HEAD");
  }
}

TEST_F(OwnAnswers, ModelsAreThoseOfAllAccountsSorted) {
  directory_->created_unix_s = 1'700'000'000;
  add_account("team-a", {"m-2", "org/m-1"});
  add_account("team-b", {"m-2", "m-0"});
  add_account("team-c", {"m-9"}).enabled = false;
  EXPECT_EQ(listed(answer_models(ask("/v1/models"))), "m-0;m-2;org/m-1;");
}

TEST_F(OwnAnswers, WithoutModelsTheListIsEmpty) {
  add_account("team-a");
  const Answer answer = answer_models(ask("/v1/models"));
  EXPECT_EQ(answer.document, "{\"object\":\"list\",\"data\":[]}\n");
}

TEST_F(OwnAnswers, AClientSeesTheModelsOfItsKey) {
  directory_->created_unix_s = 1'700'000'000;
  add_account("team-a", {"a", "b", "c", "d"});
  add_client("some", "sk-test-some", {"d", "b", "x"});
  add_client("all", "sk-test-all");
  Exchange& exchange = ask("/v1/models");
  exchange.client_key = &client("some");
  EXPECT_EQ(listed(answer_models(exchange)), "b;d;");
  exchange.client_key = &client("all");
  EXPECT_EQ(listed(answer_models(exchange)), "a;b;c;d;");
}

TEST_F(OwnAnswers, TheLongestNamesOfModelsFit) {
  directory_->created_unix_s = 1'700'000'000;
  const std::string controls(200, '\x01');
  const std::string quotes(500, '"');
  add_account("team-a", {controls, quotes, "\xff"});
  EXPECT_EQ(listed(answer_models(ask("/v1/models"))),
            controls + ";" + quotes + ";" + "\xef\xbf\xbd;");
}

TEST_F(OwnAnswers, OneModelByItsId) {
  directory_->created_unix_s = 1'700'000'000;
  add_account("team-a", {"m-1", "org/m 2"});
  EXPECT_EQ(model("/v1/models/m-1").document,
            "{\"id\":\"m-1\",\"object\":\"model\",\"created\":1700000000,"
            "\"owned_by\":\"sluice\"}\n");
  EXPECT_EQ(model("/v1/models/m-1").status, 200);
  EXPECT_EQ(model("/v1/models/org/m%202").status, 200);
  EXPECT_EQ(model("/v1/models/org%2fm%202").status, 200);
}

TEST_F(OwnAnswers, AModelThatIsNotThereOrNotForThisKeyIsNotFound) {
  add_account("team-a", {"m-1", "m-2"});
  add_client("some", "sk-test-some", {"m-1"});
  for (const std::string_view path : {"/v1/models/m-3", "/v1/models/M-1", "/v1/models/m"}) {
    const Answer answer = model(path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(answer.code, "model_not_found");
    EXPECT_NE(answer.message.find(path.substr(11)), std::string_view::npos) << answer.message;
  }
  Exchange& exchange = ask("/v1/models/m-2");
  exchange.client_key = &directory_->clients[0];
  EXPECT_EQ(answer_model(exchange).status, 404);
}

}  // namespace
}  // namespace sluice
