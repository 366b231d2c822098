#include "engine/config/load.h"

#include <gtest/gtest.h>

#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

TEST(Load, WithoutAnythingEveryValueIsADefault) {
  ConfigSources sources;
  sources.default_files = {"/nowhere/sluice.yaml"};
  const Loaded config = load_config(sources, FixedEnvironment(), Purpose::kShow);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->file, "");
  ASSERT_EQ(config->listen.size(), 1u);
  EXPECT_EQ(config->listen[0].text(), "127.0.0.1:9190");
  EXPECT_EQ(config->shards, usable_cpus());
  EXPECT_GE(config->shards, 1u);
  EXPECT_EQ(config->limits.body_bytes_max, 32 * kMiB);
  EXPECT_EQ(config->timeouts.request_head, 10s);
  EXPECT_EQ(config->routing.cooldown.max, 600s);
  EXPECT_EQ(config->log.level, LogLevel::kInfo);
  EXPECT_TRUE(config->identity_headers);
  EXPECT_TRUE(config->warnings.empty());
  EXPECT_EQ(config->origin_of("log.level").text(), "default");
}

TEST(Load, TheFirstDefaultFileThatExistsIsRead) {
  TempFolder folder;
  ConfigSources sources;
  sources.default_files = {folder.path() + "/none.yaml", folder.put("b.yaml", "shards: 3"),
                           folder.put("c.yaml", "shards: 4")};
  EXPECT_EQ(load_config(sources, FixedEnvironment(), Purpose::kShow)->shards, 3u);
  const auto named = variables({{"SLUICE_CONFIG", folder.path() + "/c.yaml"}});
  EXPECT_EQ(load_config(sources, named, Purpose::kShow)->shards, 4u);
  sources.file = folder.path() + "/b.yaml";
  EXPECT_EQ(load_config(sources, named, Purpose::kShow)->shards, 3u);
}

struct PrecedenceRow {
  const char* rule;
  const char* yaml;
  const char* variable;  // SLUICE_LOG_LEVEL
  const char* flag;      // --log-level
  LogLevel level;
  const char* origin;
};

constexpr PrecedenceRow kPrecedenceRows[] = {
    {"default", "", "", "", LogLevel::kInfo, "default"},
    {"file over default", "log: {level: debug}", "", "", LogLevel::kDebug, "c.yaml:1:14"},
    {"environment over default", "", "warning", "", LogLevel::kWarning, "SLUICE_LOG_LEVEL"},
    {"environment over file", "log: {level: debug}", "warning", "", LogLevel::kWarning,
     "SLUICE_LOG_LEVEL"},
    {"flag over default", "", "", "error", LogLevel::kError, "--log-level"},
    {"flag over file", "log: {level: debug}", "", "error", LogLevel::kError, "--log-level"},
    {"flag over environment", "", "warning", "error", LogLevel::kError, "--log-level"},
    {"flag over all", "log: {level: debug}", "warning", "error", LogLevel::kError, "--log-level"},
};

TEST(Load, FlagsComeBeforeEnvironmentBeforeFileBeforeDefault) {
  for (const PrecedenceRow& row : kPrecedenceRows) {
    std::vector<FlagValue> flags;
    if (*row.flag) flags.push_back({"log.level", row.flag, "--log-level"});
    const Loaded config =
        load_text(row.yaml, variables({{"SLUICE_LOG_LEVEL", row.variable}}), flags);
    ASSERT_TRUE(config) << row.rule;
    EXPECT_EQ(config->log.level, row.level) << row.rule;
    const std::string origin = config->origin_of("log.level").text();
    EXPECT_TRUE(origin.ends_with(row.origin)) << row.rule << ": " << origin;
  }
}

TEST(Load, AccountsInheritWhatTheyDoNotSay) {
  const Loaded config = load_text(
      "account_defaults: {rpm_limit: 7, window: 30s}\n"
      "timeouts: {upstream: {idle: 3s}}\n"
      "accounts:\n"
      "  - {name: a, base_url: 'http://127.0.0.1', api_key: k, window: 10s}\n"
      "  - {name: b, base_url: 'http://127.0.0.1', api_key: k, timeouts: {idle: 4s}}\n");
  ASSERT_TRUE(config);
  const AccountConfig& a = config->accounts[0];
  const AccountConfig& b = config->accounts[1];
  EXPECT_EQ(a.rpm_limit, 7u);
  EXPECT_EQ(a.window, 10s);
  EXPECT_EQ(a.timeouts.idle, 3s);
  EXPECT_EQ(a.timeouts.connect, 5s);
  EXPECT_EQ(b.window, 30s);
  EXPECT_EQ(b.timeouts.idle, 4s);
  EXPECT_EQ(config->origin_of("accounts[0].rpm_limit").line, 1);
  EXPECT_EQ(config->origin_of("accounts[0].window").line, 4);
}

TEST(Load, VariablesAndFilesStandForTexts) {
  TempFolder folder;
  const std::string key = folder.put("key", "sk-test-from-file\r\n");
  const Loaded config = load_text(
      "shards: ${N}\n"
      "accounts:\n"
      "  - {name: 'a-${N}', base_url: 'http://${HOST}:1/v1', api_key: 'file:" +
          key +
          "'}\n"
          "  - {name: b, base_url: 'http://127.0.0.1', api_key: '${A}${B}', model_prefix: "
          "'$${N}'}\n",
      variables({{"N", "2"}, {"HOST", "127.0.0.1"}, {"A", "sk-$"}, {"B", "{test"}}));
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->shards, 2u);
  EXPECT_EQ(config->accounts[0].name, "a-2");
  EXPECT_EQ(config->accounts[0].base_url, "http://127.0.0.1:1/v1");
  EXPECT_EQ(config->accounts[0].api_key.reveal(), "sk-test-from-file");
  EXPECT_EQ(config->accounts[1].api_key.reveal(), "sk-${test") << "values are not expanded again";
  EXPECT_EQ(config->accounts[1].model_prefix, "${N}");
  EXPECT_TRUE(config->warnings.empty());
}

TEST(Load, ASecretThatOthersMayReadIsWarnedOf) {
  TempFolder folder;
  const std::string key = folder.put("key", "sk-test-1", 0644);
  const Loaded config =
      load_text("accounts: [{name: a, base_url: 'http://127.0.0.1', api_key: 'file:" + key + "'}]");
  ASSERT_TRUE(config);
  EXPECT_EQ(messages(config->warnings), "c.yaml:1:61: accounts[0].api_key: " + key +
                                            " holds a secret and has mode 0644; give it 0640 or "
                                            "less (chmod 0640 " +
                                            key + ")");
}

TEST(Load, FilesAreTakenFromTheConfigurationsFolder) {
  TempFolder folder;
  folder.put("ca.pem", "");
  ConfigSources sources;
  sources.file = folder.put(
      "c.yaml", "accounts: [{name: a, base_url: 'https://x', api_key: k, ca_file: ca.pem}]");
  const Loaded config = load_config(sources, FixedEnvironment(), Purpose::kShow);
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->accounts[0].ca_file, folder.path() + "/ca.pem");
}

struct WarningRow {
  const char* rule;
  const char* yaml;
  const char* warnings;
};

constexpr WarningRow kWarningRows[] = {
    {"a key in clear on the network",
     "accounts: [{name: a, base_url: 'http://10.0.0.1/v1', api_key: k}]",
     "c.yaml:1:32: accounts[0].base_url: the API key crosses the network in clear; use https://"},
    {"no key, nothing in clear", "accounts: [{name: a, base_url: 'http://10.0.0.1', api_key: ''}]",
     ""},
    {"loopback is no network", "accounts: [{name: a, base_url: 'http://localhost', api_key: k}]",
     ""},
    {"a default model that nobody serves",
     "accounts: [{name: a, base_url: 'https://x', api_key: k, models: [m]}]\n"
     "routing: {default_model: n}",
     "c.yaml:2:26: routing.default_model: no account serves the model \"n\""},
    {"a client's model that nobody serves",
     "accounts: [{name: a, base_url: 'https://x', api_key: k, models: [m]}]\n"
     "clients: [{name: c, key: sk-test-client, models: [m, n]}]",
     "c.yaml:2:54: clients[0].models[1]: no account serves the model \"n\""},
    {"an account without models may serve any",
     "accounts: [{name: a, base_url: 'https://x', api_key: k}]\nrouting: {default_model: n}", ""},
};

TEST(Load, WarningsDoNotRefuse) {
  for (const WarningRow& row : kWarningRows) {
    const Loaded config = load_text(row.yaml);
    ASSERT_TRUE(config) << row.rule << errors_of(config);
    EXPECT_EQ(messages(config->warnings), row.warnings) << row.rule;
  }
}

TEST(Load, AliasesStandForWhatTheyName) {
  const Loaded config = load_text(
      "accounts:\n"
      "  - {name: a, base_url: 'https://x', api_key: k, models: &shared {m: native}}\n"
      "  - {name: b, base_url: 'https://y', api_key: k, models: *shared}\n");
  ASSERT_TRUE(config) << errors_of(config);
  ASSERT_EQ(config->accounts[1].models.size(), 1u);
  EXPECT_EQ(config->accounts[1].models[0].native, "native");
}

TEST(Load, TheExampleLoads) {
  ConfigSources sources;
  sources.file = SLUICE_SOURCE_ROOT "/packaging/sluice.example.yaml";
  const Loaded config =
      load_config(sources, variables({{"SLUICE_EXAMPLE_KEY", "sk-test-0123456789"},
                                      {"SLUICE_EXAMPLE_CLIENT_KEY", "sk-test-c1"}}));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->accounts.size(), 2u);
  EXPECT_EQ(config->clients.size(), 2u);
}

TEST(Load, DeepAndWideFilesAreRefused) {
  const std::string deep = "a: " + std::string(100'000, '[');
  EXPECT_NE(errors_of(load_text(deep)).find("nested deeper than 64 levels"), std::string::npos);
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) laughs += (k ? ", " : "") + before;
    laughs += "]\n";
  }
  EXPECT_NE(errors_of(load_text(laughs)).find("aliases stand for more than 250000 nodes"),
            std::string::npos);
  // One long text, many times.
  std::string shout = "a: &a " + std::string(100'000, 'x') + "\nb: [*a";
  for (int i = 0; i < 10'000; ++i) shout += ",*a";
  EXPECT_NE(errors_of(load_text(shout + "]\n")).find("aliases stand for more than 16 MiB of text"),
            std::string::npos);
  EXPECT_NE(errors_of(load_text("a: &a [*a]")).find("an alias inside the node"), std::string::npos);
}

}  // namespace
}  // namespace sluice
