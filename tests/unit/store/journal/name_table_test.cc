#include "store/journal/name_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sluice {
namespace {

TEST(NameTable, CountsIdsFromZeroAndFindsThemAgain) {
  const auto table = std::make_unique<NameTable>();
  for (std::uint16_t id = 0; id < 100; ++id) {
    const auto added = table->add_or_find("name-" + std::to_string(id));
    ASSERT_TRUE(added);
    EXPECT_TRUE(added->is_new);
    EXPECT_EQ(added->id, id);
  }
  for (std::uint16_t id = 0; id < 100; ++id) {
    const auto found = table->add_or_find("name-" + std::to_string(id));
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->is_new);
    EXPECT_EQ(found->id, id);
    EXPECT_EQ(table->name_of(id), "name-" + std::to_string(id));
  }
  EXPECT_EQ(table->name_of(100), std::nullopt);
}

TEST(NameTable, AFullTableKeepsWhatItHas) {
  const auto table = std::make_unique<NameTable>();
  int added = 0;
  for (int i = 0; i < 4 * NameTable::kNames; ++i)
    added += table->add_or_find(std::to_string(i)).has_value() ? 1 : 0;
  EXPECT_LE(added, NameTable::kNames);
  EXPECT_GT(added, NameTable::kNames * 9 / 10);
  EXPECT_EQ(table->add_or_find("one more"), std::nullopt);
  EXPECT_EQ(table->add_or_find("0")->id, 0);
}

TEST(NameTable, IsFullWhenItsBytesAre) {
  const auto table = std::make_unique<NameTable>();
  std::size_t bytes = 0;
  for (int i = 0;; ++i) {
    const std::string name = std::to_string(i) + std::string(250, 'x');
    if (!table->add_or_find(name)) break;
    bytes += name.size();
    ASSERT_LE(bytes, NameTable::kBytes);
  }
  EXPECT_GT(bytes, NameTable::kBytes - 256);
}

TEST(NameTable, ClearedItCountsFromZeroAgain) {
  const auto table = std::make_unique<NameTable>();
  ASSERT_TRUE(table->add_or_find("before"));
  table->clear();
  EXPECT_EQ(table->name_of(0), std::nullopt);
  const auto added = table->add_or_find("after");
  ASSERT_TRUE(added);
  EXPECT_EQ(added->id, 0);
  EXPECT_EQ(table->name_of(0), "after");
  EXPECT_TRUE(table->add_or_find("before")->is_new);
}

TEST(NameTable, DefinedIdsMayHaveGaps) {
  const auto table = std::make_unique<NameTable>();
  EXPECT_TRUE(table->define(5, "five"));
  EXPECT_EQ(table->name_of(4), std::nullopt);
  EXPECT_EQ(table->name_of(5), "five");
  EXPECT_TRUE(table->define(4, "four"));
  EXPECT_EQ(table->name_of(4), "four");
  EXPECT_TRUE(table->define(5, "five"));
  EXPECT_FALSE(table->define(5, "another"));
  EXPECT_EQ(table->name_of(5), "five");
  EXPECT_FALSE(table->define(NameTable::kNames, "beyond"));
}

}  // namespace
}  // namespace sluice
