#include "store/journal/name_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sluice {
namespace {

TEST(NameTable, CountsIdsFromZeroAndFindsThemAgain) {
  const auto table = std::make_unique<NameTable>();
  for (std::uint16_t id = 0; id < 100; ++id) {
    EXPECT_EQ(table->size(), id);
    EXPECT_EQ(table->add_or_find("name-" + std::to_string(id)), id);
  }
  for (std::uint16_t id = 0; id < 100; ++id) {
    EXPECT_EQ(table->add_or_find("name-" + std::to_string(id)), id);
    EXPECT_EQ(table->size(), 100);
    EXPECT_EQ(table->name_of(id), "name-" + std::to_string(id));
  }
  EXPECT_EQ(table->name_of(100), std::nullopt);
}

TEST(NameTable, NamesOfAllLengthsThatDifferInOneByte) {
  const auto table = std::make_unique<NameTable>();
  std::uint16_t count = 0;
  for (std::size_t size = 1; size <= 40; ++size) {
    for (std::size_t at = 0; at < size; at += 3) {
      std::string name(size, 'n');
      name[at] = 'x';
      ASSERT_EQ(table->add_or_find(name), count) << name;
      ASSERT_EQ(table->add_or_find(name), count++) << name;
    }
  }
}

TEST(NameTable, AnIdIsThatOfItsNameAndOfNoOther) {
  for (std::size_t size = 0; size <= 70; ++size) {
    const auto table = std::make_unique<NameTable>();
    ASSERT_EQ(table->add_or_find("another"), 0);
    const std::string name(size, 'n');
    ASSERT_EQ(table->add_or_find(name), 1);
    EXPECT_TRUE(table->is(1, name)) << size;
    EXPECT_FALSE(table->is(0, name)) << size;
    EXPECT_FALSE(table->is(2, name)) << size;
    EXPECT_FALSE(table->is(1, name + "n")) << size;
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = name;
      other[at] = 'x';
      EXPECT_FALSE(table->is(1, other)) << size << " " << at;
    }
  }
}

TEST(NameTable, AFullTableKeepsWhatItHas) {
  const auto table = std::make_unique<NameTable>();
  int added = 0;
  for (int i = 0; i < 4 * NameTable::kNames; ++i)
    added += table->add_or_find(std::to_string(i)) != NameTable::kNone ? 1 : 0;
  EXPECT_LE(added, NameTable::kNames);
  EXPECT_GT(added, NameTable::kNames * 9 / 10);
  EXPECT_EQ(table->add_or_find("one more"), NameTable::kNone);
  EXPECT_EQ(table->add_or_find("0"), 0);
}

TEST(NameTable, IsFullWhenItsBytesAre) {
  const auto table = std::make_unique<NameTable>();
  std::size_t bytes = 0;
  for (int i = 0;; ++i) {
    const std::string name = std::to_string(i) + std::string(250, 'x');
    if (table->add_or_find(name) == NameTable::kNone) break;
    bytes += name.size();
    ASSERT_LE(bytes, NameTable::kBytes);
  }
  EXPECT_GT(bytes, NameTable::kBytes - 256);
}

TEST(NameTable, ClearedItCountsFromZeroAgain) {
  const auto table = std::make_unique<NameTable>();
  ASSERT_EQ(table->add_or_find("before"), 0);
  table->clear();
  EXPECT_EQ(table->name_of(0), std::nullopt);
  EXPECT_EQ(table->add_or_find("after"), 0);
  EXPECT_EQ(table->name_of(0), "after");
  EXPECT_EQ(table->add_or_find("before"), 1);
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
