#include <gtest/gtest.h>

#include "base/prng.h"
#include "engine/config/reader.h"
#include "engine/config/show.h"
#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

// As load_config() reads a file, without the file.
void read_bytes(std::string_view bytes) {
  const auto tree = parse_yaml(bytes, "c.yaml");
  if (!tree) {
    EXPECT_FALSE(tree.error().message.empty()) << bytes;
    return;
  }
  Config config;
  Findings findings;
  const FixedEnvironment env = variables({{"NAME", "value"}});
  FileReader reader("c.yaml", env, config.origins, findings);
  reader.read(**tree, [&](KeyVisitor& visitor) { describe(visitor, config); });
  for (const Finding& error : findings.take_errors()) EXPECT_FALSE(error.message.empty()) << bytes;
  EXPECT_FALSE(show_config(config).empty());
}

// What stands in a file is anybody's: any bytes give a configuration or errors.
TEST(RandomBytes, NeverCrash) {
  constexpr std::string_view kPieces[] = {
      "listen", "accounts", "clients", "models",      "name",     "api_key", "log", "level", ":",
      ": ",     "\n",       "\n  ",    "\n- ",        "  - ",     "- ",      "[",   "]",     "{",
      "}",      ",",        "&a ",     "*a",          "|",        ">",       "\"",  "'",     "#",
      "---",    "...",      "!tag ",   "%YAML 1.2\n", "?",        "~",       "${",  "file:", "\t",
      "\\x",    "40",       "1s",      "true",        "\xc3\xa9", "\xff",    "<<",  "@",     "`"};
  Prng random(20'240'101);
  for (int round = 0; round < 50'000; ++round) {
    std::string yaml;
    const std::uint64_t pieces = random.below(40);
    for (std::uint64_t i = 0; i < pieces; ++i) {
      if (random.below(16) == 0) yaml += static_cast<char>(random.below(256));
      else yaml += kPieces[random.below(std::size(kPieces))];
    }
    read_bytes(yaml);
  }
}

// A file that was sound, with some bytes changed.
TEST(RandomBytes, InTheExampleNeverCrash) {
  std::ifstream file(SLUICE_SOURCE_ROOT "/packaging/sluice.example.yaml", std::ios::binary);
  const std::string example{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(example.empty());
  Prng random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::string yaml = example;
    for (std::uint64_t changes = 1 + random.below(8); changes > 0; --changes) {
      const std::size_t at = random.below(yaml.size());
      if (random.below(2) == 0) yaml[at] = static_cast<char>(random.below(128));
      else yaml.erase(at, random.below(20));
    }
    read_bytes(yaml);
  }
}

}  // namespace
}  // namespace sluice
