#include "engine/proxy/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/block_pool.h"
#include "base/prng.h"
#include "base/utf8.h"
#include "parser/json_probe.h"

namespace sluice {
namespace {

constexpr std::string_view kReplaced = "\xef\xbf\xbd";  // U+FFFD

class JsonText : public ::testing::Test {
 protected:
  // What readers of JSON make of `text`: two of them, which must agree.
  std::string read_back(std::string_view text) {
    const std::string escaped(escape_json(arena_, text));
    EXPECT_LE(escaped.size(), text.size() * 6);
    for (const char c : escaped) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << escaped;
    const auto value = nlohmann::json::parse("\"" + escaped + "\"", nullptr, false);
    if (!value.is_string()) return "(no JSON: " + escaped + ")";
    RequestProbe probe;
    ProbeFault fault;
    const std::string document = "{\"user\":\"" + escaped + "\"}";
    if (!prober_.probe(document, arena_, probe, fault)) return "(" + std::string(fault.message);
    EXPECT_EQ(probe.user, value.get<std::string>());
    return value.get<std::string>();
  }

  BlockPool pool_;
  Arena arena_{pool_};
  JsonProber prober_;
};

TEST_F(JsonText, EveryByteIsReadBack) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const std::string seen(byte < 0x80 ? std::string(1, c) : std::string(kReplaced));
    EXPECT_EQ(read_back(std::string(1, c)), seen) << byte;
    EXPECT_EQ(read_back("a" + std::string(1, c) + "b"), "a" + seen + "b") << byte;
  }
}

TEST_F(JsonText, ControlsQuotesAndBackslashesAreEscaped) {
  EXPECT_EQ(escape_json(arena_, "a\"b\\c/d"), "a\\\"b\\\\c/d");
  EXPECT_EQ(escape_json(arena_, std::string_view("\0\t\n\r\x1f\x7f", 6)),
            "\\u0000\\u0009\\u000a\\u000d\\u001f\\u007f");
  EXPECT_EQ(escape_json(arena_, ""), "");
}

struct Utf8Row {
  const char* rule;
  std::string_view text;
  std::size_t replaced;  // bytes that become U+FFFD; the rest of the text is plain
};
constexpr Utf8Row kUtf8Rows[] = {
    {"two bytes", "\u0080\u07ff", 0},
    {"three", "\u0800\ue000\uffff", 0},
    {"four", "\U00010000\U0010ffff", 0},
    {"a character that is cut", "\xe2\x82", 2},
    {"a surrogate", "\xed\xa0\x80", 3},
    {"an overlong slash", "\xc0\xaf", 2},
    {"above the last character", "\xf4\x90\x80\x80", 4},
    {"a byte that never is", "\xff", 1},
};

TEST_F(JsonText, WellFormedCharactersStayAndOthersAreReplacedByteByByte) {
  for (const Utf8Row& row : kUtf8Rows) {
    SCOPED_TRACE(row.rule);
    std::string seen;
    for (std::size_t i = 0; i < row.replaced; ++i) seen += kReplaced;
    if (row.replaced == 0) seen = row.text;
    EXPECT_EQ(read_back(row.text), seen);
    EXPECT_EQ(read_back("\"" + std::string(row.text) + "\n"), "\"" + seen + "\n");
  }
}

TEST_F(JsonText, WhateverTheBytesItIsAJsonString) {
  constexpr std::string_view kLikely =
      "\"\\\n\x7f\x80\xc3\xa9\xe2\x82\xac\xed\xa0\xf0\x9f\x98\x80u";
  Prng prng(11);
  for (int round = 0; round < 3000; ++round) {
    std::string text(prng.below(12), '\0');
    for (char& c : text) {
      const std::uint64_t any = prng.next();
      c = any % 3 == 0 ? static_cast<char>(any >> 8) : kLikely[(any >> 8) % kLikely.size()];
    }
    const std::string seen = read_back(text);
    ASSERT_FALSE(seen.starts_with("(no JSON")) << seen;
    if (find_invalid_utf8(text) == std::string_view::npos) {
      ASSERT_EQ(seen, text);
    }
    arena_.reset();
  }
}

TEST_F(JsonText, NothingIsNull) {
  EXPECT_EQ(quote_or_null(arena_, ""), "null");
  EXPECT_EQ(quote_or_null(arena_, "a\"b"), "\"a\\\"b\"");
}

}  // namespace
}  // namespace sluice
