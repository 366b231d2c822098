#include "engine/route/price_table.h"

#include <gtest/gtest.h>

#include "engine/route/directory.h"

namespace sluice::test {
namespace {

TEST(PriceTable, APriceHoldsFromItsInstantToTheNextOne) {
  PriceTable prices;
  prices.add("m", 1000, {.input = 1});
  prices.add("m", 2000, {.input = 2});
  prices.add("other", 0, {.input = 9});
  EXPECT_EQ(prices.find("m", 999), nullptr);
  EXPECT_EQ(prices.find("m", 1000)->input, 1u);
  EXPECT_EQ(prices.find("m", 1999)->input, 1u);
  EXPECT_EQ(prices.find("m", 2000)->input, 2u);
  EXPECT_EQ(prices.find("m", INT64_MAX)->input, 2u);
  EXPECT_EQ(prices.find("unknown", 1000), nullptr);
}

// The mapping's price goes before the account's, and that before the list's.
TEST(PriceTable, TheNearestPriceCounts) {
  Directory directory;
  directory.prices.add("mapped", 0, {.input = 30});
  directory.prices.add("plain", 0, {.input = 30});
  Account account;
  account.models = {{"mapped", "native", {.input = 10}}, {"plain", "plain", {}}};
  EXPECT_EQ(directory.price_of(account, "mapped", 1).price.input, 10u);
  EXPECT_EQ(directory.price_of(account, "plain", 1).price.input, 30u);
  EXPECT_FALSE(directory.price_of(account, "plain", 1).is_own);
  EXPECT_FALSE(directory.price_of(account, "strange", 1).price.known());
  directory.prices.add("free", 0, {});
  EXPECT_TRUE(directory.price_of(account, "free", 1).price.known());
  account.cost = {.input = 20};
  EXPECT_EQ(directory.price_of(account, "mapped", 1).price.input, 10u);
  EXPECT_EQ(directory.price_of(account, "plain", 1).price.input, 20u);
  EXPECT_TRUE(directory.price_of(account, "plain", 1).is_own);
}

}  // namespace
}  // namespace sluice::test
