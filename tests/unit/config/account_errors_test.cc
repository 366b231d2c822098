#include <gtest/gtest.h>

#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

struct KeyRow {
  const char* rule;
  const char* yaml;   // the keys of one account or client, in flow style
  const char* error;  // behind "accounts[0]" or "clients[0]"
};

constexpr KeyRow kAccountRows[] = {
    {"a name is needed", "base_url: http://127.0.0.1, api_key: k",
     ": the key \"name\" is missing; expected 1 to 64 letters, digits and . _ - @ : /"},
    {"a name has no spaces", "name: a b, base_url: http://127.0.0.1, api_key: k",
     ".name: \"a b\" has a character that a name cannot have; expected 1 to 64 letters, digits and "
     ". _ - @ : /"},
    {"a name is not empty", "name: '', base_url: http://127.0.0.1, api_key: k",
     ".name: \"\" is empty; expected 1 to 64 letters, digits and . _ - @ : /"},
    {"another scheme", "name: a, base_url: ftp://x, api_key: k",
     ".base_url: \"ftp://x\": the URL begins neither with https:// nor with http://; expected a "
     "URL "
     "like https://api.example.com/v1"},
    {"a password in the URL is not told", "name: a, base_url: 'https://me:pw@x', api_key: k",
     ".base_url: \"https://****@x\": the URL holds a user name; expected a URL like "
     "https://api.example.com/v1"},
    {"a key is not told", "name: a, base_url: http://127.0.0.1, api_key: 'sk-test- secret'",
     ".api_key: the value has a character that a header field cannot carry; expected a key of up "
     "to "
     "4096 visible ASCII characters"},
    {"a key that is a list", "name: a, base_url: http://127.0.0.1, api_key: [sk-test-secret]",
     ".api_key: a list is not accepted here; expected a key of up to 4096 visible ASCII "
     "characters"},
    {"a key without a value", "name: a, base_url: http://127.0.0.1, api_key: ",
     ".api_key has no value; expected a key of up to 4096 visible ASCII characters"},
    {"a limit of nothing", "name: a, base_url: http://127.0.0.1, api_key: k, rpm_limit: abc",
     ".rpm_limit: \"abc\" is not a whole number; expected a whole number from 1 to 1000000"},
    {"more tokens than can be counted",
     "name: a, base_url: http://127.0.0.1, api_key: k, tpm_limit: 2000000000",
     ".tpm_limit: \"2000000000\" is out of range; expected a whole number from 0 to 1000000000"},
    {"a pool that is none", "name: a, base_url: http://127.0.0.1, api_key: k, pool: spare",
     ".pool: \"spare\" is unknown; expected primary or fallback"},
    {"a dialect that is none", "name: a, base_url: http://127.0.0.1, api_key: k, dialect: latin",
     ".dialect: \"latin\" is unknown; expected openai or anthropic"},
    {"a bucket that is none", "name: a, base_url: http://127.0.0.1, api_key: k, bucket: leaky",
     ".bucket: \"leaky\" is unknown; expected rolling or steady"},
    {"models that are a text", "name: a, base_url: http://127.0.0.1, api_key: k, models: m",
     ".models: a text is not accepted here; expected a list of names, or a mapping of our names to "
     "the provider's"},
    {"a model that stands twice", "name: a, base_url: http://127.0.0.1, api_key: k, models: [m, m]",
     ".models: the model \"m\" stands here twice"},
    {"a model without a name of the provider's",
     "name: a, base_url: http://127.0.0.1, api_key: k, models: {m: ''}",
     ".models.m: \"\" is empty; expected a model's name"},
    {"a model that is a mapping",
     "name: a, base_url: http://127.0.0.1, api_key: k, models: {m: {native_id: x}}",
     ".models.m: a mapping is not accepted here; expected a model's name"},
    {"an unknown timeout", "name: a, base_url: http://127.0.0.1, api_key: k, timeouts: {ilde: 1s}",
     ""},
};

TEST(AccountErrors, NameTheKeyAndNeverASecret) {
  for (const KeyRow& row : kAccountRows) {
    const Loaded loaded = load_text(std::string("accounts: [{") + row.yaml + "}]");
    ASSERT_FALSE(loaded) << row.rule;
    const std::string errors = errors_of(loaded);
    EXPECT_EQ(errors.find("secret"), std::string::npos) << row.rule;
    EXPECT_TRUE(errors.ends_with(std::string(*row.error ? "accounts[0]" : "") +
                                 (*row.error ? row.error : "did you mean \"idle\"?")))
        << row.rule << "\n"
        << errors;
  }
}

constexpr KeyRow kClientRows[] = {
    {"a key is needed", "name: a",
     ": the key \"key\" is missing; expected 8 to 4096 visible ASCII characters, or \"sha256:\" "
     "and "
     "64 hexadecimal digits"},
    {"a short key is guessed", "name: a, key: secret",
     ".key: the value is shorter than 8 characters; expected 8 to 4096 visible ASCII characters, "
     "or "
     "\"sha256:\" and 64 hexadecimal digits"},
    {"a digest has 64 digits", "name: a, key: 'sha256:secret'",
     ".key: the value has not 64 hexadecimal digits after \"sha256:\"; expected 8 to 4096 visible "
     "ASCII characters, or \"sha256:\" and 64 hexadecimal digits"},
    {"a model that stands twice", "name: a, key: sk-test-client, models: [m, m]",
     ".models[1]: \"m\" stands here twice; expected a model's name"},
    {"models are names", "name: a, key: sk-test-client, models: ['']",
     ".models[0]: \"\" is empty; expected a model's name"},
};

TEST(ClientErrors, NameTheKeyAndNeverASecret) {
  for (const KeyRow& row : kClientRows) {
    const Loaded loaded = load_text(std::string("clients: [{") + row.yaml + "}]");
    ASSERT_FALSE(loaded) << row.rule;
    const std::string errors = errors_of(loaded);
    EXPECT_EQ(errors.find("secret"), std::string::npos) << row.rule;
    EXPECT_TRUE(errors.ends_with(std::string("clients[0]") + row.error)) << row.rule << "\n"
                                                                         << errors;
  }
}

TEST(AccountErrors, NamesAndKeysAreUnique) {
  const Loaded loaded = load_text(
      "accounts:\n"
      "  - {name: a, base_url: 'http://127.0.0.1', api_key: k}\n"
      "  - {name: a, base_url: 'http://127.0.0.1', api_key: k}\n"
      "clients:\n"
      "  - {name: web, key: sk-test-client-1}\n"
      "  - {name: web, key: sk-test-client-2}\n"
      "  - {name: app, key: sk-test-client-1}\n");
  const std::string errors = errors_of(loaded);
  EXPECT_NE(
      errors.find("c.yaml:3:12: accounts[1].name: the name \"a\" is taken by accounts[0].name ("),
      std::string::npos)
      << errors;
  EXPECT_NE(
      errors.find("c.yaml:6:12: clients[1].name: the name \"web\" is taken by clients[0].name"),
      std::string::npos)
      << errors;
  EXPECT_NE(errors.find("c.yaml:7:22: clients[2].key: the key is taken by clients[0].key ("),
            std::string::npos)
      << errors;
}

struct BudgetRow {
  const char* rule;
  const char* second;  // beside {name: a, base_url: 'http://127.0.0.1:1/v1', api_key: k}
  const char* warnings;
};

constexpr BudgetRow kBudgetRows[] = {
    {"one key, one endpoint", "base_url: 'http://127.0.0.1:1/v1/', api_key: k",
     "c.yaml:3:5: accounts[1]: \"b\" has the base_url and the key of \"a\" (accounts[0]): the "
     "provider counts them together, so their limits add up to more than it allows; make them one "
     "account"},
    {"another key", "base_url: 'http://127.0.0.1:1/v1', api_key: l", ""},
    {"another port", "base_url: 'http://127.0.0.1:2/v1', api_key: k", ""},
    {"another path", "base_url: 'http://127.0.0.1:1/v2', api_key: k", ""},
    {"one of them is off", "base_url: 'http://127.0.0.1:1/v1', api_key: k, enabled: false", ""},
};

TEST(AccountWarnings, AnAdministratorsTokenInClear) {
  const Loaded loaded = load_text(
      "accounts: [{name: a, base_url: 'http://127.0.0.1:1/v1', api_key: k}]\n"
      "admin: {listen: ['127.0.0.1:9300', '0.0.0.0:9301']}\n");
  ASSERT_TRUE(loaded) << errors_of(loaded);
  EXPECT_EQ(messages(loaded->warnings),
            "c.yaml:2:17: admin.listen: 0.0.0.0:9301 can be reached from other machines, and the "
            "token passes in clear; listen on 127.0.0.1 behind what speaks TLS, or use the "
            "addresses of listen with tls");
}

TEST(Listeners, DoNotShareAnAddress) {
  struct Row {
    const char* text;
    const char* error;
  };
  constexpr Row kRows[] = {
      {"listen: '127.0.0.1:9300'\nadmin: {listen: ['127.0.0.1:9300']}",
       "admin.listen: 127.0.0.1:9300 is an address of listen (127.0.0.1:9300), too"},
      {"listen: '127.0.0.1:9300'\nadmin: {listen: ['0.0.0.0:9300']}",
       "admin.listen: 0.0.0.0:9300 is an address of listen (127.0.0.1:9300), too"},
      {"listen: '127.0.0.1:9300'\nmetrics: {listen: ['127.0.0.1:9300']}",
       "metrics.listen: 127.0.0.1:9300 is an address of listen (127.0.0.1:9300), too"},
      {"admin: {listen: ['127.0.0.1:9301']}\nmetrics: {listen: ['127.0.0.1:9301']}",
       "metrics.listen: 127.0.0.1:9301 is an address of admin.listen"},
      {"listen: '127.0.0.1:9300'\nadmin: {listen: ['127.0.0.2:9300', '127.0.0.1:9301']}", ""},
      {"listen: '127.0.0.1:9191'", ""},  // that of metrics by default gives way
  };
  for (const Row& row : kRows) {
    const Loaded loaded = load_text(
        std::string("accounts: [{name: a, base_url: 'http://127.0.0.1:1/v1', api_key: k}]\n") +
        row.text + "\n");
    if (*row.error == '\0') EXPECT_TRUE(loaded) << row.text << errors_of(loaded);
    else EXPECT_NE(errors_of(loaded).find(row.error), std::string::npos) << errors_of(loaded);
  }
}

TEST(AccountWarnings, ABudgetThatIsCountedTwice) {
  for (const BudgetRow& row : kBudgetRows) {
    const Loaded loaded =
        load_text(std::string("accounts:\n"
                              "  - {name: a, base_url: 'http://127.0.0.1:1/v1', api_key: k}\n"
                              "  - {name: b, ") +
                  row.second + "}\n");
    ASSERT_TRUE(loaded) << row.rule << errors_of(loaded);
    EXPECT_EQ(messages(loaded->warnings), row.warnings) << row.rule;
  }
}

TEST(AccountErrors, MoreAccountsThanTheLadderHolds) {
  std::string yaml = "accounts:\n";
  for (int i = 0; i < 1025; ++i)
    yaml += "  - {name: a" + std::to_string(i) + ", base_url: 'http://127.0.0.1', api_key: k}\n";
  EXPECT_EQ(errors_of(load_text(yaml)),
            "c.yaml:2:3: accounts: 1025 items; at most 1024 are accepted");
}

struct ServableRow {
  const char* rule;
  const char* yaml;
  const char* errors;
};

#define ACCOUNT "accounts: [{name: a, base_url: 'http://127.0.0.1:1', api_key: k}]\n"

constexpr ServableRow kServableRows[] = {
    {"an account and loopback", ACCOUNT, ""},
    {"no account yet, and a store to add some to", "", ""},
    {"no account", "store: {directory: none}",
     "there is no account to send requests to; add one under accounts (name, base_url, api_key) or "
     "set SIDECAR_UPSTREAM and SIDECAR_API_KEY"},
    {"only accounts that are off",
     "accounts: [{name: a, base_url: 'http://127.0.0.1', api_key: k, enabled: false}]",
     "c.yaml:1:11: accounts: every account has enabled: false; enable one"},
    {"open to the network without a key", ACCOUNT "listen: [\"127.0.0.1:1\", \"0.0.0.0:9190\"]",
     "c.yaml:2:9: listen: 0.0.0.0:9190 can be reached from other machines, and no client key "
     "guards the accounts; add keys under clients or by sluice clients create, listen on "
     "127.0.0.1, or say auth.open: true if everyone who reaches it may spend them"},
    {"all addresses without a key", ACCOUNT "listen: \":9190\"",
     "c.yaml:2:9: listen: :9190 can be reached from other machines, and no client key guards the "
     "accounts; add keys under clients or by sluice clients create, listen on 127.0.0.1, or say "
     "auth.open: true if everyone who reaches it may spend them"},
    {"open to the network on purpose", ACCOUNT "listen: \":9190\"\nauth: {open: true}", ""},
    {"open to the network with keys",
     ACCOUNT "listen: \":9190\"\nclients: [{name: c, key: sk-test-client}]", ""},
    {"loopback in IPv6", ACCOUNT "listen: \"[::1]:9190\"", ""},
    {"open, and keys that protect nothing",
     ACCOUNT "clients: [{name: c, key: sk-test-client}]\nauth: {open: true}",
     "c.yaml:3:14: auth.open: true serves everyone, so the keys of clients protect nothing; remove "
     "one of the two"},
};

TEST(Servable, NeedsAnAccountAndAGuardedDoor) {
  for (const ServableRow& row : kServableRows)
    EXPECT_EQ(errors_of(load_text(row.yaml, {}, {}, Purpose::kServe)), row.errors) << row.rule;
}

}  // namespace
}  // namespace sluice
