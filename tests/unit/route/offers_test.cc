#include "engine/route/offers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/prng.h"

namespace sluice::test {
namespace {

std::vector<std::uint32_t> all_of(Offers& offers) {
  std::vector<std::uint32_t> numbers;
  while (const auto number = offers.next()) numbers.push_back(*number);
  return numbers;
}

TEST(Offers, NoneAreThereBeforeAnyIsAdded) {
  Offers offers;
  EXPECT_EQ(offers.next(), std::nullopt);
}

TEST(Offers, TheLowestScoreComesFirstAndOfEqualsTheLowestNumber) {
  Offers offers;
  offers.add(2, 0);
  offers.add(1, 7);
  offers.add(1, 3);
  offers.add(0.5, 9);
  EXPECT_EQ(all_of(offers), (std::vector<std::uint32_t>{9, 3, 7, 0}));
}

TEST(Offers, AsManyAsADirectoryHas) {
  Prng prng(1);
  Offers offers;
  std::vector<std::tuple<double, std::uint32_t>> sorted;
  for (std::uint32_t i = 0; i < kDirectoryAccountsMax; ++i) {
    const auto score = static_cast<double>(prng.below(100));
    offers.add(score, i);
    sorted.emplace_back(score, i);
  }
  std::ranges::sort(sorted);
  std::vector<std::uint32_t> expected;
  for (const auto& [score, number] : sorted) expected.push_back(number);
  EXPECT_EQ(all_of(offers), expected);
}

}  // namespace
}  // namespace sluice::test
