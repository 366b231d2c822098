#include "base/intrusive_list.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

struct Item : ListNode {
  explicit Item(char name) : name(name) {}
  char name;
};

std::string names_of(IntrusiveList<Item>& list) {
  std::string names;
  for (Item* item = list.front(); item != nullptr; item = list.after(*item)) names += item->name;
  return names;
}

TEST(IntrusiveList, KeepsTheOrderOfInsertion) {
  Item a('a'), b('b'), c('c');
  IntrusiveList<Item> list;
  EXPECT_EQ(list.front(), nullptr);
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  EXPECT_EQ(names_of(list), "abc");
  EXPECT_EQ(list.back(), &c);
  b.unlink();
  EXPECT_EQ(names_of(list), "ac");
  EXPECT_FALSE(b.linked());
  b.unlink();  // again is harmless
  EXPECT_EQ(list.pop_front(), &a);
  EXPECT_EQ(list.pop_front(), &c);
  EXPECT_EQ(list.pop_front(), nullptr);
  EXPECT_TRUE(list.empty());
}

TEST(IntrusiveListDeath, ALinkedItemMustNotDieNorBeInsertedTwice) {
  EXPECT_DEATH(
      {
        IntrusiveList<Item> list;
        Item item('a');
        list.push_back(item);
        list.push_back(item);
      },
      "invariant does not hold");
}

}  // namespace
}  // namespace sluice
