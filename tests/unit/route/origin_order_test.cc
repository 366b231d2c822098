#include "engine/route/origin_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/prng.h"
#include "engine/route/affinity.h"
#include "engine/route/origin_distances.h"
#include "engine/route/route.h"

namespace sluice::test {
namespace {

struct Named {
  std::string name;
  std::uint32_t weight = 1;
};

OriginOrder order_of(const std::vector<Named>& accounts) {
  std::vector<Candidate> candidates;
  for (const Named& account : accounts) {
    Candidate& candidate = candidates.emplace_back();
    candidate.name_hash = hash_text(account.name);
    candidate.weight = account.weight;
  }
  return OriginOrder(candidates);
}

std::vector<Named> many(std::uint32_t count, std::uint32_t weights = 1) {
  std::vector<Named> accounts;
  for (std::uint32_t i = 0; i < count; ++i)
    accounts.push_back({"team-" + std::to_string(i), 1 + i % weights});
  return accounts;
}

// Of each origin, the account that it asks first.
std::vector<std::string> homes(const std::vector<Named>& accounts, int origins) {
  const OriginOrder order = order_of(accounts);
  std::vector<std::string> found;
  for (int i = 0; i < origins; ++i) {
    OriginDistances distances(order, origin_of("session-" + std::to_string(i)));
    found.push_back(accounts.at(distances.nearest()).name);
  }
  return found;
}

// Within 5 standard deviations of each share.
TEST(OriginOrder, EachIsHomeToAsManyOriginsAsItsWeightSays) {
  constexpr int kOrigins = 100'000;
  for (const auto& accounts : {many(2), many(11), many(37, 5), many(1000, 3),
                               std::vector<Named>{{"heavy", 1000}, {"light"}, {"medium", 30}}}) {
    std::map<std::string, int> counted;
    for (const std::string& home : homes(accounts, kOrigins)) ++counted[home];
    double sum = 0;
    for (const Named& account : accounts) sum += account.weight;
    for (const Named& account : accounts) {
      const double chance = account.weight / sum;
      EXPECT_NEAR(counted[account.name], kOrigins * chance,
                  5 * std::sqrt(kOrigins * chance * (1 - chance)))
          << account.name << " of " << accounts.size();
    }
  }
}

// Added before, among and behind the others, which keep their weights or not all have the same.
TEST(OriginOrder, OneThatComesTakesItsShareAndMovesNoOther) {
  constexpr int kOrigins = 50'000;
  for (const std::uint32_t count : {1, 10, 31, 32, 33, 64, 999}) {
    for (const std::uint32_t weight : {1, 4}) {
      const std::vector<Named> before = many(count, weight);
      const std::vector<std::string> old_homes = homes(before, kOrigins);
      double sum = weight;
      for (const Named& account : before) sum += account.weight;
      for (const std::uint32_t place : {0U, count / 2, count}) {
        std::vector<Named> after = before;
        after.insert(after.begin() + place, {"new", weight});
        const std::vector<std::string> new_homes = homes(after, kOrigins);
        int moved = 0;
        for (std::size_t i = 0; i < new_homes.size(); ++i) {
          if (new_homes[i] == old_homes[i]) continue;
          ASSERT_EQ(new_homes[i], "new") << "origin " << i << " of " << count;
          ++moved;
        }
        const double share = weight / sum;
        EXPECT_NEAR(moved, kOrigins * share, 5 * std::sqrt(kOrigins * share * (1 - share)));
      }
    }
  }
}

TEST(OriginOrder, TheOriginsOfOneThatGoesSpreadOverTheOthers) {
  constexpr int kOrigins = 50'000;
  const std::vector<Named> before = many(20);
  std::vector<Named> after = before;
  after.erase(after.begin() + 7);
  const std::vector<std::string> old_homes = homes(before, kOrigins);
  const std::vector<std::string> new_homes = homes(after, kOrigins);
  std::map<std::string, int> heirs;
  for (std::size_t i = 0; i < old_homes.size(); ++i) {
    if (old_homes[i] == "team-7") ++heirs[new_homes[i]];
    else ASSERT_EQ(new_homes[i], old_homes[i]);
  }
  EXPECT_EQ(heirs.size(), 19u);
  for (const auto& [name, count] : heirs)
    EXPECT_NEAR(count, 2500.0 / 19, 5 * std::sqrt(2500.0 / 19));
}

TEST(OriginOrder, EachIsAskedOnceFromTheNearestOn) {
  for (const std::uint32_t count : {0, 1, 7, 8, 9, 100, 1024}) {
    const OriginOrder order = order_of(many(count, 3));
    OriginDistances distances(order, origin_of("ada"));
    ASSERT_EQ(distances.size(), count);
    std::set<std::uint32_t> asked;
    float last = 0;
    for (std::uint32_t n = distances.nearest(); n != count; n = distances.nearest()) {
      ASSERT_LT(n, count);
      EXPECT_GE(distances.of(n), last);
      EXPECT_TRUE(asked.insert(n).second);
      last = distances.of(n);
      distances.leave_out(n);
    }
    EXPECT_EQ(asked.size(), count);
  }
}

TEST(OriginOrder, EveryProcessorMeasuresTheSame) {
  const OriginOrder order = order_of(many(1021, 7));
  std::array<float, kDirectoryAccountsMax> fast;
  std::array<float, kDirectoryAccountsMax> plain;
  Prng prng(1);
  for (int i = 0; i < 200; ++i) {
    const auto seed = static_cast<std::uint32_t>(prng.next());
    order.at_least(seed, fast.data());
    order.at_least_plain(seed, plain.data());
    for (std::uint32_t n = 0; n < order.size(); ++n) {
      ASSERT_EQ(fast[n], plain[n]) << i << ' ' << n;
      ASSERT_LE(plain[n], order.distance(seed, n));
    }
    std::fill(fast.begin() + order.size(), fast.end(), 1e9F);
    ASSERT_EQ(first_of_lowest(fast.data(), order.size()),
              first_of_lowest_plain(plain.data(), order.size()));
  }
}

// A distance is -ln(1 - v) / weight: their mean is 1 / weight, and a third of them is less than
// ln(3/2) / weight.
TEST(OriginOrder, DistancesAreExponential) {
  const OriginOrder order = order_of({{"a", 1}, {"b", 3}});
  constexpr int kOrigins = 200'000;
  double sums[2] = {};
  int near = 0;
  for (int i = 0; i < kOrigins; ++i) {
    const OriginDistances distances(order, origin_of(std::to_string(i)));
    for (std::uint32_t n : {0U, 1U}) sums[n] += distances.of(n);
    near += distances.of(1) < std::log(1.5F) / 3;
  }
  EXPECT_NEAR(sums[0] / kOrigins, 1, 5 / std::sqrt(kOrigins));
  EXPECT_NEAR(sums[1] / kOrigins, 1.0 / 3, 5 / 3.0 / std::sqrt(kOrigins));
  EXPECT_NEAR(near, kOrigins / 3.0, 5 * std::sqrt(kOrigins * 2 / 9.0));
}

}  // namespace
}  // namespace sluice::test
