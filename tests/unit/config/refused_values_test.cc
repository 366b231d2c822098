#include <gtest/gtest.h>

#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

#define ACCOUNT "accounts: [{name: a, base_url: 'http://127.0.0.1:1', api_key: k}]\n"

struct BesideRow {
  const char* rule;
  const char* yaml;
  std::vector<const char*> errors;  // what must be among them
};

// A fault of one value hides none between others.
const BesideRow kBesideRows[] = {
    {"names that stand twice, beside a number that is none",
     "shards: many\naccounts:\n"
     "  - {name: a, base_url: 'http://127.0.0.1:1', api_key: k}\n"
     "  - {name: a, base_url: 'http://127.0.0.1:2', api_key: k}\n",
     {"c.yaml:1:9: shards: ", "c.yaml:4:12: accounts[1].name: the name \"a\" is taken by"}},
    {"beside an account that is none",
     "accounts:\n  - 7\n"
     "  - {name: a, base_url: 'http://127.0.0.1:1', api_key: k}\n"
     "  - {name: a, base_url: 'http://127.0.0.1:2', api_key: k}\n",
     {"accounts[0]: a text is not accepted", "c.yaml:4:12: accounts[2].name: the name \"a\""}},
    {"a cooldown without sense, beside a key that stands twice",
     ACCOUNT "shards: 1\nshards: 1\nrouting: {cooldown: {base: 20s, max: 10s}}",
     {"c.yaml:3:1: duplicate key \"shards\"", "routing.cooldown.base (20s) is longer than"}},
    {"a key that stands twice in an account, beside a URL that is none",
     "accounts: [{name: a, name: b, base_url: 'x', api_key: k}]",
     {"duplicate key \"name\" in accounts[0]", "accounts[0].base_url: \"x\""}},
    {"a file that is not there, beside a word that is no choice",
     ACCOUNT "tls: [{certificate: /nowhere/c.pem, key: /nowhere/k.pem}]\nlog: {level: loud}",
     {"tls[0].certificate: cannot read", "tls[0].key: cannot read", "log.level: \"loud\""}},
    {"an address that stands twice, beside one that is none",
     ACCOUNT "listen: [\":1x\", \"127.0.0.1:1\", \"127.0.0.1:1\"]",
     {"c.yaml:2:10: listen[0]: ", "c.yaml:2:32: listen[1]: the address 127.0.0.1:1 is taken by"}},
    {"no account, beside an unknown key",
     "zebra: 1\nstore: {directory: none}",
     {"unknown key \"zebra\"", "there is no account to send requests to"}},
    {"an open door, beside a number that is none",
     ACCOUNT "shards: many\nlisten: \":9190\"",
     {"shards: \"many\"", "can be reached from other machines"}},
};

TEST(RefusedValues, HideNoFaultBetweenOthers) {
  for (const BesideRow& row : kBesideRows) {
    const std::string errors = errors_of(load_text(row.yaml, {}, {}, Purpose::kServe));
    for (const char* const error : row.errors)
      EXPECT_NE(errors.find(error), std::string::npos) << row.rule << "\n" << errors;
  }
}

struct AloneRow {
  const char* rule;
  const char* yaml;
};

// Each with one fault, of which one thing is to be said: that what stands in its place does not fit
// the rest is no fault of the file.
constexpr AloneRow kAloneRows[] = {
    {"no account, where accounts is no list", "accounts: 7"},
    {"no account, where the key is misspelt", "acounts: []"},
    {"no account, where the file is a list", "- a"},
    {"a base above the maximum, where it is the default's",
     ACCOUNT "routing: {cooldown: {base: soon, max: 10s}}"},
    {"a base above the maximum, where it is misspelt",
     ACCOUNT "routing: {cooldown: {bsae: 5s, max: 10s}}"},
    {"no address, where it was refused", ACCOUNT "listen: [nowhere]"},
    {"an open door, where its keys were refused", ACCOUNT "listen: ':1'\nclients: {name: c}"},
    {"an open door, where its keys are misspelt", ACCOUNT "listen: ':1'\nclinets: []"},
    {"an open door, where opening it was refused", ACCOUNT "listen: ':1'\nauth: {open: maybe}"},
    {"a name that stands twice, where there is none",
     "accounts:\n"
     "  - {name: '', base_url: 'http://127.0.0.1:1', api_key: k}\n"
     "  - {name: a, base_url: 'http://127.0.0.1:1', api_key: l}\n"},
    {"a file that cannot be read, where its name was refused",
     ACCOUNT "tls: [{certificate: /dev/null, key: ''}]"},
};

TEST(RefusedValues, AreNotSpokenOfAgain) {
  for (const AloneRow& row : kAloneRows) {
    const Loaded loaded = load_text(row.yaml, {}, {}, Purpose::kServe);
    ASSERT_FALSE(loaded) << row.rule;
    EXPECT_EQ(loaded.error().errors.size(), 1u) << row.rule << "\n" << errors_of(loaded);
    EXPECT_EQ(messages(loaded.error().warnings), "") << row.rule;
  }
}

TEST(RefusedValues, TwoKeysThatWereRefusedAreNotTheSame) {
  const std::string errors = errors_of(load_text(
      ACCOUNT "clients: [{name: a, key: short}, {name: b, key: small}, {name: b, key: tiny}]"));
  EXPECT_EQ(errors.find("the key is taken"), std::string::npos) << errors;
  EXPECT_NE(errors.find("the name \"b\" is taken"), std::string::npos) << errors;
}

TEST(RefusedValues, AnEnvironmentAccountWithoutAKeyIsOneFault) {
  const Loaded loaded =
      load_text("", variables({{"SIDECAR_UPSTREAM", "http://127.0.0.1:1"}}), {}, Purpose::kServe);
  EXPECT_EQ(errors_of(loaded),
            "SIDECAR_UPSTREAM: gives an account without a key; set SIDECAR_API_KEY too");
}

}  // namespace
}  // namespace sluice
