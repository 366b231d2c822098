#include "engine/config/environment.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

using Variables = FixedEnvironment::Variables;

struct VariableRow {
  const char* rule;
  Variables variables;
  const char* path;
  const char* origin;
  std::string (*value)(const Config&);
  const char* expected;
};

std::string listen_text(const Config& config) { return config.listen.at(0).text(); }
std::string level_text(const Config& config) {
  return std::string(log_level_text(config.log.level));
}

const VariableRow kVariableRows[] = {
    {"SIDECAR_HOST",
     {{"SIDECAR_HOST", "127.0.0.2"}},
     "listen",
     "SIDECAR_HOST",
     listen_text,
     "127.0.0.2:9190"},
    {"SIDECAR_PORT",
     {{"SIDECAR_PORT", "8000"}},
     "listen",
     "SIDECAR_PORT",
     listen_text,
     "127.0.0.1:8000"},
    {"SIDECAR_HOST and SIDECAR_PORT",
     {{"SIDECAR_HOST", "::1"}, {"SIDECAR_PORT", "80"}},
     "listen",
     "SIDECAR_HOST",
     listen_text,
     "[::1]:80"},
    {"a name as SIDECAR_HOST",
     {{"SIDECAR_HOST", "localhost"}},
     "listen",
     "SIDECAR_HOST",
     listen_text,
     "localhost:9190"},
    {"SLUICE_LISTEN comes before both",
     {{"SIDECAR_HOST", "::1"}, {"SIDECAR_PORT", "80"}, {"SLUICE_LISTEN", "127.0.0.1:1, [::1]:2"}},
     "listen[1]",
     "SLUICE_LISTEN",
     listen_text,
     "127.0.0.1:1"},
    {"an empty variable is not set",
     {{"SIDECAR_PORT", ""}, {"LOG_LEVEL", ""}},
     "listen",
     "default",
     listen_text,
     "127.0.0.1:9190"},
    {"SIDECAR_RATE_RPM",
     {{"SIDECAR_RATE_RPM", "12"}},
     "account_defaults.rpm_limit",
     "SIDECAR_RATE_RPM",
     [](const Config& c) { return std::to_string(c.account_defaults.rpm_limit); },
     "12"},
    {"SIDECAR_COOLDOWN_BASE counts seconds",
     {{"SIDECAR_COOLDOWN_BASE", "45"}},
     "routing.cooldown.base",
     "SIDECAR_COOLDOWN_BASE",
     [](const Config& c) { return std::to_string(c.routing.cooldown.base / 1s); },
     "45"},
    {"SIDECAR_COOLDOWN_MAX",
     {{"SIDECAR_COOLDOWN_MAX", "90"}},
     "routing.cooldown.max",
     "SIDECAR_COOLDOWN_MAX",
     [](const Config& c) { return std::to_string(c.routing.cooldown.max / 1s); },
     "90"},
    {"SIDECAR_TIMEOUT before the first byte",
     {{"SIDECAR_TIMEOUT", "60"}},
     "timeouts.upstream.first_byte",
     "SIDECAR_TIMEOUT",
     [](const Config& c) { return std::to_string(c.timeouts.upstream.first_byte / 1s); },
     "60"},
    {"SIDECAR_TIMEOUT between two reads",
     {{"SIDECAR_TIMEOUT", "60"}},
     "timeouts.upstream.idle",
     "SIDECAR_TIMEOUT",
     [](const Config& c) { return std::to_string(c.timeouts.upstream.idle / 1s); },
     "60"},
    {"LOG_LEVEL in capitals",
     {{"LOG_LEVEL", "WARNING"}},
     "log.level",
     "LOG_LEVEL",
     level_text,
     "warning"},
    {"SIDECAR_LOG_LEVEL comes before LOG_LEVEL",
     {{"LOG_LEVEL", "DEBUG"}, {"SIDECAR_LOG_LEVEL", "error"}},
     "log.level",
     "SIDECAR_LOG_LEVEL",
     level_text,
     "error"},
    {"SLUICE_LOG_LEVEL comes before both",
     {{"LOG_LEVEL", "DEBUG"}, {"SIDECAR_LOG_LEVEL", "error"}, {"SLUICE_LOG_LEVEL", "info"}},
     "log.level",
     "SLUICE_LOG_LEVEL",
     level_text,
     "info"},
    {"LOG_FORMAT console is text",
     {{"LOG_FORMAT", "console"}, {"SLUICE_LOG_FORMAT", ""}},
     "log.format",
     "LOG_FORMAT",
     [](const Config& c) {
       return std::string(c.log.format == LogFormat::kText ? "text" : "json");
     },
     "text"},
    {"LOG_FORMAT json",
     {{"LOG_FORMAT", "json"}},
     "log.format",
     "LOG_FORMAT",
     [](const Config& c) {
       return std::string(c.log.format == LogFormat::kText ? "text" : "json");
     },
     "json"},
    {"any key of the tree",
     {{"SLUICE_LIMITS_BODY_BYTES_MAX", "1MiB"}},
     "limits.body_bytes_max",
     "SLUICE_LIMITS_BODY_BYTES_MAX",
     [](const Config& c) { return std::to_string(c.limits.body_bytes_max); },
     "1048576"},
};

TEST(EnvironmentVariables, GiveTheirKeyAndAreItsOrigin) {
  for (const VariableRow& row : kVariableRows) {
    const Loaded config = load_text("", variables(row.variables));
    ASSERT_TRUE(config) << row.rule << errors_of(config);
    EXPECT_EQ(row.value(*config), row.expected) << row.rule;
    EXPECT_EQ(config->origin_of(row.path).text(), row.origin) << row.rule;
    EXPECT_TRUE(config->warnings.empty()) << row.rule;
  }
}

struct MalformedRow {
  Variables variables;
  const char* errors;
};

const MalformedRow kMalformedRows[] = {
    {{{"SIDECAR_HOST", "example.com"}},
     "SIDECAR_HOST: \"example.com\" is not an IP address and would have to be looked up (only "
     "localhost is known by name); expected an IP address like 127.0.0.1, localhost, or * for all "
     "addresses"},
    {{{"SIDECAR_PORT", "abc"}},
     "SIDECAR_PORT: \"abc\" is not a whole number; expected a whole number from 0 to 65535"},
    {{{"SIDECAR_PORT", "65536"}},
     "SIDECAR_PORT: \"65536\" is out of range; expected a whole number from 0 to 65535"},
    {{{"SIDECAR_RATE_RPM", "40.5"}},
     "SIDECAR_RATE_RPM: \"40.5\" is not a whole number; expected a whole number from 1 to 1000000"},
    {{{"SIDECAR_COOLDOWN_BASE", "soon"}},
     "SIDECAR_COOLDOWN_BASE: \"soon\" is not a duration; expected a duration like 30s or 10min, "
     "from "
     "1s to 1h"},
    {{{"LOG_LEVEL", "loud"}},
     "LOG_LEVEL: \"loud\" is unknown; expected debug, info, warning or error"},
    {{{"LOG_FORMAT", "xml"}}, "LOG_FORMAT: \"xml\" is unknown; expected text or json"},
    {{{"SLUICE_LISTEN", "127.0.0.1:1,nowhere"}},
     "SLUICE_LISTEN: \"nowhere\" has no port; expected an IP address and a port like "
     "127.0.0.1:9190 or [::1]:9190, localhost:9190 (127.0.0.1 and ::1) or :9190 (all addresses)"},
    {{{"SLUICE_CONFIG", "/nowhere/x.yaml"}},
     "SLUICE_CONFIG: cannot read /nowhere/x.yaml: No such file or directory"},
    {{{"SIDECAR_UPSTREAM", "https://x"}},
     "SIDECAR_UPSTREAM: gives an account without a key; set SIDECAR_API_KEY too"},
    {{{"SIDECAR_UPSTREAM", "x"}, {"SIDECAR_API_KEY", "sk-test-secret"}},
     "SIDECAR_UPSTREAM: \"x\": the URL begins neither with https:// nor with http://; expected a "
     "URL "
     "like https://api.example.com/v1"},
    {{{"SIDECAR_UPSTREAM", "https://x"}, {"SIDECAR_API_KEY", "sk-test- secret"}},
     "SIDECAR_API_KEY: the value has a character that a header field cannot carry; expected a key "
     "of "
     "up to 4096 visible ASCII characters"},
};

TEST(EnvironmentVariables, MalformedOnesAreNamed) {
  for (const MalformedRow& row : kMalformedRows) {
    ConfigSources sources;
    sources.default_files = {};
    const Loaded config = load_config(sources, variables(row.variables), Purpose::kShow);
    EXPECT_EQ(errors_of(config), row.errors);
  }
}

TEST(EnvironmentVariables, UpstreamAndKeyAreAnAccount) {
  const Loaded config = load_text("accounts: [{name: a, base_url: 'https://x', api_key: k}]",
                                  variables({{"SIDECAR_UPSTREAM", "https://api.example.com/v1"},
                                             {"SIDECAR_API_KEY", "sk-test-0123456789"},
                                             {"SIDECAR_RATE_RPM", "20"}}));
  ASSERT_TRUE(config) << errors_of(config);
  ASSERT_EQ(config->accounts.size(), 2u);
  const AccountConfig& account = config->accounts[1];
  EXPECT_EQ(account.name, "env");
  EXPECT_EQ(account.base_url, "https://api.example.com/v1");
  EXPECT_EQ(account.api_key.reveal(), "sk-test-0123456789");
  EXPECT_EQ(account.rpm_limit, 20u);
  EXPECT_EQ(account.pool, Pool::kPrimary);
  EXPECT_EQ(config->origin_of("accounts[1].api_key").text(), "SIDECAR_API_KEY");
  EXPECT_EQ(config->origin_of("accounts[1].rpm_limit").text(), "SIDECAR_RATE_RPM");
}

TEST(EnvironmentVariables, TheirAccountsNameMayBeTaken) {
  const Loaded config =
      load_text("accounts: [{name: env, base_url: 'https://x', api_key: k}]",
                variables({{"SLUICE_UPSTREAM", "https://y"}, {"SLUICE_API_KEY", "sk-test-1"}}));
  ASSERT_FALSE(config);
  const std::string error = config.error().errors.at(0).text();
  EXPECT_TRUE(error.starts_with(
      "SLUICE_UPSTREAM: accounts[1].name: the name \"env\" is taken by accounts[0].name ("))
      << error;
}

struct CapacityRow {
  const char* rule;
  const char* rate;
  const char* capacity;
  std::uint32_t rpm_limit;
  Duration window;
  bool warned;
};

constexpr CapacityRow kCapacityRows[] = {
    {"the same as the rate", "40", "40", 40, 60s, false},
    {"a smaller burst at the same rate", "40", "10", 10, 15s, false},
    {"rounded to the longer window", "7", "3", 3, 25'714'285'715ns, false},
    {"more than the rate never passes", "40", "80", 40, 60s, true},
};

TEST(EnvironmentVariables, BucketCapacityNeverAdmitsMoreThanTheRate) {
  for (const CapacityRow& row : kCapacityRows) {
    const Loaded config = load_text("", variables({{"SIDECAR_UPSTREAM", "https://x"},
                                                   {"SIDECAR_API_KEY", "sk-test-1"},
                                                   {"SIDECAR_RATE_RPM", row.rate},
                                                   {"SIDECAR_BUCKET_CAPACITY", row.capacity}}));
    ASSERT_TRUE(config) << row.rule << errors_of(config);
    EXPECT_EQ(config->accounts[0].rpm_limit, row.rpm_limit) << row.rule;
    EXPECT_EQ(config->accounts[0].window, row.window) << row.rule;
    EXPECT_EQ(!config->warnings.empty(), row.warned) << row.rule;
  }
}

struct UnusedRow {
  const char* rule;
  Variables variables;
  const char* warnings;
};

const UnusedRow kUnusedRows[] = {
    {"those that give no key of the tree",
     {{"SIDECAR_METRICS_PORT", "1"}, {"SIDECAR_ADMIN_TOKEN", "secret"}, {"SIDECAR_DB_PATH", ""}},
     ""},
    {"a slip",
     {{"SLUICE_LISTNE", ":1"}},
     "SLUICE_LISTNE: unknown variable, ignored; did you mean \"SLUICE_LISTEN\"?"},
    {"a slip in the predecessor's",
     {{"SIDECAR_RATE_RMP", "1"}},
     "SIDECAR_RATE_RMP: unknown variable, ignored; did you mean \"SIDECAR_RATE_RPM\"?"},
    {"what Kubernetes sets for a service of our name is no slip",
     {{"SLUICE_SERVICE_HOST", "10.0.0.1"}, {"SLUICE_PORT_9190_TCP_ADDR", "10.0.0.1"}},
     ""},
    {"a key without its upstream",
     {{"SIDECAR_API_KEY", "secret"}},
     "SIDECAR_API_KEY: has no effect without SIDECAR_UPSTREAM"},
};

struct MetricsRow {
  const char* rule;
  const char* file;
  Variables variables;
  const char* listen;
  bool warned;
};

const MetricsRow kMetricsRows[] = {
    {"nothing", "", {}, "127.0.0.1:9191", false},
    {"a host of this machine", "", {{"SIDECAR_HOST", "127.0.0.2"}}, "127.0.0.2:9191", false},
    {"all addresses are for the proxy", "", {{"SIDECAR_HOST", "0.0.0.0"}}, "127.0.0.1:9191", true},
    {"and all those of IPv6", "", {{"SIDECAR_HOST", "::"}}, "127.0.0.1:9191", true},
    {"with a port",
     "",
     {{"SIDECAR_HOST", "0.0.0.0"}, {"SIDECAR_METRICS_PORT", "9300"}},
     "127.0.0.1:9300",
     true},
    {"a port alone", "", {{"SIDECAR_METRICS_PORT", "9300"}}, "127.0.0.1:9300", false},
    {"the file's own word stays",
     "metrics: {listen: ['127.0.0.1:9400']}",
     {{"SIDECAR_HOST", "0.0.0.0"}},
     "127.0.0.1:9400",
     false},
    {"who wants to be reached is told what of",
     "",
     {{"SIDECAR_HOST", "0.0.0.0"}, {"SLUICE_METRICS_LISTEN", "0.0.0.0:9191"}},
     "0.0.0.0:9191",
     true},
};

// Metrics ask for no token: SIDECAR_HOST opens the proxy alone.
TEST(EnvironmentVariables, TheHostOfTheProxyOpensNoMetrics) {
  for (const MetricsRow& row : kMetricsRows) {
    const Loaded config = load_text(row.file, variables(row.variables));
    ASSERT_TRUE(config) << row.rule << errors_of(config);
    ASSERT_EQ(config->metrics_listen.size(), 1u) << row.rule;
    EXPECT_EQ(config->metrics_listen[0].text(), row.listen) << row.rule;
    const std::string warnings = messages(config->warnings);
    EXPECT_EQ(warnings.contains("no token"), row.warned) << row.rule << warnings;
    EXPECT_EQ(std::ranges::count(warnings, '\n') > 0, false) << row.rule << warnings;
  }
}

TEST(EnvironmentVariables, WithoutEffectAreWarnedOf) {
  for (const UnusedRow& row : kUnusedRows) {
    const Loaded config = load_text("", variables(row.variables));
    ASSERT_TRUE(config) << row.rule;
    EXPECT_EQ(messages(config->warnings), row.warnings) << row.rule;
  }
}

TEST(ProcessEnvironment, FindsWholeNames) {
  ASSERT_EQ(setenv("SLUICE_TEST_NAME", "value", 1), 0);
  const ProcessEnvironment env;
  EXPECT_EQ(env.find("SLUICE_TEST_NAME"), "value");
  EXPECT_FALSE(env.find("SLUICE_TEST_NAM"));
  EXPECT_FALSE(env.find("SLUICE_TEST_NAMES"));
  EXPECT_EQ(env.names("SLUICE_TEST_"), std::vector<std::string>{"SLUICE_TEST_NAME"});
  unsetenv("SLUICE_TEST_NAME");
}

}  // namespace
}  // namespace sluice
