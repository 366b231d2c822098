// How the strategies share requests out.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/route/ladder.h"
#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

// The account that the next request for `model` gets; its permit is given back.
std::string pick(Shard& shard, const Directory& directory, std::string_view model = "m") {
  Choice choice = shard.ladder(directory, model).next(kStart);
  if (choice.kind != Choice::Kind::kTry) return "";
  choice.permit.refund(kStart);
  return choice.permit.account()->name;
}

std::map<std::string, int> picks(Shard& shard, const Directory& directory, int count) {
  std::map<std::string, int> counted;
  for (int i = 0; i < count; ++i) ++counted[pick(shard, directory)];
  return counted;
}

void spend(const Directory& directory, std::size_t account, int requests) {
  for (int i = 0; i < requests; ++i) {
    Permit permit = Permit::take(*directory.accounts[account], kStart);
    ASSERT_TRUE(permit.held());
    complete(permit, kStart);
  }
}

TEST(Ordered, TheFirstAccountServesAsLongAsItCan) {
  const Directory directory =
      make_directory({{.name = "a", .rpm_limit = 2}, {.name = "b"}}, Strategy::kOrdered);
  Shard shard;
  EXPECT_EQ(picks(shard, directory, 10), (std::map<std::string, int>{{"a", 10}}));
  spend(directory, 0, 2);
  EXPECT_EQ(pick(shard, directory), "b");
}

TEST(RoundRobin, AccountsTakeTurns) {
  const Directory directory =
      make_directory({{.name = "a"}, {.name = "b"}, {.name = "c"}}, Strategy::kRoundRobin);
  Shard shard;
  std::string order;
  for (int i = 0; i < 7; ++i) order += pick(shard, directory);
  EXPECT_EQ(order, "abcabca");
}

TEST(RoundRobin, TheTurnOfAFullAccountIsNotGivenToItsSuccessor) {
  const Directory directory = make_directory(
      {{.name = "a", .rpm_limit = 1}, {.name = "b"}, {.name = "c"}}, Strategy::kRoundRobin);
  spend(directory, 0, 1);
  Shard shard;
  EXPECT_EQ(picks(shard, directory, 20), (std::map<std::string, int>{{"b", 10}, {"c", 10}}));
}

TEST(RoundRobin, ModelsThatAlternateHaveTurnsOfTheirOwn) {
  const std::vector<ModelMapping> models = {{"m", "m"}, {"n", "n"}};
  const Directory directory = make_directory(
      {{.name = "a", .models = models}, {.name = "b", .models = models}}, Strategy::kRoundRobin);
  Shard shard;
  std::string order;
  for (int i = 0; i < 4; ++i) {
    order += pick(shard, directory, "m");
    order += pick(shard, directory, "n");
  }
  EXPECT_EQ(order, "aabbaabb");
}

TEST(RoundRobin, ATurnOutlivesAReload) {
  const std::vector<AccountRow> rows = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
  const Directory first = make_directory(rows, Strategy::kRoundRobin);
  const Directory second = make_directory(rows, Strategy::kRoundRobin, &first);
  const Directory fewer = make_directory({rows[0]}, Strategy::kRoundRobin, &second);
  Shard shard;
  EXPECT_EQ(pick(shard, first), "a");
  EXPECT_EQ(pick(shard, second), "b");
  EXPECT_EQ(pick(shard, second), "c");
  EXPECT_EQ(pick(shard, fewer), "a");
}

struct WeightRow {
  const char* rule;
  std::uint32_t weight, limit;
  int spent;
};

// Counts over many draws against the shares weight x (limit - used) / limit, within 5 standard
// deviations of each.
void expect_proportional(const std::vector<WeightRow>& rows, std::uint64_t seed) {
  std::vector<AccountRow> accounts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    accounts.push_back(
        {.name = std::to_string(i), .rpm_limit = rows[i].limit, .weight = rows[i].weight});
  }
  const Directory directory = make_directory(accounts, Strategy::kWeighted);
  std::vector<double> shares;
  double sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    spend(directory, i, rows[i].spent);
    shares.push_back(rows[i].weight * (1.0 - rows[i].spent / static_cast<double>(rows[i].limit)));
    sum += shares.back();
  }
  constexpr int kDraws = 40'000;
  Shard shard(seed);
  std::map<std::string, int> counted = picks(shard, directory, kDraws);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << rows[i].rule);
    const double chance = shares[i] / sum;
    const double deviation = std::sqrt(kDraws * chance * (1 - chance));
    EXPECT_NEAR(counted[std::to_string(i)], kDraws * chance, 5 * deviation);
  }
}

const std::vector<WeightRow> kFew = {
    {"unused", 1, 40, 0},
    {"half used", 1, 40, 20},
    {"nearly used", 1, 40, 39},
    {"used up", 1, 40, 40},
    {"unused, thrice the weight", 3, 40, 0},
    {"half used, thrice the weight", 3, 40, 20},
    {"unused, a large limit counts no more than a small one", 1, 1000, 0},
    {"half used, a small limit", 1, 2, 1},
};

TEST(Weighted, TheChanceIsTheWeightTimesTheFreePartOfTheLimit) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) expect_proportional(kFew, seed);
}

TEST(Weighted, ManyAccountsAreSampledWithTheSameChances) {
  std::vector<WeightRow> many;
  for (int i = 0; i < 5; ++i) many.insert(many.end(), kFew.begin(), kFew.end());
  for (std::uint64_t seed = 1; seed <= 3; ++seed) expect_proportional(many, seed);
  for (WeightRow& row : many) {  // so that the draws are mostly in vain, and the scan decides
    row.spent = static_cast<int>(row.limit);
  }
  many[7].spent = many[11].spent = many[37].spent = 1;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) expect_proportional(many, seed);
}

TEST(Weighted, NothingSpentMeansNothingLost) {
  // Requests that follow one another settle on all accounts alike: none is spent before the others.
  std::vector<AccountRow> rows;
  for (int i = 0; i < 11; ++i) rows.push_back({.name = std::to_string(i)});
  const Directory directory = make_directory(rows, Strategy::kWeighted);
  Shard shard;
  for (int i = 0; i < 11 * 40; ++i) {
    Choice choice = shard.ladder(directory, "m").next(kStart);
    ASSERT_EQ(choice.kind, Choice::Kind::kTry) << "after " << i;
    complete(choice.permit, kStart);
  }
  EXPECT_EQ(shard.ladder(directory, "m").next(kStart).kind, Choice::Kind::kExhausted);
}

TEST(Weighted, TheSameSeedMakesTheSameChoices) {
  std::vector<AccountRow> rows;
  for (int i = 0; i < 30; ++i) rows.push_back({.name = std::to_string(i)});
  const Directory directory = make_directory(rows, Strategy::kWeighted);
  Shard one(7);
  Shard two(7);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pick(one, directory), pick(two, directory));
}

}  // namespace
}  // namespace sluice::test
