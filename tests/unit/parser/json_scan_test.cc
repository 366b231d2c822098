#include "parser/json_scan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/prng.h"
#include "parser/json_find.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

constexpr std::string_view kNameA = "ut\"";
constexpr std::string_view kNameB = "t\"";

struct Hit {
  std::size_t at;  // behind the opening quote
  std::int64_t depth;
  friend bool operator==(const Hit&, const Hit&) = default;
};

void PrintTo(const Hit& hit, std::ostream* out) { *out << hit.at << '@' << hit.depth; }

// Whether `text` begins with one of the names, or may do so when it goes on.
bool is_name(std::string_view text) {
  return text.starts_with(kNameA.substr(0, text.size())) ||
         text.starts_with(kNameB.substr(0, text.size()));
}

// All such strings, byte by byte.
std::vector<Hit> expected_hits(std::string_view text, std::int64_t depth_max) {
  std::vector<Hit> hits;
  bool in_string = false;
  bool escaped = false;
  std::int64_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    // Outside strings a backslash is no JSON, but it must be no JSON in the same way everywhere.
    const bool quote = c == '"' && !escaped;
    escaped = c == '\\' && !escaped;
    if (in_string) {
      in_string = !quote;
    } else if (quote) {
      in_string = true;
      if (is_name(text.substr(i + 1)) && depth <= depth_max) hits.push_back({i + 1, depth});
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return hits;
}

std::vector<JsonScanMachine> machines() {
  std::vector<JsonScanMachine> here;
  for (const auto machine : {JsonScanMachine::kScalar, JsonScanMachine::kSse2,
                             JsonScanMachine::kAvx2, JsonScanMachine::kAvx512})
    if (runs_here(machine)) here.push_back(machine);
  return here;
}

// What JsonScan finds when the text comes in pieces of `piece` bytes. A string that a
// piece cuts off may turn out to be another one, which is left out here.
std::vector<Hit> found_hits(std::string_view text, std::int64_t depth_max, std::size_t piece,
                            JsonScanMachine machine) {
  JsonScan scan(kNameA, kNameB, depth_max, machine);
  GuardedBytes guarded(text.size());
  std::vector<Hit> hits;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view in = guarded.place(text.substr(at, piece));
    std::size_t done = 0;
    while (done < in.size()) {
      const JsonScan::Step step = scan.seek(in, done);
      done = step.at;
      const std::size_t hit = at + done;
      if (step.found && is_name(text.substr(hit))) hits.push_back({hit, scan.depth()});
    }
    at += in.size();
  }
  return hits;
}

TEST(JsonScanTest, FindsNamesNearTheTop) {
  const std::string_view text =
      R"({"ut":1,"a":{"t":[{"t":{"t":0}}]},"x\"t":"t\\","\\":"ut\\\"","ut":2,"utt":3,"t":4})";
  for (const JsonScanMachine machine : machines())
    EXPECT_EQ(found_hits(text, 3, text.size(), machine), expected_hits(text, 3));
  EXPECT_EQ(expected_hits(text, 3).size(), 4u);
}

TEST(JsonScanTest, FindsTheSameInPiecesOfAnySizeOnEveryMachine) {
  Prng prng(11);
  static constexpr std::string_view kAlphabet = "\"\"\"\"\\\\{}[]utttt:, x";
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (int i = 0; i < 300; ++i) text += kAlphabet[prng.next() % kAlphabet.size()];
    const auto expected = expected_hits(text, 2);
    for (const std::size_t piece : {1u, 2u, 7u, 63u, 64u, 65u, 128u, 300u})
      for (const JsonScanMachine machine : machines())
        ASSERT_EQ(found_hits(text, 2, piece, machine), expected) << text << ' ' << piece;
  }
}

TEST(JsonScanTest, FindsTheSameBehindLongStringsOnEveryMachine) {
  Prng prng(13);
  static constexpr std::string_view kBetween[] = {"\\\\", "\\", "\\\"", "\"", "\",\"t\":\""};
  for (int round = 0; round < 300; ++round) {
    std::string text = R"({"ut":")";
    while (text.size() < 2000) {
      text.append(prng.below(400), 'x');
      text += kBetween[prng.below(std::size(kBetween))];
    }
    const auto expected = expected_hits(text, 2);
    for (const std::size_t piece : {127u, 128u, 129u, 500u, 2500u})
      for (const JsonScanMachine machine : machines())
        ASSERT_EQ(found_hits(text, 2, piece, machine), expected) << text << ' ' << piece;
  }
}

TEST(JsonFindTest, QuotedLettersAreFoundTheSameWithAndWithoutSimd) {
  Prng prng(17);
  GuardedBytes guarded(100);
  for (int round = 0; round < 3000; ++round) {
    std::string text(prng.below(100), 'x');
    for (char& c : text)
      if (prng.below(3) == 0) c = "\"ut{"[prng.below(4)];
    const std::string_view view = guarded.place(text);
    for (std::size_t at = 0; at <= text.size(); at += 7)
      ASSERT_EQ(find_quoted(view, at, 'u', 't'), find_quoted_scalar(text, at, 'u', 't')) << text;
  }
  EXPECT_EQ(find_quoted("a\"b\"u", 0, 'u', 't'), 3u);
  EXPECT_EQ(find_quoted("a\"", 0, 'u', 't'), 2u);
}

}  // namespace
}  // namespace sluice
