#include "engine/route/label_names.h"

#include <gtest/gtest.h>

#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

TEST(LabelNames, ANameHasOneNumber) {
  LabelNames names;
  const Label a = names.add("a");
  EXPECT_EQ(names.add("b"), a + 1);
  EXPECT_EQ(names.add("a"), a);
  EXPECT_EQ(names.text(a), "a");
  EXPECT_EQ(names.add(""), LabelNames::kNone);
  EXPECT_EQ(names.add("other"), LabelNames::kOther);  // an account of that name adds to it
}

TEST(LabelNames, BeyondTheLimitNamesAreOther) {
  LabelNames names(4);
  EXPECT_EQ(names.add("a"), 2);
  EXPECT_EQ(names.add("b"), 3);
  EXPECT_EQ(names.add("c"), LabelNames::kOther);
  EXPECT_EQ(names.add("b"), 3);
  EXPECT_EQ(names.size(), 4u);
  EXPECT_FALSE(names.knows(4));
  EXPECT_EQ(names.text(4), "");
}

TEST(LabelNames, ADirectoryGoesOnWithTheNumbersOfTheOneBefore) {
  const Directory first =
      make_directory({{.name = "a", .models = {{"x", "vendor/x"}}}, {.name = "b"}});
  const Label a = first.accounts[0]->label;
  const Label b = first.accounts[1]->label;
  const Label x = first.find_route("x")->label;
  EXPECT_EQ(first.labels.text(a), "a");
  EXPECT_EQ(first.labels.text(x), "x");
  EXPECT_NE(a, b);

  // "b" has gone, "c" is new, and "x" is another account's.
  const Directory second = make_directory(
      {{.name = "c", .models = {{"x", "vendor/x"}, {"y", "vendor/y"}}}, {.name = "a"}},
      Strategy::kOrdered, &first);
  EXPECT_EQ(second.accounts[1]->label, a);
  EXPECT_EQ(second.find_route("x")->label, x);
  EXPECT_EQ(second.labels.text(b), "b");
  const Label c = second.accounts[0]->label;
  EXPECT_EQ(second.labels.text(c), "c");
  EXPECT_FALSE(first.labels.knows(c));

  const Directory third = make_directory({{.name = "b"}}, Strategy::kOrdered, &second);
  EXPECT_EQ(third.accounts[0]->label, b);
}

TEST(LabelNames, OnlyMappedModelsHaveNames) {  // labels never come from a client's bytes
  const Directory directory =
      make_directory({{.name = "a", .models = {{"x", "vendor/x"}}}, {.name = "b", .prefix = "p/"}});
  EXPECT_EQ(directory.labels.text(directory.find_route("x")->label), "x");
  EXPECT_EQ(directory.find_route("p/anything")->label, LabelNames::kOther);
  EXPECT_EQ(directory.find_route("")->label, LabelNames::kOther);
}

}  // namespace
}  // namespace sluice::test
