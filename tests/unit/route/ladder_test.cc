#include "engine/route/ladder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

// The names of the accounts that one ladder tries when each try ends with `outcome`.
std::vector<std::string> tries(Ladder ladder, TryOutcome outcome, Instant now = kStart) {
  std::vector<std::string> names;
  for (Choice choice = ladder.next(now); choice.kind == Choice::Kind::kTry;
       choice = ladder.next(now)) {
    names.push_back(choice.permit.account()->name);
    choice.permit.settle_sent(now);
    ladder.report(choice.permit, outcome, {}, now);
  }
  return names;
}

TEST(Ladder, OrderedTriesInTheOrderOfTheConfigurationAndFallbackLast) {
  const Directory directory = make_directory({{.name = "a", .pool = Pool::kFallback, .models = {}},
                                              {.name = "b", .models = {}},
                                              {.name = "c", .models = {}}});
  Shard shard;
  EXPECT_EQ(tries(shard.ladder(directory, "m"), TryOutcome::kServerError),
            (std::vector<std::string>{"b", "c", "a"}));
}

TEST(Ladder, EveryAccountGetsItsTryWhenAllOthersAnswer429) {
  for (const Strategy strategy : {Strategy::kOrdered, Strategy::kRoundRobin, Strategy::kWeighted}) {
    std::vector<AccountRow> rows;
    for (int i = 0; i < 200; ++i) rows.push_back({.name = "a" + std::to_string(i), .models = {}});
    const Directory directory = make_directory(rows, strategy);
    Shard shard;
    EXPECT_EQ(tries(shard.ladder(directory, "m"), TryOutcome::kRateLimited).size(), 200u);
    Choice choice = shard.ladder(directory, "m").next(kStart);
    EXPECT_EQ(choice.kind, Choice::Kind::kExhausted);
    EXPECT_GE(choice.retry_at, kStart + 30s);
    EXPECT_LT(choice.retry_at, kStart + 30s + 10us);
  }
}

}  // namespace
}  // namespace sluice::test
