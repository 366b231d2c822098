#include <gtest/gtest.h>

#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

#define ACCOUNT "accounts: [{name: a, base_url: 'http://127.0.0.1:1', api_key: k, rpm_limit: 1}]\n"
#define CLIENT "clients: [{name: c, key: sk-test-client}]\n"

class Reload : public testing::Test {
 protected:
  // Starts with `yaml` in a file.
  void start(std::string_view yaml) {
    ConfigSources sources;
    sources.file = folder_.put("c.yaml", yaml);
    running_ = load_config(sources, FixedEnvironment());
    ASSERT_TRUE(running_) << errors_of(running_);
  }
  // The same file now has `yaml`.
  Loaded reload(std::string_view yaml) {
    folder_.put("c.yaml", yaml);
    return reload_config(*running_, FixedEnvironment());
  }

  TempFolder folder_;
  Loaded running_;
};

TEST_F(Reload, TakesWhatTheFileSaysNow) {
  start(ACCOUNT);
  const Loaded loaded = reload(
      "accounts: [{name: b, base_url: 'http://127.0.0.1:1', api_key: k}]\n"
      "limits: {body_bytes_max: 1MiB}");
  ASSERT_TRUE(loaded) << errors_of(loaded);
  EXPECT_EQ(loaded->accounts[0].name, "b");
  EXPECT_EQ(loaded->limits.body_bytes_max, kMiB);
  EXPECT_TRUE(loaded->warnings.empty());
  EXPECT_TRUE(loaded->needs_restart.empty());
  EXPECT_EQ(running_->accounts[0].name, "a");
}

TEST_F(Reload, AWrongFileIsRefused) {
  start(ACCOUNT "store: {directory: none}\n");
  EXPECT_EQ(errors_of(reload("acounts: []")),
            "c.yaml:1:1: unknown key \"acounts\" in the top level; did you mean \"accounts\"?");
  EXPECT_EQ(reload("acounts: []").error().errors[0].path, "acounts");
  EXPECT_TRUE(errors_of(reload("store: {directory: none}")).starts_with("there is no account"));
}

TEST_F(Reload, WhatIsTakenAtTheStartIsWarnedOf) {
  start(ACCOUNT);
  const Loaded loaded = reload(ACCOUNT
                               "listen: 127.0.0.1:1\n"
                               "shards: 256\n"
                               "timeouts: {pooled_age: 1s}\n"
                               "log: {level: debug, format: json}\n");
  ASSERT_TRUE(loaded) << errors_of(loaded);
  EXPECT_EQ(messages(loaded->warnings),
            "c.yaml:2:9: listen: the change takes effect at the next start\n"
            "c.yaml:3:9: shards: the change takes effect at the next start\n"
            "c.yaml:4:24: timeouts.pooled_age: the change takes effect at the next start\n"
            "c.yaml:5:29: log.format: the change takes effect at the next start");
  EXPECT_EQ(loaded->needs_restart,
            (std::vector<std::string>{"listen", "log.format", "shards", "timeouts.pooled_age"}));
  EXPECT_EQ(loaded->listen, running_->listen);
  EXPECT_EQ(loaded->shards, running_->shards);
  EXPECT_EQ(loaded->log.format, LogFormat::kText);
  EXPECT_EQ(loaded->log.level, LogLevel::kDebug);  // the level is taken at once
}

// Each account that comes over the network is held to it anew.
TEST_F(Reload, PrivateUpstreamsAreTakenAtOnceAndTheRestOfAdminIsNot) {
  start(ACCOUNT);
  const Loaded loaded = reload(ACCOUNT "admin: {private_upstreams: true, hosts: [gateway.test]}\n");
  ASSERT_TRUE(loaded) << errors_of(loaded);
  EXPECT_TRUE(loaded->admin.private_upstreams);
  EXPECT_EQ(loaded->needs_restart, (std::vector<std::string>{"admin.hosts"}));
}

TEST_F(Reload, ADoorToTheNetworkStaysGuarded) {
  start(ACCOUNT CLIENT "listen: ':9190'");
  const std::string errors = errors_of(reload(ACCOUNT "listen: 127.0.0.1:9190"));
  EXPECT_NE(errors.find("listen: :9190 can be reached from other machines"), std::string::npos)
      << errors;
}

}  // namespace
}  // namespace sluice
