#include "store/apply_usage.h"

#include "store/check.h"
#include "store/queries.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

constexpr std::string_view kJournal = "shard-0";

class ApplyUsage : public StoreTest {
 protected:
  AppliedUsage apply(const std::vector<UsageEvent>& events, std::string_view journal = kJournal) {
    const auto result = ledger_.apply(journal, events);
    EXPECT_TRUE(result) << explain(result.error(), "store");
    return result.value_or(AppliedUsage{});
  }
  UsageSums total() { return *usage_total(*environment_); }
  std::uint64_t rows_of(Table table) {
    const auto transaction = environment_->read();
    return *transaction->count(table);
  }
  void expect_good() {
    const auto report = check_store(*environment_);
    ASSERT_TRUE(report);
    for (const auto& fault : report->told) {
      ADD_FAILURE() << table_name(fault.table) << " " << fault.key << ": " << fault.text;
    }
  }

  UsageLedger ledger_{*writer_};
};

TEST_F(ApplyUsage, AnAttemptIsBookedInEverySum) {
  const AppliedUsage result = apply({start_event(1), end_event(2, 1)});
  EXPECT_EQ(result.applied, 2U);
  EXPECT_EQ(result.position, 2U);
  EXPECT_EQ(result.missing, 0U);
  UsageSums expected;
  expected.requests = 1;
  expected.attempts = 1;
  expected.prompt_tokens = 10;
  expected.completion_tokens = 5;
  expected.total_tokens = 15;
  expected.cost_nano_dollars = 1000;
  expected.latency_us = 2000;
  expected.first_token_us = 500;
  expected.first_tokens = 1;
  expected.queue_us = 100;
  EXPECT_EQ(total(), expected);
  const auto hourly = hourly_usage(*environment_, {});
  ASSERT_TRUE(hourly);
  ASSERT_EQ(hourly->size(), 1U);
  EXPECT_EQ(hourly->front().hour, kDawnHour);
  EXPECT_EQ(hourly->front().account, "team-a");
  EXPECT_EQ(hourly->front().model, "gpt-x");
  EXPECT_EQ(hourly->front().sums, expected);
  const auto daily = daily_usage(*environment_, kDawnHour / 24, kDawnHour / 24);
  ASSERT_TRUE(daily);
  ASSERT_EQ(daily->size(), 1U);
  EXPECT_EQ(daily->front().pool, "primary");
  EXPECT_EQ(daily->front().unique_accounts, 1U);
  EXPECT_EQ(daily->front().sums, expected);
  EXPECT_EQ(rows_of(Table::kOpenAttempts), 0U);
  expect_good();
}

TEST_F(ApplyUsage, ABatchGivenAgainIsSkipped) {
  const std::vector<UsageEvent> events = {start_event(1), end_event(2, 1)};
  apply(events);
  const AppliedUsage again = apply(events);
  EXPECT_EQ(again.applied, 0U);
  EXPECT_EQ(again.skipped, 2U);
  EXPECT_EQ(total().requests, 1U);
  EXPECT_EQ(rows_of(Table::kRequests), 1U);
}

TEST_F(ApplyUsage, ABatchThatOverlapsIsBookedFromWhereTheLastEnded) {
  apply({start_event(1), end_event(2, 1), start_event(3)});
  const AppliedUsage result = apply({end_event(2, 1), start_event(3), end_event(4, 3)});
  EXPECT_EQ(result.applied, 1U);
  EXPECT_EQ(result.skipped, 2U);
  EXPECT_EQ(total().requests, 2U);
  EXPECT_EQ(*ledger_.position(kJournal), 4U);
  EXPECT_EQ(rows_of(Table::kOpenAttempts), 0U);
}

TEST_F(ApplyUsage, JournalsHaveSequencesOfTheirOwn) {
  apply({start_event(1), end_event(2, 1)}, "shard-0");
  const AppliedUsage other = apply({start_event(1), end_event(2, 1)}, "shard-1");
  EXPECT_EQ(other.applied, 2U);
  EXPECT_EQ(total().requests, 2U);
  EXPECT_EQ(rows_of(Table::kRequests), 2U);
  EXPECT_EQ(*ledger_.position("shard-2"), 0U);
}

TEST_F(ApplyUsage, ALaterLedgerGoesOnWithTheSameNames) {
  apply({start_event(1), end_event(2, 1)});
  UsageLedger later(*writer_);
  const std::vector<UsageEvent> events = {start_event(3), end_event(4, 3)};
  ASSERT_TRUE(later.apply(kJournal, events));
  EXPECT_EQ(hourly_usage(*environment_, {})->size(), 1U);
  EXPECT_EQ(total().requests, 2U);
  expect_good();
}

TEST_F(ApplyUsage, SequencesThatAreMissingAreTold) {
  EXPECT_EQ(apply({refused_event(1), refused_event(5)}).missing, 3U);
  EXPECT_EQ(apply({refused_event(7)}).missing, 1U);
}

TEST_F(ApplyUsage, ARefusedRequestIsARequestAndAnErrorWithoutAttempt) {
  apply({refused_event(1)});
  EXPECT_EQ(total().requests, 1U);
  EXPECT_EQ(total().errors, 1U);
  EXPECT_EQ(total().attempts, 0U);
  EXPECT_EQ(daily_usage(*environment_, 0, UINT32_MAX)->front().unique_accounts, 0U);
  expect_good();
}

TEST_F(ApplyUsage, OfSeveralAttemptsTheLastIsTheRequest) {
  UsageEvent first = end_event(2, 1);
  first.flags = 0;
  first.status = 429;
  UsageEvent second = start_event(3);
  second.account = "team-b";
  UsageEvent last = end_event(4, 3);
  last.account = "team-b";
  last.attempt = 2;
  apply({start_event(1), first, second, last});
  EXPECT_EQ(total().requests, 1U);
  EXPECT_EQ(total().errors, 0U);
  EXPECT_EQ(total().attempts, 2U);
  EXPECT_EQ(total().failed_attempts, 1U);
  EXPECT_EQ(total().unpriced, 1U);
  EXPECT_EQ(total().queue_us, 100U);
  EXPECT_EQ(daily_usage(*environment_, 0, UINT32_MAX)->front().unique_accounts, 2U);
}

TEST_F(ApplyUsage, AClientThatLeftIsNoErrorOfTheAccount) {
  UsageEvent gone = end_event(2, 1);
  gone.status = 0;
  gone.flags = kUsageLast | kUsageClientGone;
  UsageEvent broken = end_event(3, 0);
  broken.status = 0;
  apply({start_event(1), gone, broken});
  EXPECT_EQ(total().requests, 2U);
  EXPECT_EQ(total().errors, 1U);
  EXPECT_EQ(total().failed_attempts, 1U);
}

TEST_F(ApplyUsage, AnAnswerThatTheProviderBrokeOffIsAnErrorWhateverItsStatus) {
  UsageEvent broken = end_event(2, 1);
  broken.flags |= kUsageBrokenOff;
  apply({start_event(1), broken});
  EXPECT_EQ(total().requests, 1U);
  EXPECT_EQ(total().errors, 1U);
  EXPECT_EQ(total().failed_attempts, 1U);
}

TEST_F(ApplyUsage, AStartStaysOpenUntilItsEndComesInALaterBatch) {
  apply({start_event(1)});
  EXPECT_EQ(rows_of(Table::kOpenAttempts), 1U);
  EXPECT_EQ(total().requests, 0U);
  apply({end_event(2, 1)});
  EXPECT_EQ(rows_of(Table::kOpenAttempts), 0U);
  EXPECT_EQ(total().requests, 1U);
}

TEST_F(ApplyUsage, AnEndBeforeItsStartLeavesNothingOpen) {
  apply({end_event(1, 2), start_event(2)});
  EXPECT_EQ(rows_of(Table::kOpenAttempts), 0U);
  apply({end_event(3, 4)});
  apply({start_event(4)});
  EXPECT_EQ(rows_of(Table::kOpenAttempts), 0U);
  EXPECT_EQ(total().requests, 2U);
  expect_good();
}

TEST_F(ApplyUsage, WhatADeadProcessBeganBecomesARequestOfUnknownOutcome) {
  UsageEvent hedge = start_event(2);
  hedge.flags = kUsageHedged;
  apply({start_event(1), hedge, start_event(3), end_event(4, 9), start_event(5)});
  const auto first = ledger_.close_open_attempts(kJournal, 4, 2);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->closed, 2U);
  EXPECT_TRUE(first->more);
  const auto second = ledger_.close_open_attempts(kJournal, 4, 2);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->closed, 1U);
  EXPECT_FALSE(second->more);
  EXPECT_EQ(total().attempts, 4U);
  EXPECT_EQ(total().unknown, 3U);
  EXPECT_EQ(total().requests, 3U);  // the end, and two of the three that were open
  EXPECT_EQ(total().errors, 2U);
  const auto page = recent_requests(*environment_, {});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->requests.size(), 4U);
  EXPECT_EQ(page->requests.back().row.outcome, RequestOutcome::kUnknown);
  EXPECT_EQ(page->requests.back().account, "team-a");
  // The fifth is a later process's, and the note for the ninth is not due.
  EXPECT_EQ(rows_of(Table::kOpenAttempts), 2U);
  expect_good();
}

TEST_F(ApplyUsage, AnEndSaysWhatItsStartHadReserved) {
  UsageEvent start = start_event(1);
  start.reserved_tokens = 300;
  start.client_reserved_tokens = 200;
  UsageEvent later = start;
  later.sequence = 3;
  apply({start, end_event(2, 1), later});
  apply({end_event(4, 3)});
  const auto page = recent_requests(*environment_, {});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->requests.size(), 2U);
  for (const RequestView& view : page->requests) {
    EXPECT_EQ(view.row.reserved_tokens, 300U);
    EXPECT_EQ(view.row.client_reserved_tokens, 200U);
  }
  EXPECT_EQ(rows_of(Table::kOpenAttempts), 0U);
  EXPECT_EQ(total().requests, 2U);
}

TEST_F(ApplyUsage, ANameTooLongIsCutAndAnEmptyJournalRefused) {
  const std::string model(1000, 'm');
  UsageEvent event = refused_event(1);
  event.model = model;
  apply({event});
  EXPECT_EQ(hourly_usage(*environment_, {})->front().model, model.substr(0, 256));
  const auto unnamed = ledger_.apply("", {});
  ASSERT_FALSE(unnamed);
  EXPECT_EQ(unnamed.error().code, StoreErrc::kInvalid);
}

TEST_F(ApplyUsage, StrangersDoNotFillTheDiskWithNames) {
  std::vector<std::string> models;
  for (std::size_t i = 0; i < Names::kModelsMax + 10; ++i) models.push_back(std::to_string(i));
  std::vector<UsageEvent> events;
  for (std::size_t i = 0; i < models.size(); ++i) {
    events.push_back(refused_event(i + 1));
    events.back().model = models[i];
    events.back().native_model = {};
    events.back().unix_ms = kDawnMs;
  }
  apply(events);
  EXPECT_EQ(rows_of(Table::kUsageHourly), Names::kModelsMax + 1);
  const auto rest = hourly_usage(*environment_, {.names = {.model = "(other)"}});
  ASSERT_TRUE(rest);
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ(rest->front().sums.requests, 10U);
  expect_good();
}

TEST_F(ApplyUsage, SumsThatDoNotFitAreToldAndStandStill) {
  UsageEvent event = end_event(1, 0);
  event.prompt_tokens = UINT64_MAX;
  EXPECT_EQ(apply({event}).saturated, 0U);
  UsageEvent more = event;
  more.sequence = 2;
  EXPECT_GT(apply({more}).saturated, 0U);
  EXPECT_EQ(total().prompt_tokens, UINT64_MAX);
  EXPECT_EQ(total().requests, 2U);
  expect_good();
}

TEST_F(ApplyUsage, NothingOfABatchHappensWhenTheStoreIsFull) {
  writer_.reset();
  environment_.reset();
  StoreOptions options = options_for(directory_.path());
  options.map_bytes_initial = 1 * kMiB;
  options.map_bytes_max = 1 * kMiB;
  environment_ = open_or_fail(options);
  writer_ = std::make_unique<Writer>(*environment_);
  UsageLedger ledger(*writer_);
  std::uint64_t sequence = 0;
  const auto batch_from = [](std::uint64_t first) {
    std::vector<UsageEvent> events;
    for (std::uint64_t i = 0; i < 500; ++i) events.push_back(refused_event(first + i));
    return events;
  };
  StoreResult<AppliedUsage> result;
  while ((result = ledger.apply(kJournal, batch_from(sequence + 1)))) sequence = result->position;
  EXPECT_EQ(result.error().code, StoreErrc::kMapFull);
  EXPECT_GT(sequence, 0U);
  EXPECT_EQ(total().requests, sequence);
  EXPECT_EQ(*ledger.position(kJournal), sequence);
  expect_good();
  environment_->set_map_bytes_max(4 * kMiB);
  ASSERT_TRUE(ledger.apply(kJournal, batch_from(sequence + 1)));
  EXPECT_EQ(total().requests, sequence + 500);
  expect_good();
}

}  // namespace
}  // namespace sluice::test
