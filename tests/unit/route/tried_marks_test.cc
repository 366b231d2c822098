#include "engine/route/tried_marks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <new>

#include "base/prng.h"

namespace sluice {
namespace {

constexpr std::uint32_t kLast = kDirectoryAccountsMax - 1;

using Bits = std::bitset<kDirectoryAccountsMax>;

bool same(const TriedMarks& marks, const Bits& bits) {
  for (std::uint32_t i = 0; i < bits.size(); ++i) {
    if (marks.has(i) != bits[i]) return false;
  }
  return marks.any() == bits.any();
}

TEST(TriedMarks, HasNoneAtFirst) { EXPECT_TRUE(same(TriedMarks(), Bits())); }

// The memory that it is made in had marks everywhere.
TEST(TriedMarks, HasNoneWhereAnotherHadAll) {
  alignas(TriedMarks) unsigned char place[sizeof(TriedMarks)];
  std::ranges::fill(place, std::uint8_t{0xff});
  auto* const marks = new (place) TriedMarks;
  EXPECT_TRUE(same(*marks, Bits()));
  marks->set(kLast);
  EXPECT_TRUE(same(*marks, Bits().set(kLast)));
}

TEST(TriedMarks, ClearsThoseOfOthersOnBothSidesOfTheFirstWord) {
  TriedMarks marks, others;
  for (const std::uint32_t position : {0u, 63u, 64u, 65u, kLast}) marks.set(position);
  for (const std::uint32_t position : {63u, 64u, 100u}) others.set(position);
  marks.clear_all_of(others);
  EXPECT_TRUE(same(marks, Bits().set(0).set(65).set(kLast)));
  marks.clear_all_of(TriedMarks());
  EXPECT_TRUE(same(marks, Bits().set(0).set(65).set(kLast)));
  others = TriedMarks();
  others.clear_all_of(marks);
  EXPECT_FALSE(others.any());
}

// Marks and copies of them behave as a plain set of bits does, whatever is done to them.
TEST(TriedMarks, AreASetOfBits) {
  for (const std::uint64_t positions : {70u, 1024u}) {
    Prng prng(positions);
    TriedMarks marks[2];
    Bits bits[2];
    for (int step = 0; step < 20'000; ++step) {
      const std::uint64_t one = prng.below(2);
      const auto position = static_cast<std::uint32_t>(prng.below(positions));
      switch (prng.below(8)) {
        case 0: marks[one].clear_all_of(marks[1 - one]), bits[one] &= ~bits[1 - one]; break;
        case 1: marks[one] = marks[1 - one], bits[one] = bits[1 - one]; break;
        case 2: marks[one] = TriedMarks(marks[one]); break;
        case 3:
        case 4: marks[one].clear(position), bits[one].reset(position); break;
        case 5:
          if (prng.below(50) == 0) marks[one] = TriedMarks(), bits[one].reset();
          break;
        default: marks[one].set(position), bits[one].set(position); break;
      }
      ASSERT_EQ(marks[one].has(position), bits[one][position]);
      if (step % 100 == 0) {
        ASSERT_TRUE(same(marks[one], bits[one]));
      }
    }
    EXPECT_TRUE(same(marks[0], bits[0]) && same(marks[1], bits[1]));
  }
}

}  // namespace
}  // namespace sluice
