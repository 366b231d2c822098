#include "engine/route/retry_budget.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace sluice::test {
namespace {

constexpr Instant kT0 = Instant(1000s);

struct Row {
  const char* rule;
  RetryBudgetPolicy policy;
  int requests;
  int retries;  // that are allowed then
};

constexpr Row kRows[] = {
    {"without traffic the floor", {}, 0, 10},
    {"a fifth of the traffic", {}, 1'000, 200},
    {"a quiet shard has the floor", {}, 9, 10},
    {"parts of a retry are none", {.min_per_second = 0}, 9, 1},
    {"another ratio", {.ratio = 0.5}, 100, 50},
    {"no ratio", {.ratio = 0}, 1'000, 10},
    {"no floor", {.min_per_second = 0}, 100, 20},
    {"none at all", {.ratio = 0, .min_per_second = 0}, 100, 0},
    {"less than one a second", {.ratio = 0, .min_per_second = 0.25}, 100, 2},
    {"another window", {.ratio = 0.2, .min_per_second = 1, .window = 30s}, 100, 30},
};

int drain(RetryBudget& budget, Instant now, const RetryBudgetPolicy& policy) {
  int taken = 0;
  while (budget.take(now, policy)) ++taken;
  return taken;
}

TEST(RetryBudget, Rows) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.rule);
    RetryBudget budget;
    for (int i = 0; i < row.requests; ++i) budget.request(kT0, row.policy);
    EXPECT_EQ(drain(budget, kT0, row.policy), row.retries);
    EXPECT_LT(budget.left(row.policy), 1);
  }
}

TEST(RetryBudget, TrafficAndRetriesAreForgottenAfterTheWindow) {
  RetryBudget budget;
  for (int i = 0; i < 100; ++i) budget.request(kT0, {});
  EXPECT_EQ(drain(budget, kT0 + 5s, {}), 20);
  EXPECT_EQ(drain(budget, kT0 + 9s, {}), 0);
  // The requests have gone, the retries have not: a debt.
  EXPECT_EQ(drain(budget, kT0 + 10s, {}), 0);
  EXPECT_EQ(drain(budget, kT0 + 14s, {}), 0);
  EXPECT_EQ(drain(budget, kT0 + 15s, {}), 10);
}

TEST(RetryBudget, AnOutageIsNotMultiplied) {
  RetryBudget budget;
  int tries = 0;
  constexpr int kRequests = 100 * 60;
  for (int i = 0; i < kRequests; ++i) {
    const Instant now = kT0 + 10ms * i;
    budget.request(now, {});
    ++tries;
    for (int account = 1; account < 11 && budget.take(now, {}); ++account) ++tries;
  }
  EXPECT_LE(tries, kRequests * 1.22 + 10);
  EXPECT_GE(tries, kRequests * 1.15);
}

}  // namespace
}  // namespace sluice::test
