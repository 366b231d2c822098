#include "engine/config/build_directory.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/config/config_text.h"
#include "tls/digest.h"

namespace sluice {
namespace {

constexpr const char* kYaml =
    "account_defaults: {concurrent_limit: 8}\n"
    "accounts:\n"
    "  - name: b\n"
    "    base_url: https://API.example.com:8443/v1/\n"
    "    api_key: sk-test-1\n"
    "    rpm_limit: 5\n"
    "    window: 10s\n"
    "    bucket: steady\n"
    "    tpm_limit: 30000\n"
    "    rpd_limit: 1500\n"
    "    weight: 3\n"
    "    cost: {input: 2.5, output: 0.000001}\n"
    "    models: {z: native-z, a: native-a}\n"
    "    timeouts: {total: 5min}\n"
    "    send_via: false\n"
    "  - {name: a, base_url: 'http://[::1]', api_key: '', pool: main, models: [a, m]}\n"
    "  - {name: c, base_url: 'http://127.0.0.1:80', api_key: k, pool: fallback, dialect: "
    "anthropic}\n"
    "clients:\n"
    "  - {name: web, key: sk-test-client, models: [z, a],\n"
    "     rpm_limit: 7, tpm_limit: 900, concurrent_limit: 3,\n"
    "     budget_usd: 12.500000001, budget_period: day}\n"
    "routing: {strategy: ordered, affinity: session, guard: 1s, default_model: m, retry: "
    "{on_timeout: true, "
    "budget_percent: 50, budget_floor: 5},\n"
    "  breaker: {failures: 2, open: 3s, open_max: 4s}}\n"
    "queue: {comments: 10s}\nhedge: {after: 2s, percent: 7}\n";

TEST(BuildDirectory, HasWhatTheConfigurationSays) {
  const Loaded config = load_text(kYaml);
  ASSERT_TRUE(config) << errors_of(config);
  const auto built = build_directory(*config);
  ASSERT_TRUE(built);
  const Directory& directory = **built;
  ASSERT_EQ(directory.accounts.size(), 3u);

  const Account& b = *directory.accounts[0];
  EXPECT_EQ(b.name, "b");
  EXPECT_TRUE(b.endpoint.tls);
  EXPECT_EQ(b.endpoint.host, "api.example.com");
  EXPECT_EQ(b.endpoint.port, 8443);
  EXPECT_EQ(b.endpoint.base_path, "/v1");
  EXPECT_EQ(b.api_key.reveal(), "sk-test-1");
  EXPECT_EQ(b.rpm_limit, 5u);
  EXPECT_EQ(b.window, 10s);
  EXPECT_EQ(b.bucket, BucketShape::kSteady);
  EXPECT_EQ(b.tpm_limit, 30'000u);
  EXPECT_EQ(b.rpd_limit, 1'500u);
  EXPECT_EQ(b.concurrent_limit, 8u);
  EXPECT_EQ(b.weight, 3u);
  EXPECT_EQ(b.cost.input, 2'500'000u);
  EXPECT_EQ(b.cost.output, 1u);
  ASSERT_EQ(b.models.size(), 2u);
  EXPECT_EQ(b.models[0].canonical, "a");
  EXPECT_EQ(b.models[1].native, "native-z");
  EXPECT_EQ(b.timeouts.total, 5min);
  EXPECT_FALSE(b.send_via);

  const Account& a = *directory.accounts[1];
  EXPECT_EQ(a.endpoint.host, "::1");
  EXPECT_EQ(a.endpoint.authority, "[::1]");
  EXPECT_TRUE(a.api_key.empty());
  EXPECT_EQ(a.pool, Pool::kPrimary);
  EXPECT_EQ(a.tpm_limit, 0u);
  EXPECT_EQ(directory.accounts[2]->pool, Pool::kFallback);
  EXPECT_EQ(directory.accounts[2]->dialect, Dialect::kAnthropic);
  EXPECT_TRUE(directory.accounts[2]->models.empty());

  EXPECT_EQ(directory.model_names, (std::vector<std::string>{"a", "m", "z"}));
  EXPECT_EQ(directory.default_model, "m");
  EXPECT_EQ(directory.routing.strategy, Strategy::kOrdered);
  EXPECT_EQ(directory.routing.affinity, Affinity::kSession);
  EXPECT_EQ(directory.routing.guard, 1s);
  EXPECT_TRUE(directory.routing.retry_on_timeout);
  EXPECT_EQ(directory.routing.retry_budget().ratio, 0.5);
  EXPECT_EQ(directory.routing.retry_budget().min_per_second, 0.5);
  EXPECT_EQ(directory.routing.breaker.failures, 2u);
  EXPECT_EQ(directory.routing.breaker.open, 3s);
  EXPECT_EQ(directory.routing.breaker.open_max, 4s);
  EXPECT_EQ(directory.routing.queue.comments, 10s);
  EXPECT_EQ(directory.routing.hedge.after, 2s);
  EXPECT_EQ(directory.routing.hedge.budget().ratio, 0.07);
  EXPECT_GT(directory.created_unix_s, 1'700'000'000);
}

TEST(BuildDirectory, ClientsAreKnownByTheirDigest) {
  const Loaded config = load_text(kYaml);
  ASSERT_TRUE(config);
  const auto directory = *build_directory(*config);
  ASSERT_EQ(directory->clients.size(), 1u);
  const ClientKey& client = directory->clients[0];
  EXPECT_EQ(client.models, (std::vector<std::string>{"a", "z"}));
  const Sha256Digest digest = sha256("sk-test-client");
  EXPECT_EQ(std::memcmp(client.sha256, digest.data(), digest.size()), 0);
  EXPECT_EQ(client.limits, (ClientLimits{.requests = 7, .tokens = 900, .concurrent = 3}));
  EXPECT_NE(client.state, nullptr);
  EXPECT_EQ(client.budget, (ClientBudget{12'500'000'001, BudgetPeriod::kDay}));
  EXPECT_NE(client.spending, nullptr);
  EXPECT_FALSE(directory->open);
}

TEST(BuildDirectory, ADigestIsTheSameClientAsItsKey) {
  std::string hex(64, '\0');
  write_hex(text_of(sha256("sk-test-client")), hex.data());
  const Loaded config = load_text("clients: [{name: web, key: 'sha256:" + hex + "'}]");
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->clients[0].key_sha256, sha256("sk-test-client"));
}

struct OpenRow {
  const char* rule;
  const char* yaml;
  bool open;
};

constexpr OpenRow kOpenRows[] = {
    {"loopback without clients is open", "", true},
    {"with clients, a key is needed", "clients: [{name: c, key: sk-test-client}]", false},
    {"the network without clients is not open", "listen: \":80\"", false},
    {"unless it was said", "listen: \":80\"\nauth: {open: true}", true},
};

TEST(BuildDirectory, IsOpenOnLoopbackOrWhenSaid) {
  for (const OpenRow& row : kOpenRows) {
    const Loaded config = load_text(row.yaml);
    ASSERT_TRUE(config) << row.rule << errors_of(config);
    EXPECT_EQ((*build_directory(*config))->open, row.open) << row.rule;
  }
}

}  // namespace
}  // namespace sluice
