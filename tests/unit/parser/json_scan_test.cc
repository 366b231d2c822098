#include "parser/json_scan.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/prng.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

struct Hit {
  std::size_t at;  // behind the opening quote
  std::int64_t depth;
  friend bool operator==(const Hit&, const Hit&) = default;
};

void PrintTo(const Hit& hit, std::ostream* out) { *out << hit.at << '@' << hit.depth; }

// All strings that begin with one of the letters, byte by byte.
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
      const char first = i + 1 < text.size() ? text[i + 1] : 'u';
      if ((first == 'u' || first == 't') && depth <= depth_max) hits.push_back({i + 1, depth});
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return hits;
}

// What JsonScan finds when the text comes in pieces of `piece` bytes. A quote at the end of a piece
// counts whatever follows: those that turn out to begin otherwise are left out here.
std::vector<Hit> found_hits(std::string_view text, std::int64_t depth_max, std::size_t piece) {
  JsonScan scan('u', 't', depth_max);
  GuardedBytes guarded(text.size());
  std::vector<Hit> hits;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view in = guarded.place(text.substr(at, piece));
    std::size_t done = 0;
    while (done < in.size()) {
      const JsonScan::Step step = scan.seek(in.substr(done));
      done += step.consumed;
      const std::size_t hit = at + done;
      const char first = hit < text.size() ? text[hit] : 'u';
      if (step.found && (first == 'u' || first == 't')) hits.push_back({hit, scan.depth()});
    }
    at += in.size();
  }
  return hits;
}

TEST(JsonScanTest, FindsNamesNearTheTop) {
  const std::string_view text =
      R"({"usage":1,"a":{"type":[{"u":{"u":0}}]},"x\"u":"t\\","\\":"u\\\"","user":2})";
  EXPECT_EQ(found_hits(text, 3, text.size()), expected_hits(text, 3));
  EXPECT_EQ(expected_hits(text, 3).size(), 5u);
}

TEST(JsonScanTest, FindsTheSameInPiecesOfAnySize) {
  Prng prng(11);
  static constexpr std::string_view kAlphabet = "\"\"\"\\\\{}[]ut:, x";
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (int i = 0; i < 300; ++i) text += kAlphabet[prng.next() % kAlphabet.size()];
    const auto expected = expected_hits(text, 2);
    for (const std::size_t piece : {1u, 2u, 7u, 63u, 64u, 65u, 128u, 300u})
      ASSERT_EQ(found_hits(text, 2, piece), expected) << text << ' ' << piece;
  }
}

TEST(JsonScanTest, BlocksAreTheSameWithAndWithoutSimd) {
  Prng prng(5);
  for (int round = 0; round < 2000; ++round) {
    std::array<char, 64> bytes;
    for (char& c : bytes) c = static_cast<char>(prng.next());
    for (int i = 0; i < 16; ++i) bytes[prng.next() % 64] = "\"\\{}[]ut"[prng.next() % 8];
    const JsonBlock fast = read_json_block(bytes.data(), 'u', 't');
    const JsonBlock slow = read_json_block_scalar(bytes.data(), 'u', 't');
    ASSERT_EQ(fast.quotes, slow.quotes);
    ASSERT_EQ(fast.backslashes, slow.backslashes);
    ASSERT_EQ(fast.opens, slow.opens);
    ASSERT_EQ(fast.closes, slow.closes);
    ASSERT_EQ(fast.letters, slow.letters);
  }
}

}  // namespace
}  // namespace sluice
