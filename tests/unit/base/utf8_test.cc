#include "base/utf8.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct Utf8Row {
  const char* rule;
  std::string_view text;
  std::size_t invalid_at;
};

constexpr std::size_t kValid = std::string_view::npos;
constexpr Utf8Row kUtf8Rows[] = {
    {"an empty text", "", kValid},
    {"ASCII", "abc", kValid},
    {"two bytes", "\xc2\x80\xdf\xbf", kValid},
    {"three bytes", "\xe0\xa0\x80\xef\xbf\xbf", kValid},
    {"four bytes", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", kValid},
    {"a continuation byte alone", "a\x80", 1},
    {"an overlong slash", "\xc0\xaf", 0},
    {"overlong in three bytes", "\xe0\x9f\xbf", 0},
    {"overlong in four bytes", "\xf0\x8f\xbf\xbf", 0},
    {"a surrogate", "ab\xed\xa0\x80", 2},
    {"above U+10FFFF", "\xf4\x90\x80\x80", 0},
    {"the end comes too early", "abc\xe2\x82", 3},
    {"bytes that never occur", "\xfe", 0},
};

TEST(Utf8, OnlyWellFormedTextPasses) {
  for (const Utf8Row& row : kUtf8Rows)
    EXPECT_EQ(find_invalid_utf8(row.text), row.invalid_at) << row.rule;
}

TEST(Utf8, FirstCharacterIsDecoded) {
  EXPECT_EQ(first_utf8("\xe2\x82\xac!").code, 0x20acu);
  EXPECT_EQ(first_utf8("\xe2\x82\xac!").bytes, 3u);
  EXPECT_EQ(first_utf8("").bytes, 0u);
}

}  // namespace
}  // namespace sluice
