#include "engine/proxy/hide_key.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr std::string_view kKey = "sk-test-0123";

TEST(HideKey, EachOccurrenceIsHidden) {
  BlockPool pool;
  Arena arena(pool);
  EXPECT_EQ(hide_key(arena, "sk-test-0123", kKey), "************");
  EXPECT_EQ(hide_key(arena, "<sk-test-0123sk-test-0123>sk-test-012", kKey),
            "<************************>sk-test-012");
}

TEST(HideKey, WhatDoesNotTellItIsNotCopied) {
  BlockPool pool;
  Arena arena(pool);
  constexpr std::string_view kAnswer = "sk-test-0124";
  EXPECT_EQ(hide_key(arena, kAnswer, kKey).data(), kAnswer.data());
  EXPECT_EQ(hide_key(arena, "", kKey), "");
  EXPECT_EQ(hide_key(arena, "no word is hidden", "word"), "no word is hidden") << "a short key";
  EXPECT_EQ(hide_key(arena, "anything", ""), "anything") << "an account without a key";
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

}  // namespace
}  // namespace sluice
