#include "engine/proxy/head_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/block_pool.h"

namespace sluice {
namespace {

class HeadTextTest : public ::testing::Test {
 protected:
  BlockPool pool_;
  Arena arena_{pool_};
};

TEST_F(HeadTextTest, FieldsAndTextsFollowEachOther) {
  HeadText text(arena_, 64);
  text.add("HTTP/1.1 ").add(200).add("\r\n").field("a", "b").field("n", 42).add("\r\n");
  EXPECT_EQ(text.take(), "HTTP/1.1 200\r\na: b\r\nn: 42\r\n\r\n");
}

TEST_F(HeadTextTest, NumbersOfAnySize) {
  HeadText text(arena_, 64);
  text.add(std::numeric_limits<std::int64_t>::min()).add(" ").add(0).add(" ");
  text.add(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(text.take(), "-9223372036854775808 0 9223372036854775807");
}

TEST_F(HeadTextTest, WhatIsTakenStaysAndIsNotTakenAgain) {
  HeadText text(arena_, 16);
  const std::string_view first = text.add("one").take();
  const std::string_view second = text.add("two").take();
  EXPECT_EQ(first, "one");
  EXPECT_EQ(second, "two");
  EXPECT_EQ(text.take(), "");
  EXPECT_EQ(second.data(), first.data() + 3);  // no copy, no gap
}

TEST_F(HeadTextTest, TheLastByteFitsAndNoMore) {
  HeadText text(arena_, 4);
  EXPECT_EQ(text.add("ab").add("").add(12).take(), "ab12");
  EXPECT_DEATH(text.add("x"), "");
  EXPECT_DEATH(text.add(1), "");
}

}  // namespace
}  // namespace sluice
