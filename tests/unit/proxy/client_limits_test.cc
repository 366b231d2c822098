#include "engine/proxy/client_limits.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {
namespace {

constexpr std::uint64_t kCent = kNanoPerDollar / 100;

// A client key with a budget of $12.50; ManualClock's first day is 2023-11-14.
class ClientBudgets : public ProxyTest {
 protected:
  void SetUp() override {
    ProxyTest::SetUp();
    add_client("web", "sk-test-client");
  }
  ClientKey& client() { return directory_->clients.front(); }
  OrAnswer<void> enter() {
    begin("POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\n\r\n").client_key = &client();
    const OrAnswer<void> entered = enter_client(*shard_, *exchange_);
    leave_client(*exchange_, clock_.now());
    return entered;
  }
  void spend(std::uint64_t nano_dollars) { client().spending->add(nano_dollars, clock_.unix_ms()); }
};

struct MessageRow {
  ClientBudget budget;
  std::uint64_t spent;
  std::string_view message;
};
constexpr MessageRow kMessageRows[] = {
    {{1250 * kCent, BudgetPeriod::kMonth},
     1250 * kCent,
     "this client key has spent $12.50 of its budget of $12.50 for this month; it begins anew at "
     "2023-12-01T00:00:00Z"},
    {{1250 * kCent, BudgetPeriod::kDay},
     1250 * kCent + 1,
     "this client key has spent $12.500000001 of its budget of $12.50 for this day; it begins anew "
     "at 2023-11-15T00:00:00Z"},
    {{kCent / 10, BudgetPeriod::kTotal},
     200 * kCent,
     "this client key has spent $2.00 of its budget of $0.001; only the gateway's operator can "
     "raise it"},
    {{kBudgetMax, BudgetPeriod::kMonth},
     PeriodSum::kMax,
     "this client key has spent $1125899.906842623 of its budget of $1000000.00 for this month; it "
     "begins anew at 2023-12-01T00:00:00Z"},
};

TEST_F(ClientBudgets, WhoHasSpentItIsToldSo) {
  enter();
  for (const MessageRow& row : kMessageRows) {
    client().budget = row.budget;
    client().spending = std::make_shared<ClientSpending>();
    spend(row.budget.nano_dollars - 1);
    EXPECT_TRUE(enter()) << row.message;
    client().spending = std::make_shared<ClientSpending>();
    spend(row.spent);
    const OrAnswer<void> entered = enter();
    ASSERT_FALSE(entered) << row.message;
    const Answer& answer = entered.error();
    EXPECT_EQ(answer.message, row.message);
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.type, "insufficient_quota");
    EXPECT_EQ(answer.code, "insufficient_quota");
    EXPECT_TRUE(answer.never_retry);
    EXPECT_FALSE(answer.retry_after);
    EXPECT_TRUE(exchange_->client_pass.refused()) << "it is none of its minute's requests";
  }
}

TEST_F(ClientBudgets, TheNextPeriodLetsItInAgain) {
  client().budget = {kCent, BudgetPeriod::kDay};
  enter();
  spend(kCent);
  EXPECT_FALSE(enter());
  pass(24h);
  EXPECT_TRUE(enter());
  client().budget.period = BudgetPeriod::kMonth;
  EXPECT_FALSE(enter());
}

TEST_F(ClientBudgets, WithoutABudgetNothingIsTooMuch) {
  enter();
  spend(PeriodSum::kMax);
  EXPECT_TRUE(enter());
}

TEST_F(ClientBudgets, WhatTheBudgetRefusesTakesNothingOfTheLimits) {
  client().limits.requests = 5;
  client().budget = {kCent, BudgetPeriod::kMonth};
  enter();
  EXPECT_EQ(client().state->requests_left(clock_.now()).remaining, 4U);
  spend(kCent);
  EXPECT_FALSE(enter());
  EXPECT_EQ(client().state->requests_left(clock_.now()).remaining, 4U);
}

}  // namespace
}  // namespace sluice
