// Accounts over the administration API, without a gateway. The whole, on real ones:
// tests/e2e/admin_accounts_test.mjs.
#include <set>

#include "admin/account_id.h"
#include "admin/routes/times.h"
#include "admin/upstream_rule.h"
#include "engine/config/settings.h"
#include "engine/route/account_state.h"
#include "store/catalog.h"
#include "tests/unit/admin/gateway_fixture.h"

namespace sluice::test {
namespace {

using Json = nlohmann::json;
using AccountRoutes = RoutesTest;

const Json kAccount = {{"name", "team-a"},
                       {"api_base_url", "https://a.example/v1"},
                       {"api_key", "sk-test-secret-0123456789abcdef"}};

std::string id_of(const Json& account) { return account.value("id", ""); }

TEST_F(AccountRoutes, AnAccountIsAddedShownAndRemoved) {
  const Answer made = ask("POST", "/api/admin/backends", kAccount);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.body["api_key"], "sk-tes****cdef");
  EXPECT_EQ(made.body["status"], "healthy");
  EXPECT_TRUE(made.body["editable"]);
  const std::string target = "/api/admin/backends/" + id_of(made.body);
  EXPECT_EQ(ask("GET", target).body, made.body);
  EXPECT_EQ(ask("DELETE", target).body["status"], "deleted");
  EXPECT_EQ(ask("GET", target).status, 404);
}

TEST_F(AccountRoutes, AKeyThatDoesNotOpenIsInErrorSinceItWasFound) {
  for (const bool enabled : {true, false}) {
    StoredAccount stored;
    stored.id = enabled ? "bkd_0123456789ab" : "bkd_ba9876543210";
    stored.name = enabled ? "spoiled" : "spoiled-off";
    stored.api_base_url = "https://a.example/v1";
    stored.api_key_sealed = "not sealed";
    stored.enabled = enabled;
    ASSERT_TRUE(put_account(*writer_, stored));
  }
  ASSERT_EQ(ask("POST", "/api/admin/backends", kAccount).status, 200);  // publishes
  const Json found = ask("GET", "/api/admin/backends/bkd_0123456789ab").body;
  EXPECT_EQ(found["status"], "error");
  EXPECT_EQ(found["last_error"]["kind"], "unopened");
  EXPECT_EQ(found["last_error"]["at"], rfc3339_text(gateway_.clock().unix_ms()));
  gateway_.wait(90s);
  Json other = kAccount;
  other["name"] = "team-b";
  ASSERT_EQ(ask("POST", "/api/admin/backends", other).status, 200);  // finds it again
  EXPECT_EQ(ask("GET", "/api/admin/backends/bkd_0123456789ab").body["last_error"],
            found["last_error"]);
  EXPECT_EQ(ask("GET", "/api/admin/backends/bkd_ba9876543210").body["status"], "disabled");
  const Json pools = ask("GET", "/api/admin/pools").body;
  EXPECT_EQ(pools["primary"]["total"], 5);
  EXPECT_EQ(pools["primary"]["enabled"], 4);
  EXPECT_EQ(pools["primary"]["error"], 1);
}

TEST_F(AccountRoutes, ThoseOfTheFileAreShownAndNotChanged) {
  config_.origins["accounts[0]"] = {Place::Kind::kFile, "sluice.yaml", 7, 3};
  const std::string id = account_id_of("configured");
  const Answer shown = ask("GET", "/api/admin/backends/" + id);
  ASSERT_EQ(shown.status, 200);
  EXPECT_EQ(shown.body["source"], "file");
  EXPECT_FALSE(shown.body["editable"]);
  for (const auto& [method, path] : {std::pair("PUT", ""), {"DELETE", ""}, {"POST", "/drain"}}) {
    const Answer refused = ask(method, "/api/admin/backends/" + id + path, Json::object());
    EXPECT_EQ(refused.status, 409) << method << path;
    EXPECT_NE(refused.body.dump().find("sluice.yaml:7"), std::string::npos) << refused.body;
  }
}

TEST_F(AccountRoutes, WhatIsNotGivenStays) {
  const Answer made =
      ask("POST", "/api/admin/backends",
          {{"name", "team-a"},
           {"api_base_url", "https://a.example/v1"},
           {"api_key", "sk-test-secret-0123456789abcdef"},
           {"window_seconds", 10},
           {"timeouts", {{"connect", 3}, {"total", 90.5}}},
           {"metadata", {{"any", {1, 2}}}},
           {"model_mappings", {{"m", {{"native_id", "v/m"}, {"compat", {{"a", 1}}}}}}}});
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string target = "/api/admin/backends/" + id_of(made.body);
  Answer changed = ask("PUT", target, {{"weight", 3}});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.body["weight"], 3);
  for (const char* member : {"api_key", "window_seconds", "timeouts", "metadata", "model_mappings"})
    EXPECT_EQ(changed.body[member], made.body[member]) << member;
  EXPECT_EQ(ask("PUT", target, changed.body).body, changed.body) << "as it was read";
  changed = ask("PUT", target, {{"timeouts", {{"idle", 5}}}, {"model_mappings", Json::object()}});
  EXPECT_EQ(changed.body["timeouts"]["idle"], 5);
  EXPECT_EQ(changed.body["timeouts"]["connect"], 3);
  EXPECT_EQ(changed.body["timeouts"]["total"], 90.5);
  EXPECT_EQ(changed.body["model_mappings"], Json::object());
}

TEST_F(AccountRoutes, AParameterThatARouteDoesNotHaveIsRefused) {
  for (const char* const target : {"/api/admin/backends?pol=primary", "/api/admin/pools?a",
                                   "/api/admin/stats/total?a=1", "/api/admin/settings?_=1"}) {
    const Answer refused = ask("GET", target);
    EXPECT_EQ(refused.status, 400) << target;
    EXPECT_EQ(refused.body["errors"].size(), 1u) << target;
  }
}

TEST_F(AccountRoutes, ATimeoutThatIsNullIsInheritedAgain) {
  Json account = kAccount;
  account["timeouts"] = {{"connect", 3}, {"idle", 5}, {"total", nullptr}};
  const Answer made = ask("POST", "/api/admin/backends", account);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_FALSE(made.body["timeouts"].contains("total"));
  const Answer changed = ask("PUT", "/api/admin/backends/" + id_of(made.body),
                             {{"timeouts", {{"connect", nullptr}, {"idle", nullptr}}}});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_FALSE(changed.body["timeouts"].contains("connect"));
  EXPECT_FALSE(changed.body["timeouts"].contains("idle"));
  EXPECT_EQ(changed.body["timeout_seconds"], config_.timeouts.upstream.first_byte / 1s);
}

TEST_F(AccountRoutes, AnotherAddressAsksForTheKeyAgain) {
  const Answer made = ask("POST", "/api/admin/backends", kAccount);
  const std::string target = "/api/admin/backends/" + id_of(made.body);
  Json elsewhere = {{"api_base_url", "https://b.example/v1"}};
  for (const char* key : {"", "sk-tes****cdef"}) {
    elsewhere["api_key"] = key;
    const Answer refused = ask("PUT", target, elsewhere);
    ASSERT_EQ(refused.status, 400) << key;
    EXPECT_EQ(refused.body["errors"][0]["field"], "api_key") << key;
  }
  EXPECT_EQ(ask("GET", target).body["api_base_url"], "https://a.example/v1");
  elsewhere["api_key"] = "sk-test-another-0123456789abcdef";
  const Answer moved = ask("PUT", target, elsewhere);
  ASSERT_EQ(moved.status, 200) << moved.body;
  const auto stored = find_account(*environment_, "team-a");
  EXPECT_EQ((*stored)->key_revision, 2u);
  EXPECT_EQ(open_api_key(**stored, keys_->vault)->reveal(), "sk-test-another-0123456789abcdef");
}

TEST_F(AccountRoutes, WhatComesOverTheNetworkReachesPublicAddressesAlone) {
  ASSERT_EQ(ask("POST", "/api/admin/backends", kAccount).status, 200);
  ASSERT_EQ(add_provider("by-command").exit_code, 0);
  config_.admin.private_upstreams = true;
  Json plain = kAccount;
  plain["name"] = "in-clear";
  plain["api_base_url"] = "http://a.example/v1";
  ASSERT_EQ(ask("POST", "/api/admin/backends", plain).status, 200);
  const auto reach_of = [&](std::string_view name, bool private_allowed) {
    config_.admin.private_upstreams = private_allowed;
    const auto entries = load_stored_entries(*environment_, keys_->vault);
    const auto directory = draft_directory(config_, &*entries);
    for (const auto& account : (*directory)->accounts)
      if (account->name == name) return account->endpoint.reach;
    return Reach::kAny;
  };
  EXPECT_EQ(reach_of("team-a", false), Reach::kPublic);
  EXPECT_EQ(reach_of("team-a", true), Reach::kAny);
  EXPECT_EQ(reach_of("by-command", false), Reach::kAny);
  EXPECT_EQ(reach_of("in-clear", true), Reach::kPrivate);
  EXPECT_EQ(reach_of("in-clear", false), Reach::kNone);
}

TEST_F(AccountRoutes, TheStatusIsTheFirstThatHolds) {
  const Answer made = ask("POST", "/api/admin/backends", kAccount);
  const std::string target = "/api/admin/backends/" + id_of(made.body);
  const Account& live = *gateway_.directory()->accounts.back();
  static_cast<void>(live.state->cooldown().rate_limited(gateway_.clock().now(), 30s, {}));
  EXPECT_EQ(ask("GET", target).body["status"], "cooling");
  EXPECT_EQ(ask("GET", target).body["consecutive_429_count"], 1);
  live.state->reject(live.generation);
  EXPECT_EQ(ask("GET", target).body["status"], "error");
  EXPECT_EQ(ask("GET", "/api/admin/pools").body["primary"]["error"], 1);
  EXPECT_EQ(ask("POST", target + "/drain").body["status"], "disabled");
  const Answer enabled = ask("POST", target + "/enable");
  EXPECT_EQ(enabled.body["status"], "cooling") << "the key is tried again, the cooldown goes on";
}

TEST_F(AccountRoutes, WithoutAStoreTheFilesAccountsAreShown) {
  EXPECT_EQ(ask("GET", "/api/admin/backends").body.size(), 1u);
  EXPECT_EQ(ask("GET", "/api/admin/backends?pool=fallback").body.size(), 0u);
  EXPECT_EQ(ask("GET", "/api/admin/clients").body[0]["name"], "configured-client");
}

// None is made any more.
TEST_F(AccountRoutes, AClientKeyOfANameThatNoPathHasIsRevoked) {
  StoredClientKey key;
  key.name = "..";
  ASSERT_TRUE(put_client_key(*writer_, key));
  const Answer revoked = ask("DELETE", "/api/admin/clients?name=..");
  EXPECT_EQ(revoked.status, 200);
  EXPECT_EQ(revoked.body["name"], "..");
  EXPECT_EQ(revoked.body["status"], "revoked");
  EXPECT_NE((*get_client_key(*environment_, ".."))->revoked_ms, 0);
  EXPECT_EQ(ask("DELETE", "/api/admin/clients?name=..").status, 409);
  EXPECT_EQ(ask("DELETE", "/api/admin/clients?name=nobody").status, 404);
  EXPECT_EQ(ask("DELETE", "/api/admin/clients").body["errors"][0]["field"], "name");
}

struct UpstreamRow {
  const char* url;
  bool open;          // by default
  bool with_private;  // with admin.private_upstreams
};

constexpr UpstreamRow kUpstreamRows[] = {
    {"https://api.example.com/v1", true, true},
    {"http://api.example.com/v1", false, true},
    {"http://8.8.8.8/v1", false, false},
    {"https://8.8.8.8/v1", true, true},
    {"http://127.0.0.1:8000", false, true},
    {"https://127.0.0.1:8000", false, true},
    {"http://localhost/v1", false, true},
    {"http://[::1]/v1", false, true},
    {"https://[::ffff:10.0.0.1]/v1", false, true},
    {"http://169.254.169.254/v1", false, false},
    {"https://[fd00:ec2::254]/v1", false, false},
    {"https://[::ffff:169.254.169.254]/v1", false, false},
    {"http://100.100.100.200/v1", false, false},
};

TEST(UpstreamRule, SaysWhereAccountsMayBe) {
  for (const UpstreamRow& row : kUpstreamRows) {
    EXPECT_EQ(!refuse_upstream(row.url, false), row.open) << row.url;
    EXPECT_EQ(!refuse_upstream(row.url, true), row.with_private) << row.url;
  }
}

TEST(Settings, WhatIsOfTheFileAloneCannotBeChanged) {
  for (const char* path : {"shards", "listen", "store.directory", "auth.open", "admin.hosts",
                           "admin.private_upstreams", "metrics.listen", "log.format", "no.such"})
    EXPECT_FALSE(is_changeable(path)) << path;
  for (const char* path : {"queue.capacity", "routing.cooldown.base", "log.level",
                           "account_defaults.rpm_limit", "timeouts.upstream.connect"})
    EXPECT_TRUE(is_changeable(path)) << path;
}

TEST(Settings, WhatIsStoredGoesBeforeTheRest) {
  Config config;
  config.origins["queue.capacity"] = {Place::Kind::kFlag, "--x"};
  const auto faults =
      read_settings({{"queue.capacity", "7"}, {"shards", "2"}, {"log.level", "loud"}}, config);
  EXPECT_EQ(config.routing.queue.capacity, 7u);
  EXPECT_EQ(config.origin_of("queue.capacity").text(), "stored");
  EXPECT_EQ(config.shards, 0u);
  std::set<std::string> paths;
  for (const Finding& fault : faults) paths.insert(fault.path);
  EXPECT_EQ(paths, (std::set<std::string>{"shards", "log.level"}));
}

}  // namespace
}  // namespace sluice::test
