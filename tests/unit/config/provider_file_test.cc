// The predecessor's provider file: import and export.
#include "engine/config/provider_file.h"

#include <gtest/gtest.h>

#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

// As docs/COMPAT.md has it.
constexpr std::string_view kFile = R"(providers:
  - account: team-a
    email: a@example.com
    api_key: nvapi-test-0123456789abcdef
    endpoint_url: https://integrate.api.nvidia.com/v1
    model_prefix: "nvidia/"
    pool: main
    rpm_limit: 60
    notes: "says \"hello\""
  - account: team-b
    email:
    api_key: ${TEAM_B_KEY}
    endpoint_url: http://127.0.0.1:8080
    pool: fallback
    notes:
)";

const FixedEnvironment kEnv({{"TEAM_B_KEY", "sk-test-team-b"},
                             {"EMPTY", ""},
                             {"BROKEN", "sk-test- secret"},
                             {"SIDECAR_ENCRYPTION_KEY", "secret"},
                             {"SIDECAR_ADMIN_TOKEN", "secret"}});

std::string text_of(const ProviderFaults& faults) {
  std::string out;
  for (const ProviderFault& fault : faults) out += fault.text("p.yaml") + "\n";
  return out;
}

void expect_the_two(const std::vector<ProviderEntry>& entries) {
  ASSERT_EQ(entries.size(), 2u);
  const ProviderEntry& a = entries[0];
  EXPECT_EQ(a.account.name, "team-a");
  EXPECT_EQ(a.notes.email, "a@example.com");
  EXPECT_EQ(a.account.api_key.reveal(), "nvapi-test-0123456789abcdef");
  EXPECT_EQ(a.key_variable, "");
  EXPECT_EQ(a.account.base_url, "https://integrate.api.nvidia.com/v1");
  EXPECT_EQ(a.account.model_prefix, "nvidia/");
  EXPECT_EQ(a.account.pool, Pool::kPrimary);
  EXPECT_EQ(a.account.rpm_limit, 60u);
  EXPECT_EQ(a.notes.notes, "says \"hello\"");
  const ProviderEntry& b = entries[1];
  EXPECT_EQ(b.account.api_key.reveal(), "sk-test-team-b");
  EXPECT_EQ(b.key_variable, "TEAM_B_KEY");
  EXPECT_EQ(b.account.pool, Pool::kFallback);
  EXPECT_EQ(b.account.rpm_limit, 40u);
  EXPECT_EQ(b.notes.email + b.notes.notes + b.account.model_prefix, "");
}

std::string written(const std::vector<ProviderEntry>& entries, KeyDisplay keys) {
  std::string out;
  write_provider_file(entries, keys, [&](std::string_view piece) { out += piece; });
  return out;
}

TEST(ProviderFile, IsRead) {
  const auto entries = read_provider_file(kFile, kEnv);
  ASSERT_TRUE(entries) << text_of(entries.error());
  expect_the_two(*entries);
}

TEST(ProviderFile, IsReadAsJsonToo) {
  const auto entries = read_provider_file(
      R"({"providers":[{"account":"a","api_key":"sk-test-1","endpoint_url":"https://x/v1",)"
      R"("rpm_limit":5,"notes":null}]})",
      kEnv);
  ASSERT_TRUE(entries) << text_of(entries.error());
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->at(0).account.rpm_limit, 5u);
}

// As Python's json.dumps writes them, and others that leave nothing but ASCII.
TEST(ProviderFile, JsonMayEscapeWhatIsBeyondTheBasicPlane) {
  const auto file = [](std::string_view notes) {
    return R"({"providers":[{"account":"a","api_key":"k","endpoint_url":"https:\/\/x","notes":")" +
           std::string(notes) + "\"}]}";
  };
  const auto read = read_provider_file(file(R"(\ud83d\ude00 \\ud83d\\ude00 \u00e9\uD83D\uDE01)"));
  ASSERT_TRUE(read) << text_of(read.error());
  EXPECT_EQ(read->at(0).account.base_url, "https://x");
  EXPECT_EQ(read->at(0).notes.notes, "\xf0\x9f\x98\x80 \\ud83d\\ude00 \xc3\xa9\xf0\x9f\x98\x81");
  for (const char* const half : {R"(\ud83d)", R"(\ud83dx)", R"(\ude00\ud83d)", R"(\ud83d\u0041)"})
    EXPECT_FALSE(read_provider_file(file(half))) << half;
  // In YAML a backslash between single quotes is one.
  const auto yaml = read_provider_file(
      R"(providers: [{account: a, api_key: k, endpoint_url: 'https://x', notes: '\ud83d\ude00'}])");
  ASSERT_TRUE(yaml) << text_of(yaml.error());
  EXPECT_EQ(yaml->at(0).notes.notes, R"(\ud83d\ude00)");
}

TEST(ProviderFile, InClearItIsReadAgainAsItWas) {
  auto entries = read_provider_file(kFile, kEnv);
  ASSERT_TRUE(entries);
  const std::string text = written(*entries, KeyDisplay::kClear);
  EXPECT_NE(text.find("api_key: \"nvapi-test-0123456789abcdef\""), std::string::npos) << text;
  EXPECT_NE(text.find("api_key: \"${TEAM_B_KEY}\""), std::string::npos) << text;
  EXPECT_EQ(text.find("sk-test-team-b"), std::string::npos) << text;
  const auto again = read_provider_file(text, kEnv);
  ASSERT_TRUE(again) << text << text_of(again.error());
  expect_the_two(*again);
}

// What the predecessor's file has not stands beside its eight members.
TEST(ProviderFile, AllThatAnAccountHasIsReadAgainAsItWas) {
  constexpr std::string_view kAll = R"(providers:
  - account: "a"
    email: ""
    api_key: "sk-test-1"
    endpoint_url: "https://x"
    model_prefix: ""
    pool: main
    rpm_limit: 40
    notes: ""
    label: "Team: A"
    dialect: anthropic
    enabled: false
    window: 1min
    bucket: steady
    tpm_limit: 500
    rpd_limit: 7
    concurrent_limit: 3
    learn_limits: false
    emergency: true
    weight: 5
    cost:
      input: 1.5
      output: 0
      cached_read: 0
      cached_write: 1.5
    ca_file: "/etc/authorities.pem"
    timeouts:
      connect: 250ms
      total: 10min
    send_via: false
    models:
      "ours": "theirs"
      "same": "same"
    model_costs:
      - model: "ours"
        input: 2.5
        output: 10
        cached_read: 0
        cached_write: 0
)";
  const auto entries = read_provider_file(kAll);
  ASSERT_TRUE(entries) << text_of(entries.error());
  const AccountConfig& account = entries->at(0).account;
  EXPECT_EQ(entries->at(0).notes.label, "Team: A");
  EXPECT_EQ(account.dialect, Dialect::kAnthropic);
  EXPECT_EQ(account.tpm_limit, 500u);
  EXPECT_EQ(account.timeouts.total, 10min);
  ASSERT_EQ(account.models.size(), 2u);
  EXPECT_EQ(account.models[0].native, "theirs");
  EXPECT_EQ(account.models[0].cost.input, 2'500'000u);
  EXPECT_FALSE(account.models[1].cost.known());
  const AccountOverrides& own = entries->at(0).overrides;
  EXPECT_EQ(own.window, 60s) << "given, though it is the default";
  EXPECT_EQ(own.learn_limits, false);
  EXPECT_FALSE(own.first_token);
  EXPECT_EQ(written(*entries, KeyDisplay::kClear), kAll);
}

TEST(ProviderFile, CachedTokensWithoutAPriceOfTheirOwnCostWhatInputDoes) {
  const auto entries = read_provider_file(R"(providers:
  - account: a
    api_key: k
    endpoint_url: https://x
    cost: {input: 2.5, output: 10, cached_write: 0}
    models: [plain, told]
    model_costs:
      - {model: plain, input: 3, output: 10}
      - {model: told, input: 3, cached_read: 0.5, cached_write: 0}
)");
  ASSERT_TRUE(entries) << text_of(entries.error());
  const AccountConfig& account = entries->at(0).account;
  EXPECT_EQ(account.cost.cached_read, 2'500'000u);
  EXPECT_EQ(account.cost.cached_write, 0u) << "given";
  EXPECT_EQ(account.models[0].cost.cached_read, 3'000'000u);
  EXPECT_EQ(account.models[0].cost.cached_write, 3'000'000u);
  EXPECT_EQ(account.models[1].cost.cached_read, 500'000u);
  EXPECT_EQ(account.models[1].cost.cached_write, 0u);
  const auto again = read_provider_file(written(*entries, KeyDisplay::kClear));
  ASSERT_TRUE(again) << text_of(again.error());
  EXPECT_EQ(again->at(0).account.cost.cached_write, 0u) << "a price of 0 is exported as one";
}

TEST(ProviderFile, ANewAccountIsWrittenWithTheEightMembersAlone) {
  std::vector<ProviderEntry> entries(1);
  entries[0].account.name = "a";
  const std::string text = written(entries, KeyDisplay::kClear);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1 + 8) << text;
}

TEST(ProviderFile, AwkwardTextsAreReadAgainAsTheyWere) {
  std::vector<ProviderEntry> entries(1);
  entries[0].account.name = "a:b";
  entries[0].account.base_url = "https://x";
  entries[0].account.api_key = Secret("sk-test-\"\\#:'{}[]&*!|>%@`");
  entries[0].notes.notes = "- a: b # \"c\" \\ \n\n  \xc3\xa9 'd' null ~";
  const std::string text = written(entries, KeyDisplay::kClear);
  const auto again = read_provider_file(text, kEnv);
  ASSERT_TRUE(again) << text << text_of(again.error());
  EXPECT_EQ(again->at(0).notes.notes, entries[0].notes.notes);
  EXPECT_EQ(again->at(0).account.name, "a:b");
  EXPECT_EQ(again->at(0).account.api_key.reveal(), entries[0].account.api_key.reveal());
}

TEST(ProviderFile, MaskedItShowsNoKeyAndIsNotTakenForOne) {
  auto entries = read_provider_file(kFile, kEnv);
  ASSERT_TRUE(entries);
  const std::string text = written(*entries, KeyDisplay::kMasked);
  EXPECT_NE(text.find("api_key: \"nvapi-****cdef\""), std::string::npos) << text;
  EXPECT_EQ(text.find("0123456789"), std::string::npos) << text;
  const auto again = read_provider_file(text, kEnv);
  ASSERT_FALSE(again);
  EXPECT_NE(text_of(again.error()).find("is masked"), std::string::npos);
}

struct EntryRow {
  const char* rule;
  std::string_view keys;  // besides account: a, in flow style
  std::string_view field;
  std::string_view told;
};

constexpr EntryRow kEntryRows[] = {
    {"no key", "endpoint_url: 'https://x'", "api_key", "the key \"api_key\" is missing"},
    {"no address", "api_key: k", "endpoint_url", "the key \"endpoint_url\" is missing"},
    {"an empty key", "endpoint_url: 'https://x', api_key: ''", "api_key", "is empty"},
    {"a variable that is not set", "endpoint_url: 'https://x', api_key: '${NONE}'", "api_key",
     "not set"},
    {"an empty variable", "endpoint_url: 'https://x', api_key: '${EMPTY}'", "api_key", "not set"},
    {"a variable that is no key", "endpoint_url: 'https://x', api_key: '${BROKEN}'", "api_key",
     "header field cannot carry"},
    {"the master key", "endpoint_url: 'https://x', api_key: '${SIDECAR_ENCRYPTION_KEY}'", "api_key",
     "a secret of the gateway itself"},
    {"the admin token", "endpoint_url: 'https://x', api_key: '${SIDECAR_ADMIN_TOKEN}'", "api_key",
     "a secret of the gateway itself"},
    {"a limit of nothing", "endpoint_url: 'https://x', api_key: k, rpm_limit: abc", "rpm_limit",
     "\"abc\" is not a whole number; expected a whole number from 1 to 1000000"},
    {"a limit of 0", "endpoint_url: 'https://x', api_key: k, rpm_limit: 0", "rpm_limit",
     "out of range"},
    {"an unknown pool", "endpoint_url: 'https://x', api_key: k, pool: spare", "pool",
     "\"spare\" is unknown; expected primary or fallback"},
    {"credentials in the address", "endpoint_url: 'https://me:secret@x', api_key: k",
     "endpoint_url", "https://****@x"},
    {"an unknown key", "endpoint_url: 'https://x', api_key: k, rpm_limt: 1", "rpm_limt",
     "unknown key \"rpm_limt\" in providers[1]; did you mean \"rpm_limit\"?"},
    {"a key by its name in the API", "endpoint_url: 'https://x', api_key: k, api: anthropic", "api",
     "unknown key \"api\" in providers[1]; did you mean \"dialect\"?"},
    {"another key by its name in the API",
     "endpoint_url: 'https://x', api_key: k, timeout_seconds: 120", "timeout_seconds",
     "unknown key \"timeout_seconds\" in providers[1]; did you mean \"timeouts\"?"},
    {"a strange key", "endpoint_url: 'https://x', api_key: k, zzzzzz: 1", "zzzzzz", "unknown key"},
    {"a key twice", "endpoint_url: 'https://x', api_key: k, pool: main, pool: main", "pool",
     "duplicate key"},
    {"a price of no model",
     "endpoint_url: 'https://x', api_key: k, models: [m], model_costs: [{model: n, input: 1}]",
     "model_costs[0].model", "\"n\" is none of them; expected a name under models, once"},
    {"a price twice",
     "endpoint_url: 'https://x', api_key: k, models: [m], model_costs: [{model: m}, {model: m}]",
     "model_costs[1].model", "\"m\" stands here twice"},
    {"a limit that is none", "endpoint_url: 'https://x', api_key: k, tpm_limit: x", "tpm_limit",
     "is not a whole number"},
    {"a list for a text", "endpoint_url: 'https://x', api_key: [k]", "api_key",
     "a list is not accepted here"},
};

TEST(ProviderFile, AFaultNamesItsEntryItsFieldAndItsLine) {
  for (const EntryRow& row : kEntryRows) {
    const std::string text =
        "providers:\n  - {account: first, endpoint_url: 'https://x', api_key: k}\n"
        "  - {account: a, " +
        std::string(row.keys) + "}\n";
    const auto entries = read_provider_file(text, kEnv);
    ASSERT_FALSE(entries) << row.rule;
    ASSERT_EQ(entries.error().size(), 1u) << row.rule << text_of(entries.error());
    const ProviderFault& fault = entries.error()[0];
    EXPECT_EQ(fault.entry, 1u) << row.rule;
    EXPECT_EQ(fault.account, "a") << row.rule;
    EXPECT_EQ(fault.field, row.field) << row.rule;
    EXPECT_EQ(fault.line, 3) << row.rule;
    EXPECT_NE(fault.message.find(row.told), std::string::npos) << row.rule << fault.message;
    EXPECT_EQ(fault.message.find("test- secret"), std::string::npos) << row.rule;
    EXPECT_EQ(fault.message.find("me:secret"), std::string::npos) << row.rule;
  }
}

TEST(ProviderFile, AllFaultsOfAllEntriesAreTold) {
  const auto entries = read_provider_file(R"(providers:
  - {account: a, endpoint_url: 'ftp://x', api_key: k, rpm_limit: 0}
  - {account: b, endpoint_url: 'https://x', api_key: k}
  - {account: b, endpoint_url: 'https://x', api_key: k, pool: none}
  - just a text
)",
                                          kEnv);
  ASSERT_FALSE(entries);
  const std::string text = text_of(entries.error());
  EXPECT_EQ(entries.error().size(), 5u) << text;
  EXPECT_NE(text.find("p.yaml:4: providers[2].account: the name \"b\" is taken by providers[1] "
                      "(line 3)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("p.yaml:5: providers[3]: a text is not accepted here"), std::string::npos)
      << text;
}

// What stands elsewhere is not fetched for who may write notes, and read them.
TEST(ProviderFile, NothingButTheKeyRefersToAnything) {
  const auto entries = read_provider_file(
      "providers: [{account: a, endpoint_url: 'https://x', api_key: 'file:/etc/hostname', notes: "
      "'${SIDECAR_ADMIN_TOKEN}', email: 'file:/etc/hostname'}]",
      kEnv);
  ASSERT_TRUE(entries) << text_of(entries.error());
  EXPECT_EQ(entries->at(0).notes.notes, "${SIDECAR_ADMIN_TOKEN}");
  EXPECT_EQ(entries->at(0).notes.email, "file:/etc/hostname");
  EXPECT_EQ(entries->at(0).account.api_key.reveal(), "file:/etc/hostname");
}

TEST(ProviderFile, WhatIsNoProviderFileIsRefused) {
  for (const char* const text : {"", "providers:", "providers: []", "providers: {}", "[]", "a: b",
                                 "providers: [", "\xff", "providers: []\nproviders: []"}) {
    const auto entries = read_provider_file(text, kEnv);
    ASSERT_FALSE(entries) << text;
    EXPECT_FALSE(entries.error().empty()) << text;
    EXPECT_FALSE(entries.error()[0].entry) << text;
    EXPECT_FALSE(entries.error()[0].message.empty()) << text;
  }
}

TEST(ProviderFile, WithoutAnEnvironmentNoVariableIsTaken) {
  const auto entries = read_provider_file(
      "providers: [{account: a, endpoint_url: 'https://x', api_key: '${TEAM_KEY}'}]");
  ASSERT_FALSE(entries);
  const std::string told = text_of(entries.error());
  EXPECT_NE(told.find("names an environment variable; an import takes none"), told.npos) << told;
  EXPECT_EQ(told.find("${NAME}"), told.npos) << told;
}

}  // namespace
}  // namespace sluice
