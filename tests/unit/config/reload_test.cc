#include <gtest/gtest.h>

#include <algorithm>

#include "engine/config/settings.h"
#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

#define ACCOUNT "accounts: [{name: a, base_url: 'http://127.0.0.1:1', api_key: k, rpm_limit: 1}]\n"
#define CLIENT "clients: [{name: c, key: sk-test-client}]\n"

// "path=value " of each.
std::string waiting(const Config& config) {
  std::string all;
  for (const WaitingValue& value : config.waiting) all += value.path + "=" + value.value + " ";
  return all;
}

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
  EXPECT_EQ(waiting(*loaded), "");
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
  EXPECT_EQ(waiting(*loaded),
            "listen=127.0.0.1:1 log.format=json shards=256 timeouts.pooled_age=1s ");
  EXPECT_EQ(loaded->listen, running_->listen);
  EXPECT_EQ(loaded->shards, running_->shards);
  EXPECT_EQ(loaded->log.format, LogFormat::kText);
  EXPECT_EQ(loaded->log.level, LogLevel::kDebug);  // the level is taken at once
}

// Whatever is said to hold from the next start on is as it was, with the place where that stands;
// and nothing else is.
TEST_F(Reload, WhatHoldsAtTheStartIsShownAsItIs) {
  constexpr std::string_view kBefore = ACCOUNT
      "listen: 127.0.0.1:1\nshards: 3\ndrain: {delay: 1s, grace: 2s}\n"
      "timeouts: {pooled_idle: 3s, pooled_age: 4s}\nlog: {format: text, level: info}\n"
      "store: {key_file: a, bytes_max: 64MiB, any_file_system: false}\n"
      "backup: {directory: a, keep: 7}\nusage: {keep_requests: 1h}\n"
      "admin: {listen: [127.0.0.1:2], hosts: [a], public_read: true, private_upstreams: true}\n"
      "metrics: {listen: [127.0.0.1:3]}\nauth: {open: true}\n";
  constexpr std::string_view kAfter = ACCOUNT
      "\n\nlisten: 127.0.0.1:4\nshards: 4\ndrain: {delay: 10s, grace: 20s}\n"
      "timeouts: {pooled_idle: 30s, pooled_age: 40s}\nlog: {format: json, level: debug}\n"
      "store: {key_file: b, bytes_max: 65MiB, any_file_system: true}\n"
      "backup: {directory: b, keep: 8}\nusage: {keep_requests: 2h}\n"
      "admin: {listen: [127.0.0.1:5], hosts: [b], public_read: false, private_upstreams: false}\n"
      "metrics: {listen: [127.0.0.1:6]}\nauth: {open: false}\n";
  start(kBefore);
  const Loaded loaded = reload(kAfter);
  ASSERT_TRUE(loaded) << errors_of(loaded);
  const std::vector<SettingValue> before = settings_of(*running_);
  const std::vector<SettingValue> after = settings_of(*loaded);
  std::size_t changed = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    SCOPED_TRACE(after[i].path);
    const auto held = std::ranges::find(loaded->waiting, after[i].path, &WaitingValue::path);
    if (before[i].origin.kind == Place::Kind::kDefault) continue;  // neither file says it
    ++changed;
    if (after[i].holds == SettingHolds::kAtRestart) {
      EXPECT_EQ(after[i].value, before[i].value);
      EXPECT_EQ(after[i].origin.text(), before[i].origin.text());
      ASSERT_NE(held, loaded->waiting.end());
      EXPECT_NE(held->value, before[i].value);
      EXPECT_EQ(held->origin.line, before[i].origin.line + 2);
    } else {
      EXPECT_NE(after[i].value, before[i].value);
      EXPECT_EQ(after[i].origin.line, before[i].origin.line + 2);
      EXPECT_EQ(held, loaded->waiting.end());
    }
  }
  EXPECT_EQ(changed, 20u);
}

TEST_F(Reload, EachSettingSaysWhenAnotherValueHolds) {
  start(ACCOUNT);
  for (const SettingValue& setting : settings_of(*running_)) {
    EXPECT_EQ(setting.changeable, setting.holds == SettingHolds::kAtOnce) << setting.path;
    EXPECT_EQ(setting.changeable, is_changeable(setting.path)) << setting.path;
  }
  const auto holds = [this](std::string_view path) {
    const std::vector<SettingValue> all = settings_of(*running_);
    return std::ranges::find(all, path, &SettingValue::path)->holds;
  };
  EXPECT_EQ(holds("queue.capacity"), SettingHolds::kAtOnce);
  for (const char* path :
       {"admin.private_upstreams", "admin.public_read", "admin.hosts", "auth.open"})
    EXPECT_EQ(holds(path), SettingHolds::kAtReload) << path;
  for (const char* path : {"admin.listen", "metrics.listen", "backup.keep", "drain.grace"})
    EXPECT_EQ(holds(path), SettingHolds::kAtRestart) << path;
}

TEST_F(Reload, ADoorToTheNetworkStaysGuarded) {
  start(ACCOUNT CLIENT "listen: ':9190'");
  const std::string errors = errors_of(reload(ACCOUNT "listen: 127.0.0.1:9190"));
  EXPECT_NE(errors.find("listen: :9190 can be reached from other machines"), std::string::npos)
      << errors;
}

}  // namespace
}  // namespace sluice
