#include "engine/route/weighted_draw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/prng.h"

namespace sluice::test {
namespace {

struct DrawRow {
  const char* rule;
  std::vector<std::uint32_t> weights;
};

std::vector<std::uint32_t> one_heavy() {
  std::vector<std::uint32_t> weights(1000, 1);
  weights[500] = 1000;
  return weights;
}

std::vector<std::uint32_t> rising() {
  std::vector<std::uint32_t> weights(37);
  std::iota(weights.begin(), weights.end(), 1);
  return weights;
}

const std::vector<DrawRow> kDrawRows = {
    {"one alone is always drawn", {5}},
    {"equal ones evenly", {2, 2, 2}},
    {"a heavier one more often", {1, 3}},
    {"a light one among heavy ones less", {1000, 1, 1000}},
    {"one that weighs as much as all others", one_heavy()},
    {"each as its own weight says", rising()},
};

// Counts against the chances, within 5 standard deviations of each.
TEST(WeightedDraw, ChancesAreTheWeights) {
  constexpr int kDraws = 200'000;
  for (const DrawRow& row : kDrawRows) {
    const WeightedDraw draw(row.weights);
    const double sum = std::accumulate(row.weights.begin(), row.weights.end(), 0.0);
    std::vector<int> counted(row.weights.size());
    Prng prng(1);
    for (int i = 0; i < kDraws; ++i) ++counted.at(draw.draw(prng));
    for (std::size_t i = 0; i < counted.size(); ++i) {
      const double chance = row.weights[i] / sum;
      EXPECT_NEAR(counted[i], kDraws * chance, 5 * std::sqrt(kDraws * chance * (1 - chance)))
          << row.rule << ", number " << i;
    }
  }
}

}  // namespace
}  // namespace sluice::test
