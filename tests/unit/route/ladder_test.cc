#include "engine/route/ladder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/route/route_fixture.h"

namespace sluice::test {
namespace {

constexpr Strategy kStrategies[] = {Strategy::kOrdered, Strategy::kRoundRobin, Strategy::kWeighted};

// What happened to an account before the ladder under test came to it.
enum class Before : std::uint8_t { kNothing, kSpent, kCooling, kRejected, kDisabled };

struct LadderAccount {
  const char* name;
  Pool pool = Pool::kPrimary;
  Before before = Before::kNothing;
  std::vector<ModelMapping> models = {};
  const char* prefix = "";
};

Directory directory_of(const std::vector<LadderAccount>& accounts, Strategy strategy) {
  std::vector<AccountRow> rows;
  for (const LadderAccount& account : accounts) {
    rows.push_back({.name = account.name,
                    .rpm_limit = 2,
                    .pool = account.pool,
                    .models = account.models,
                    .prefix = account.prefix,
                    .enabled = account.before != Before::kDisabled});
  }
  Directory directory = make_directory(rows, strategy);
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const Account& account = *directory.accounts[i];
    switch (accounts[i].before) {
      case Before::kNothing:
      case Before::kDisabled: break;
      case Before::kSpent:
        for (int n = 0; n < 2; ++n) complete(Permit::take(account, kStart), kStart);
        break;
      case Before::kCooling: account.state->cooldown().rate_limited(kStart, {}, {}); break;
      case Before::kRejected: account.state->reject(account.generation); break;
    }
  }
  return directory;
}

// What a ladder tries when each try ends with `outcome`: the accounts' names and the model's name
// there; `last` is the step after them.
std::vector<std::string> tries(Ladder ladder, TryOutcome outcome, Choice* last = nullptr,
                               Instant now = kStart) {
  std::vector<std::string> names;
  Choice choice = ladder.next(now);
  for (; choice.kind == Choice::Kind::kTry; choice = ladder.next(now)) {
    const Account& account = *choice.permit.account();
    EXPECT_EQ(choice.pool, account.pool);
    names.push_back(account.name + " " + std::string(choice.native_model));
    ladder.report(choice.permit, outcome, {}, now);
    complete(choice.permit, now);
  }
  if (last != nullptr) *last = std::move(choice);
  return names;
}

constexpr Pool kFallback = Pool::kFallback;

struct LadderRow {
  const char* rule;
  std::vector<LadderAccount> accounts;
  const char* model;
  std::vector<std::string> tried;  // by the ordered strategy, when each answers 500
  Choice::Kind end;
  Duration retry_after;  // of kExhausted; 0s: an account could be tried at once
  bool never = false;    // retry_at is kNever
};

using enum Choice::Kind;

const LadderRow kRows[] = {
    {"without accounts every model is unknown", {}, "m", {}, kUnknownModel, {}},
    {"a model that no account maps is unknown at once",
     {{.name = "a", .models = {{"x", "y"}}}},
     "m",
     {},
     kUnknownModel,
     {}},
    {"a model is unknown whatever state the others are in",
     {{.name = "a", .before = Before::kCooling, .models = {{"x", "y"}}}},
     "m",
     {},
     kUnknownModel,
     {}},
    {"accounts in the order of the configuration",
     {{.name = "b"}, {.name = "a"}, {.name = "c"}},
     "m",
     {"b m", "a m", "c m"},
     kExhausted,
     {}},
    {"the fallback pool when the primary one has been tried",
     {{.name = "f", .pool = kFallback},
      {.name = "a"},
      {.name = "g", .pool = kFallback},
      {.name = "b"}},
     "m",
     {"a m", "b m", "f m", "g m"},
     kExhausted,
     {}},
    {"the fallback pool alone serves too",
     {{.name = "f", .pool = kFallback}},
     "m",
     {"f m"},
     kExhausted,
     {}},
    {"only accounts that map the model, under its name there",
     {{.name = "a", .models = {{"m", "vendor/m"}}},
      {.name = "b", .models = {{"n", "vendor/n"}}},
      {.name = "c", .models = {{"m", "M"}}, .prefix = "p/"}},
     "m",
     {"a vendor/m", "c M"},
     kExhausted,
     {}},
    {"a prefix is stripped",
     {{.name = "a", .prefix = "nvidia/"}, {.name = "b"}},
     "nvidia/x",
     {"a x", "b nvidia/x"},
     kExhausted,
     {}},
    {"a spent account is no candidate",
     {{.name = "a", .before = Before::kSpent}, {.name = "b"}},
     "m",
     {"b m"},
     kExhausted,
     {}},
    {"a cooling account is no candidate",
     {{.name = "a", .before = Before::kCooling}, {.name = "b"}},
     "m",
     {"b m"},
     kExhausted,
     {}},
    {"a rejected account is no candidate",
     {{.name = "a", .before = Before::kRejected}, {.name = "b"}},
     "m",
     {"b m"},
     kExhausted,
     {}},
    {"a disabled account is no candidate",
     {{.name = "a", .before = Before::kDisabled}, {.name = "b"}},
     "m",
     {"b m"},
     kExhausted,
     {}},
    {"fallback when the primary accounts are spent, cooling, rejected",
     {{.name = "a", .before = Before::kSpent},
      {.name = "b", .before = Before::kCooling},
      {.name = "c", .before = Before::kRejected},
      {.name = "f", .pool = kFallback}},
     "m",
     {"f m"},
     kExhausted,
     {}},
    {"all spent: when the first permit comes back",
     {{.name = "a", .before = Before::kSpent}, {.name = "b", .before = Before::kSpent}},
     "m",
     {},
     kExhausted,
     kSpentFor},
    {"all cooling: when the first has cooled",
     {{.name = "a", .before = Before::kCooling}, {.name = "b", .before = Before::kCooling}},
     "m",
     {},
     kExhausted,
     30s},
    {"the earliest of both",
     {{.name = "a", .before = Before::kSpent}, {.name = "b", .before = Before::kCooling}},
     "m",
     {},
     kExhausted,
     30s},
    {"the fallback pool counts as well",
     {{.name = "a", .before = Before::kSpent},
      {.name = "f", .pool = kFallback, .before = Before::kCooling}},
     "m",
     {},
     kExhausted,
     30s},
    {"an account that does not map the model does not count",
     {{.name = "a", .before = Before::kSpent, .models = {{"m", "m"}}},
      {.name = "b", .before = Before::kCooling, .models = {{"n", "n"}}}},
     "m",
     {},
     kExhausted,
     kSpentFor},
    {"accounts in error and disabled ones do not count",
     {{.name = "a", .before = Before::kRejected},
      {.name = "b", .before = Before::kSpent},
      {.name = "c", .before = Before::kDisabled}},
     "m",
     {},
     kExhausted,
     kSpentFor},
    {"all in error or disabled: never",
     {{.name = "a", .before = Before::kRejected}, {.name = "b", .before = Before::kDisabled}},
     "m",
     {},
     kExhausted,
     {},
     true},
    {"a model that only a disabled account maps is known",
     {{.name = "a", .before = Before::kDisabled, .models = {{"m", "m"}}},
      {.name = "b", .models = {{"n", "n"}}}},
     "m",
     {},
     kExhausted,
     {},
     true},
    {"a request without a model may go everywhere",
     {{.name = "a", .models = {{"x", "y"}}},
      {.name = "b", .prefix = "p/"},
      {.name = "c", .before = Before::kDisabled}},
     "",
     {"a ", "b "},
     kExhausted,
     {}},
};

TEST(Ladder, Rows) {
  for (const LadderRow& row : kRows) {
    for (const Strategy strategy : kStrategies) {
      SCOPED_TRACE(testing::Message() << row.rule << ", strategy " << static_cast<int>(strategy));
      const Directory directory = directory_of(row.accounts, strategy);
      Shard shard;
      Choice last;
      std::vector<std::string> tried =
          tries(shard.ladder(directory, row.model), TryOutcome::kServerError, &last);
      if (strategy == Strategy::kOrdered) {
        EXPECT_EQ(tried, row.tried);
      }
      EXPECT_TRUE(std::ranges::is_permutation(tried, row.tried));
      EXPECT_EQ(last.kind, row.end);
      if (row.end != kExhausted) continue;
      expect_about(last.retry_at, row.never ? kNever : kStart + row.retry_after);
    }
  }
}

TEST(Ladder, EveryAccountGetsItsTryWhenAllOthersAnswer429) {
  for (const Strategy strategy : kStrategies) {
    for (const int accounts : {1, 2, 11, 200, 1024}) {
      std::vector<AccountRow> rows;
      for (int i = 0; i < accounts; ++i) {
        rows.push_back({.name = "a" + std::to_string(i),
                        .pool = i % 3 == 2 ? Pool::kFallback : Pool::kPrimary});
      }
      const Directory directory = make_directory(rows, strategy);
      Shard shard;
      Choice last;
      std::vector<std::string> tried =
          tries(shard.ladder(directory, "m"), TryOutcome::kRateLimited, &last);
      std::ranges::sort(tried);
      EXPECT_EQ(std::ranges::unique(tried).begin() - tried.begin(), accounts);
      expect_about(last.retry_at, kStart + 30s);
      // The next request finds all of them cooling, and needs no try to know it.
      EXPECT_TRUE(tries(shard.ladder(directory, "m"), TryOutcome::kServed, &last).empty());
      expect_about(last.retry_at, kStart + 30s);
    }
  }
}

TEST(Ladder, RetryAtWaitsForBothTheCooldownAndThePermit) {
  const Directory directory =
      directory_of({{.name = "a", .before = Before::kSpent}}, Strategy::kOrdered);
  Cooldown& cooldown = directory.accounts[0]->state->cooldown();
  Shard shard;
  cooldown.rate_limited(kStart, {}, {});
  expect_about(shard.ladder(directory, "m").next(kStart).retry_at, kStart + kSpentFor);
  cooldown.rate_limited(kStart, 100s, {});
  expect_about(shard.ladder(directory, "m").next(kStart).retry_at, kStart + 100s);
}

TEST(Ladder, RetryAtIsTheInstantAtWhichATryIsGranted) {
  for (const Strategy strategy : kStrategies) {
    const Directory directory =
        make_directory({{.name = "a", .rpm_limit = 1}, {.name = "b", .rpm_limit = 1}}, strategy);
    Shard shard;
    Instant now = kStart;
    for (int round = 0; round < 50; ++round) {
      Choice choice = shard.ladder(directory, "m").next(now);
      while (choice.kind == kTry) {
        now += 3s;
        complete(choice.permit, now);
        choice = shard.ladder(directory, "m").next(now);
      }
      ASSERT_GT(choice.retry_at, now);
      EXPECT_EQ(shard.ladder(directory, "m").next(choice.retry_at - 1ns).kind, kExhausted);
      now = choice.retry_at;
      choice = shard.ladder(directory, "m").next(now);
      ASSERT_EQ(choice.kind, kTry);
      complete(choice.permit, now);
    }
  }
}

struct OutcomeRow {
  TryOutcome outcome;
  bool cools, rejects, resets_count;
};

constexpr OutcomeRow kOutcomeRows[] = {
    {TryOutcome::kServed, false, false, true},
    {TryOutcome::kClientFault, false, false, false},
    {TryOutcome::kRateLimited, true, false, false},
    {TryOutcome::kAuthRejected, false, true, false},
    {TryOutcome::kServerError, false, false, false},
    {TryOutcome::kConnectFailed, false, false, false},
    {TryOutcome::kTimedOut, false, false, false},
    {TryOutcome::kClientGone, false, false, false},
};

TEST(Ladder, AnOutcomeMarksItsAccountAndNoOther) {
  for (const OutcomeRow& row : kOutcomeRows) {
    SCOPED_TRACE(static_cast<int>(row.outcome));
    const Directory directory = make_directory({{.name = "a"}, {.name = "b"}});
    AccountState& state = *directory.accounts[0]->state;
    state.cooldown().rate_limited(kStart - 100s, {}, {});  // one cooldown, long over
    Shard shard;
    Ladder ladder = shard.ladder(directory, "m");
    Choice choice = ladder.next(kStart);
    complete(choice.permit, kStart);
    const CooldownChange change = ladder.report(choice.permit, row.outcome, {}, kStart).cooldown;
    EXPECT_EQ(change.started, row.cools);
    EXPECT_EQ(state.cooldown().running(kStart), row.cools);
    EXPECT_EQ(state.rejected(directory.accounts[0]->generation), row.rejects);
    EXPECT_EQ(state.cooldown().count(), row.cools ? 2u : row.resets_count ? 0u : 1u);
    AccountState& other = *directory.accounts[1]->state;
    EXPECT_EQ(other.cooldown().count(), 0u);
    EXPECT_EQ(other.available(kStart), 40u);
  }
}

TEST(Ladder, ACooldownFollowsThePolicyAndRetryAfter) {
  Directory directory = make_directory({{.name = "a"}});
  directory.routing.cooldown = {.base = 5s, .max = 8s};
  Shard shard;
  Instant now = kStart;
  for (const Duration expected : {5s, 8s, 8s, 60s}) {
    Ladder ladder = shard.ladder(directory, "m");
    Choice choice = ladder.next(now);
    ASSERT_EQ(choice.kind, kTry);
    choice.permit.refund(now);
    const std::optional<Duration> retry_after =
        expected == 60s ? std::optional<Duration>(60s) : std::nullopt;
    expect_about(
        ladder.report(choice.permit, TryOutcome::kRateLimited, retry_after, now).cooldown.until,
        now + expected);
    now += expected + 1s;
  }
}

TEST(Ladder, ASecondAccountIsOneOfTheSamePoolThatIsFreeNow) {
  const Directory directory = make_directory({{.name = "a"},
                                              {.name = "b", .rpm_limit = 1},
                                              {.name = "c", .rpm_limit = 10, .emergency = true},
                                              {.name = "f", .pool = kFallback}});
  Shard shard;
  Ladder ladder = shard.ladder(directory, "m");
  std::vector<std::string> names;
  Choice choice = ladder.next(kStart);
  for (; choice.kind == kTry; choice = ladder.second(Pool::kPrimary, kStart)) {
    names.push_back(choice.permit.account()->name);
    EXPECT_EQ(choice.rung, Rung::kPrimary);
    complete(choice.permit, kStart);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c"}));  // each once
  EXPECT_EQ(choice.kind, kExhausted);
  EXPECT_EQ(shard.balancer.counters.fallback, 0u);
  // b is spent, and of c only what it keeps for emergencies is left: nobody waits for either.
  for (int i = 0; i < 8; ++i) complete(Permit::take(*directory.accounts[2], kStart), kStart);
  Ladder other = shard.ladder(directory, "m");
  Choice first = other.next(kStart);
  complete(first.permit, kStart);
  EXPECT_EQ(other.second(Pool::kPrimary, kStart).kind, kExhausted);
}

}  // namespace
}  // namespace sluice::test
