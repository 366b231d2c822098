#include "parser/scan.h"

#include <gtest/gtest.h>

#include <string>

#include "base/prng.h"
#include "tests/unit/guard_page.h"

namespace sluice {
namespace {

TEST(Scan, TokenBytesAreThoseOfRfc9110) {
  const std::string_view others = "!#$%&'*+-.^_`|~";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool expected = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || (byte != 0 && others.find(c) != others.npos);
    EXPECT_EQ(is_token_byte(c), expected) << byte;
  }
}

TEST(Scan, EveryByteIsFoundAtEveryPlaceAsTheScalarFormFindsIt) {
  GuardedBytes memory(160);
  for (const std::size_t size :
       {0u, 1u, 2u, 7u, 15u, 16u, 17u, 31u, 32u, 33u, 47u, 63u, 64u, 65u, 79u, 130u}) {
    for (std::size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string bytes(size, 'a');
        bytes[place] = static_cast<char>(byte);
        const std::string_view text = memory.place(bytes);
        for (const std::size_t from : {std::size_t{0}, place / 2, place, place + 1}) {
          ASSERT_EQ(find_control(text, from), find_control_scalar(text, from)) << byte;
          ASSERT_EQ(control_bits(text, from), control_bits_scalar(text, from)) << byte;
          ASSERT_EQ(find_token_end(text, from), find_token_end_scalar(text, from)) << byte;
          ASSERT_EQ(find_plain_name_end(text, from), find_plain_name_end_scalar(text, from))
              << byte;
          ASSERT_EQ(find_target_end(text, from), find_target_end_scalar(text, from)) << byte;
          ASSERT_EQ(find_string_stop(text, from), find_string_stop_scalar(text, from)) << byte;
        }
      }
    }
  }
}

TEST(Scan, BothFormsAgreeOnRandomBytesAtEveryAlignment) {
  Prng random(1);
  GuardedBytes memory(512);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(random.below(200) + 64, '\0');
    // Mostly harmless bytes, or the searches would end at once.
    const std::uint64_t odd = random.below(40) + 1;
    for (char& c : bytes)
      c = static_cast<char>(random.below(odd) == 0 ? random.below(256) : 'a' + random.below(26));
    const std::string_view text = memory.place(bytes);
    for (std::size_t from = 0; from < 64; ++from) {
      ASSERT_EQ(find_control(text, from), find_control_scalar(text, from));
      ASSERT_EQ(control_bits(text, from), control_bits_scalar(text, from));
      ASSERT_EQ(find_token_end(text, from), find_token_end_scalar(text, from));
      ASSERT_EQ(find_plain_name_end(text, from), find_plain_name_end_scalar(text, from));
      ASSERT_EQ(find_target_end(text, from), find_target_end_scalar(text, from));
      ASSERT_EQ(find_string_stop(text, from), find_string_stop_scalar(text, from));
    }
  }
}

TEST(Scan, SpacesAndTabsAreTrimmedAndNothingElse) {
  EXPECT_EQ(trim_blanks(" \t a b\t "), "a b");
  EXPECT_EQ(trim_blanks("\v a\f"), "\v a\f");
  EXPECT_EQ(trim_blanks(" \t "), "");
  EXPECT_EQ(trim_blanks(""), "");
}

}  // namespace
}  // namespace sluice
