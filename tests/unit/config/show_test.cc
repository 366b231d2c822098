#include "engine/config/show.h"

#include <gtest/gtest.h>

#include <sstream>

#include "engine/config/redact.h"
#include "engine/config/scalar.h"
#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

struct RedactRow {
  const char* rule;
  const char* secret;
  const char* shown;
};

constexpr RedactRow kRedactRows[] = {
    {"nothing stays nothing", "", ""},
    {"one character", "a", "a****"},
    {"eleven characters show two, not ten", "0123456789a", "01****"},
    {"so do 23", "sk-test-0123456789abcde", "sk****"},
    {"24 show six and four", "sk-test-0123456789abcdef", "sk-tes****cdef"},
};

TEST(Redact, ShowsTheEndsOfLongSecretsOnly) {
  for (const RedactRow& row : kRedactRows) EXPECT_EQ(redacted(row.secret), row.shown) << row.rule;
}

TEST(Redact, UrlsLoseTheirUserinfo) {
  EXPECT_EQ(without_userinfo("https://a:b@host/v1"), "https://****@host/v1");
  EXPECT_EQ(without_userinfo("https://host/a@b"), "https://host/a@b");
  EXPECT_EQ(without_userinfo("a@b"), "****@b");
}

TEST(Units, AreWrittenAsTheyAreRead) {
  for (const Duration duration : {Duration(0), Duration(250ms), Duration(90s), Duration(10min),
                                  Duration(36h), Duration(7 * 24h), Duration(15us)}) {
    EXPECT_EQ(parse_duration(duration_text(duration)), duration) << duration_text(duration);
  }
  EXPECT_EQ(duration_text(90s), "90s");
  EXPECT_EQ(duration_text(10min), "10min");
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1000}, kKiB, 32 * kMiB})
    EXPECT_EQ(parse_bytes(bytes_text(bytes)), bytes);
  EXPECT_EQ(bytes_text(32 * kMiB), "32MiB");
}

constexpr const char* kYaml =
    "accounts:\n"
    "  - name: team-a\n"
    "    base_url: https://api.example.com/v1\n"
    "    api_key: sk-test-0123456789abcdef\n"
    "    models: {gpt-4o: \"say \\\"${X}\\\"\", small: 'null'}\n"
    "clients: [{name: web, key: sk-test-client-key-0123456789, models: [small]}]\n";

TEST(ShowConfig, HasTheOriginOfEachValueAndNoSecret) {
  const Loaded config = load_text(kYaml, variables({{"SLUICE_SHARDS", "3"}, {"X", "hi"}}),
                                  {{"log.level", "debug", "--log-level"}});
  ASSERT_TRUE(config) << errors_of(config);
  const std::string shown = show_config(*config);
  const auto has_line = [&](std::string_view value, std::string_view origin) {
    const std::size_t at = shown.find(value);
    if (at == std::string::npos) return false;
    const std::string line = shown.substr(at, shown.find('\n', at) - at);
    return line.find("# ") != std::string::npos && line.ends_with(origin);
  };
  EXPECT_TRUE(has_line("shards: 3", "# SLUICE_SHARDS")) << shown;
  EXPECT_TRUE(has_line("  level: debug", "# --log-level"));
  EXPECT_TRUE(has_line("  format: text", "# default"));
  EXPECT_TRUE(has_line("    api_key: \"sk-tes****cdef\"", "c.yaml:4"));
  EXPECT_TRUE(has_line("    key: \"sk-tes****6789\"", "c.yaml:6"));
  EXPECT_TRUE(has_line("    rpm_limit: 40", "# default"));
  EXPECT_EQ(shown.find("sk-test-"), std::string::npos);
}

// What is in force and empty is in force too: no model by default, all models, no prefix.
TEST(ShowConfig, EmptyValuesAreShown) {
  const Loaded config = load_text(
      "accounts: [{name: a, base_url: 'http://127.0.0.1', api_key: ''}]\n"
      "clients: [{name: web, key: sk-test-client-key-0123456789, budget_usd: 0.50}]\n"
      "routing:\n  default_model: ''\n");
  ASSERT_TRUE(config) << errors_of(config);
  const std::string shown = show_config(*config);
  for (const char* const line :
       {"\n    api_key: \"\" ", "\n    model_prefix: \"\" ", "\n    models: [] ",
        "\n    budget_usd: 0.5 ", "\n    budget_period: month ", "\n    ca_file: \"\" ",
        "\n  default_model: \"\" ", "\ntls: [] "}) {
    EXPECT_NE(shown.find(line), std::string::npos) << line << " in\n" << shown;
  }
  EXPECT_NE(shown.find("    models: [] ", shown.find("clients:")), std::string::npos) << shown;
  const Loaded again = load_text(shown);
  ASSERT_TRUE(again) << errors_of(again) << shown;
}

// The values without their origins, without the lines at the top and without keys: what is shown of
// a key shows less of itself.
std::string values_of(const std::string& shown) {
  std::string out;
  std::istringstream lines(shown);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#') || line.find("key: ") != line.npos) continue;
    std::string value = line.substr(0, line.rfind("# "));
    out += value.substr(0, value.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

TEST(ShowConfig, WhatIsShownLoadsAndShowsTheSame) {
  const Loaded config = load_text(kYaml, variables({{"X", "${Y} #1 \\ \"é\""}}));
  ASSERT_TRUE(config) << errors_of(config);
  const std::string shown = show_config(*config);
  const Loaded again = load_text(shown);
  ASSERT_TRUE(again) << errors_of(again) << shown;
  EXPECT_EQ(again->accounts[0].models[0].native, "say \"${Y} #1 \\ \"é\"\"");
  EXPECT_EQ(again->accounts[0].models[1].native, "null");
  EXPECT_EQ(values_of(show_config(*again)), values_of(shown));
}

}  // namespace
}  // namespace sluice
