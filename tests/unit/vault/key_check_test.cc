// The key check value: which master key a database belongs to.
#include "store/vault/key_check.h"

#include <gtest/gtest.h>

#include "tests/unit/vault/keys.h"

namespace sluice {
namespace {

constexpr std::int64_t kMade = 1'768'480'496'000;  // 2026-01-15

TEST(KeyCheck, TheRightKeyIsKnownAndTellsWhenItWasSet) {
  const auto checked = KeyCheck::check(key_of('1'), KeyCheck::make(key_of('1'), kMade));
  ASSERT_TRUE(checked);
  EXPECT_EQ(*checked, kMade);
}

TEST(KeyCheck, TellsWhoseItIsWithoutTheKey) {
  EXPECT_EQ(KeyCheck::key_of(KeyCheck::make(key_of('1'), kMade))->text(), key_of('1').id().text());
  EXPECT_FALSE(KeyCheck::key_of("short"));
  EXPECT_FALSE(KeyCheck::key_of(std::string(40, '\0')));
}

TEST(KeyCheck, AWrongKeyIsExplained) {
  const auto checked = KeyCheck::check(key_of('2'), KeyCheck::make(key_of('1'), kMade));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().fault, KeyCheckFault::kOtherKey);
  const std::string text = checked.error().text("SIDECAR_ENCRYPTION_KEY", "/var/lib/sluice");
  for (const std::string& part :
       {std::string("SIDECAR_ENCRYPTION_KEY: this is not the key of /var/lib/sluice"),
        key_of('1').id().text(), key_of('2').id().text(), std::string("2026-01-15"),
        std::string("start with the former key"), std::string("Nothing was changed")})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in " << text;
}

TEST(KeyCheck, EveryBitCounts) {
  const MasterKey key = key_of('1');
  const std::string value = KeyCheck::make(key, kMade);
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string other = value;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ 1 << bit % 8);
    const auto checked = KeyCheck::check(key, other);
    ASSERT_FALSE(checked) << "bit " << bit;
    const bool in_id = bit >= 9 * 8 && bit < 17 * 8;
    EXPECT_EQ(checked.error().fault, in_id ? KeyCheckFault::kOtherKey : KeyCheckFault::kDamaged);
    EXPECT_NE(checked.error().text("a", "b").find("Nothing was changed"), std::string::npos);
  }
}

TEST(KeyCheck, EveryLengthButItsOwnIsDamage) {
  const MasterKey key = key_of('1');
  const std::string value = KeyCheck::make(key, kMade);
  for (std::size_t size = 0; size < value.size(); ++size) {
    const auto checked = KeyCheck::check(key, value.substr(0, size));
    ASSERT_FALSE(checked) << size;
    EXPECT_EQ(checked.error().fault, KeyCheckFault::kDamaged) << size;
  }
}

// A time that only damage makes does not end in a date of the year 292277026.
TEST(KeyCheck, ADamagedTimeIsNotShown) {
  const std::string value = "\x7f" + KeyCheck::make(key_of('1'), kMade).substr(1);
  const auto checked = KeyCheck::check(key_of('2'), value);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().text("a", "b").find("set on"), std::string::npos);
}

}  // namespace
}  // namespace sluice
