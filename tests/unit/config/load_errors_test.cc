#include <gtest/gtest.h>

#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

struct ErrorRow {
  const char* rule;
  const char* yaml;
  const char* errors;
};

// Each value of the wrong kind, form or range; each key in the wrong place.
constexpr ErrorRow kErrorRows[] = {
    {"a client's priority above what it gets at most",
     "clients:\n- {name: a, key: sk-test-client-01, priority: urgent, priority_max: low}",
     "c.yaml:2:47: clients[0].priority: \"urgent\" is above priority_max, low; lower the first or "
     "raise the second"},
    {"an unknown key names its place and the key that was meant", "acounts: []",
     "c.yaml:1:1: unknown key \"acounts\" in the top level; did you mean \"accounts\"?"},
    {"an unknown key of a section", "log:\n  levle: info",
     "c.yaml:2:3: unknown key \"levle\" in log; did you mean \"level\"?"},
    {"an unknown key that is like no other", "zebra: 1",
     "c.yaml:1:1: unknown key \"zebra\" in the top level"},
    {"an account's key by its name in the API",
     "accounts:\n- {name: a, base_url: 'https://x', api_key: k, api: anthropic}",
     "c.yaml:2:48: unknown key \"api\" in accounts[0]; did you mean \"dialect\"?"},
    {"a key that stands twice", "shards: 1\nlog: {level: info}\nshards: 2",
     "c.yaml:3:1: duplicate key \"shards\" in the top level; it stands in line 1 already"},
    {"a section that is a text", "limits: 32MiB",
     "c.yaml:1:9: limits: a text is not accepted here; expected a mapping of keys to values"},
    {"a section that is a list", "limits: [1]",
     "c.yaml:1:9: limits: a list is not accepted here; expected a mapping of keys to values"},
    {"a list of sections that is a mapping", "accounts: {name: a}",
     "c.yaml:1:11: accounts: a mapping is not accepted here; expected a list of mappings (each "
     "item begins with \"- \")"},
    {"an item that is no section", "clients: [web]",
     "c.yaml:1:11: clients[0]: a text is not accepted here; expected a mapping of keys to values"},
    {"a value that is a list", "shards: [1]",
     "c.yaml:1:9: shards: a list is not accepted here; expected a whole number from 1 to 256"},
    {"a value that is a mapping", "log: {level: {a: b}}",
     "c.yaml:1:14: log.level: a mapping is not accepted here; expected debug, info, warning or "
     "error"},
    {"a key without a value", "shards:\nlog: {}",
     "c.yaml:1:1: shards has no value; expected a whole number from 1 to 256"},
    {"a text that is no number", "shards: two",
     "c.yaml:1:9: shards: \"two\" is not a whole number; expected a whole number from 1 to 256"},
    {"a number with a fraction", "shards: 1.5",
     "c.yaml:1:9: shards: \"1.5\" is not a whole number; expected a whole number from 1 to 256"},
    {"a negative number", "shards: -1",
     "c.yaml:1:9: shards: \"-1\" is out of range; expected a whole number from 1 to 256"},
    {"a number out of range", "shards: 0",
     "c.yaml:1:9: shards: \"0\" is out of range; expected a whole number from 1 to 256"},
    {"a number that overflows", "shards: 99999999999999999999999",
     "c.yaml:1:9: shards: \"99999999999999999999999\" is out of range; expected a whole number "
     "from "
     "1 to 256"},
    {"a size with a strange unit", "limits: {body_bytes_max: 32XB}",
     "c.yaml:1:26: limits.body_bytes_max: \"32XB\" is not a size; expected a size like 32MiB, from "
     "1KiB to 1GiB"},
    {"probes of health without a pause", "health: {interval: 1ms}",
     "c.yaml:1:20: health.interval: \"1ms\" is out of range; expected a duration like 30s or "
     "10min, from 1s to 1d, or 0s for never"},
    {"a size out of range", "limits: {body_bytes_max: 2GiB}",
     "c.yaml:1:26: limits.body_bytes_max: \"2GiB\" is out of range; expected a size like 32MiB, "
     "from 1KiB to 1GiB"},
    {"a duration with a strange unit", "drain: {grace: 3 weeks}",
     "c.yaml:1:16: drain.grace: \"3 weeks\" is not a duration; expected a duration like 30s or "
     "250ms, from 0s to 1d"},
    {"a duration out of range", "timeouts: {keep_alive: 2d}",
     "c.yaml:1:24: timeouts.keep_alive: \"2d\" is out of range; expected a duration like 30s or "
     "250ms, from 1ms to 1d"},
    {"a truth value that is none", "auth: {open: maybe}",
     "c.yaml:1:14: auth.open: \"maybe\" is neither true nor false; expected true or false"},
    {"a word that is no choice", "routing: {strategy: fastest}",
     "c.yaml:1:21: routing.strategy: \"fastest\" is unknown; expected weighted, round_robin, "
     "ordered, least_inflight, latency or cheapest"},
    {"a price that is none",
     "accounts: [{name: a, base_url: 'https://x', api_key: k, cost: {input: 1e3}}]",
     "c.yaml:1:71: accounts[0].cost.input: \"1e3\" is not a price; expected dollars for a million "
     "tokens like 2.50, up to 1000000"},
    {"a client that would be a segment of paths", "clients: [{name: .., key: sk-test-a}]",
     "c.yaml:1:18: clients[0].name: \"..\" is a segment of paths, not a name; expected 1 to 64 "
     "letters, digits and . _ - @ : /, but not . or .. alone"},
    {"a budget that is none", "clients: [{name: a, key: sk-test-a, budget_usd: .nan}]",
     "c.yaml:1:49: clients[0].budget_usd: \".nan\" is not an amount of dollars; expected dollars "
     "like 12.50, up to 1000000; 0: no budget"},
    {"a budget below zero", "clients: [{name: a, key: sk-test-a, budget_usd: -1}]",
     "c.yaml:1:49: clients[0].budget_usd: \"-1\" is not an amount of dollars; expected dollars "
     "like 12.50, up to 1000000; 0: no budget"},
    {"a budget above the most", "clients: [{name: a, key: sk-test-a, budget_usd: 1000000.01}]",
     "c.yaml:1:49: clients[0].budget_usd: \"1000000.01\" is out of range; expected dollars "
     "like 12.50, up to 1000000; 0: no budget"},
    {"a budget that is too fine", "clients: [{name: a, key: sk-test-a, budget_usd: 0.0000000001}]",
     "c.yaml:1:49: clients[0].budget_usd: \"0.0000000001\" has more than 9 decimal places; "
     "expected dollars "
     "like 12.50, up to 1000000; 0: no budget"},
    {"a budget's period that is none", "clients: [{name: a, key: sk-test-a, budget_period: week}]",
     "c.yaml:1:52: clients[0].budget_period: \"week\" is unknown; expected total, day or month"},
    {"the cheapest of accounts without a price",
     "accounts: [{name: a, base_url: 'https://x', api_key: k, cost: {input: 1}}]\n"
     "routing: {strategy: cheapest}",
     "c.yaml:1:19: accounts[0].cost.output: routing.strategy: cheapest needs the price of each "
     "account, in dollars for a million tokens; 0 for one that is free"},
    {"an address without a port", "listen: 127.0.0.1",
     "c.yaml:1:9: listen: \"127.0.0.1\" has no port; expected an IP address and a port like "
     "127.0.0.1:9190 or [::1]:9190, localhost:9190 (127.0.0.1 and ::1) or :9190 (all addresses)"},
    {"an address among others", "listen: [\":1\", \"example.com:80\"]",
     "c.yaml:1:16: listen[1]: \"example.com:80\" is not an IP address and would have to be "
     "looked up (only localhost is known by name); expected an IP address and a port like "
     "127.0.0.1:9190 or [::1]:9190, localhost:9190 (127.0.0.1 and ::1) or :9190 (all addresses)"},
    {"an address that stands twice", "listen: [\":80\", \"127.0.0.1:81\", \":80\"]",
     "c.yaml:1:33: listen[2]: the address :80 is taken by listen[0] (%:1:10)"},
    {"an address that another one names too", "listen: [\"localhost:80\", \"[::1]:80\"]",
     "c.yaml:1:26: listen[1]: the address [::1]:80 is taken by listen[0] (%:1:10)"},
    {"all addresses, some of them once more", "listen: [\"0.0.0.0:80\", \"*:80\"]",
     "c.yaml:1:24: listen[1]: the address :80 is taken by listen[0] (%:1:10)"},
    {"no address", "listen: []",
     "c.yaml:1:9: listen: the list is empty; expected at least one address like 127.0.0.1:9190"},
    {"cooldown base above its maximum", "routing: {cooldown: {base: 20s, max: 10s}}",
     "c.yaml:1:28: routing.cooldown.base (20s) is longer than routing.cooldown.max (10s)"},
    {"cooldown maximum below the base's default", "routing: {cooldown: {max: 10s}}",
     "c.yaml:1:27: routing.cooldown.base (30s) is longer than routing.cooldown.max (10s)"},
    {"a breaker that opens for longer than its longest time", "routing: {breaker: {open: 10min}}",
     "c.yaml:1:27: routing.breaker.open (10min) is longer than routing.breaker.open_max (5min)"},
    {"comments faster than anybody reads them", "queue: {comments: 999ms}",
     "c.yaml:1:19: queue.comments (999ms) is shorter than 1s; 0s: none"},
    {"more than each request hedged", "hedge: {percent: 101}",
     "c.yaml:1:18: hedge.percent: \"101\" is out of range; expected a whole number from 1 to 100"},
    {"more failures than a breaker counts", "routing: {breaker: {failures: 256}}",
     "c.yaml:1:31: routing.breaker.failures: \"256\" is out of range; expected a whole number from "
     "0 to 255"},
    {"a certificate without a key", "tls: [{certificate: /dev/null}]",
     "c.yaml:1:7: tls[0]: the key \"key\" is missing; expected the name of a file"},
    {"a certificate that cannot be read", "tls: [{certificate: /dev/null, key: /nowhere/key.pem}]",
     "c.yaml:1:37: tls[0].key: cannot read /nowhere/key.pem: No such file or directory"},
    {"a variable that is not set", "routing: {default_model: \"${NO_SUCH}\"}",
     "c.yaml:1:26: routing.default_model: the environment variable NO_SUCH is not set"},
    {"a variable without an end", "routing: {default_model: \"${NO\"}",
     "c.yaml:1:26: routing.default_model: \"${\" without \"}\" (write \"$${\" for the characters "
     "themselves)"},
    {"a variable with a strange name", "routing: {default_model: \"${a-b}\"}",
     "c.yaml:1:26: routing.default_model: \"${a-b}\" does not name an environment variable"},
    {"a file that is not there", "routing: {default_model: \"file:/nowhere/x\"}",
     "c.yaml:1:26: routing.default_model: cannot read /nowhere/x: No such file or directory"},
    {"a file without an absolute path", "routing: {default_model: \"file:x\"}",
     "c.yaml:1:26: routing.default_model: \"file:x\" must name an absolute path"},
    {"a file that is a list", "- a",
     "c.yaml:1:1: the top level: a list is not accepted here; expected a mapping of keys to "
     "values"},
    {"a file that is no YAML", "a: [",
     "c.yaml:1:1: not valid YAML: end of sequence flow not found"},
    {"tabs as indentation", "log:\n\tlevel: info",
     "c.yaml:2:1: a tab as indentation; YAML indents with spaces"},
    {"bytes that are no UTF-8", "log:\n  level: \xff", "c.yaml:2:10: bytes that are no UTF-8"},
    {"a second document", "log: {}\n---\nlog: {}",
     "c.yaml:2:1: a second document; one file is one configuration"},
    {"a key that is a list", "[a]: b", "c.yaml:1:1: a list as a key; a key is a text"},
    {"a long value is cut, controls are escaped",
     "shards: \"\\e[2J0123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789\"",
     "c.yaml:1:9: shards: \"\\x1b[2J01234567890123456789012345678901234567890123456789012345678901"
     "23456789012345...\" is not a whole number; expected a whole number from 1 to 256"},
};

// The file's folder is a new one each time: '%' stands for it.
std::string without_folder(std::string text) {
  for (std::size_t at; (at = text.find("(/")) != std::string::npos;) {
    const std::size_t end = text.find("c.yaml", at);
    if (end == std::string::npos) break;
    text.replace(at + 1, end + 6 - at - 1, "%");
  }
  return text;
}

TEST(LoadErrors, EachNamesPlaceValueAndWhatIsAccepted) {
  for (const ErrorRow& row : kErrorRows) {
    const Loaded loaded = load_text(row.yaml);
    ASSERT_FALSE(loaded) << row.rule;
    EXPECT_EQ(without_folder(errors_of(loaded)), row.errors) << row.rule;
    EXPECT_EQ(loaded.error().exit_code, 78) << row.rule;
  }
}

TEST(LoadErrors, AllOfAFileAreToldInItsOrder) {
  const Loaded loaded = load_text(
      "zebra: 1\n"
      "shards: x\n"
      "accounts:\n"
      "  - name: a\n"
      "log: {level: loud, format: xml}\n");
  EXPECT_EQ(
      errors_of(loaded),
      "c.yaml:1:1: unknown key \"zebra\" in the top level\n"
      "c.yaml:2:9: shards: \"x\" is not a whole number; expected a whole number from 1 to 256\n"
      "c.yaml:4:5: accounts[0]: the key \"base_url\" is missing; expected a URL like "
      "https://api.example.com/v1\n"
      "c.yaml:4:5: accounts[0]: the key \"api_key\" is missing; expected a key of up to 4096 "
      "visible ASCII characters\n"
      "c.yaml:5:14: log.level: \"loud\" is unknown; expected debug, info, warning or error\n"
      "c.yaml:5:28: log.format: \"xml\" is unknown; expected text or json");
}

TEST(LoadErrors, TextHasALineForEachWithItsKind) {
  const Loaded loaded = load_text("zebra: 1", variables({{"SLUICE_LISTNE", "/x"}}));
  ASSERT_FALSE(loaded);
  const std::string text = loaded.error().text();
  EXPECT_TRUE(text.starts_with("warning: SLUICE_LISTNE: unknown variable, ignored")) << text;
  EXPECT_TRUE(text.ends_with("c.yaml:1:1: unknown key \"zebra\" in the top level\n")) << text;
}

struct FileRow {
  const char* rule;
  const char* file;
  const char* error;
  int exit_code;
};

constexpr FileRow kFileRows[] = {
    {"a file that is not there", "/nowhere/sluice.yaml",
     "cannot read /nowhere/sluice.yaml: No such file or directory", 66},
    {"a folder", "/", "cannot read /: Is a directory", 66},
    {"a file without an end", "/dev/zero", "cannot read /dev/zero: File too large", 74},
};

TEST(LoadErrors, AFileThatCannotBeReadHasItsExitCode) {
  for (const FileRow& row : kFileRows) {
    ConfigSources sources;
    sources.file = row.file;
    const Loaded loaded = load_config(sources, FixedEnvironment(), Purpose::kShow);
    ASSERT_FALSE(loaded) << row.rule;
    EXPECT_EQ(errors_of(loaded), row.error) << row.rule;
    EXPECT_EQ(loaded.error().exit_code, row.exit_code) << row.rule;
  }
}

}  // namespace
}  // namespace sluice
