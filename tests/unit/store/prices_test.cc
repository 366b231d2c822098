#include "store/prices.h"

#include "store/check.h"
#include "store/prune.h"
#include "store/queries.h"
#include "store/recompute_cost.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

constexpr std::uint64_t kDollar = 1'000'000'000;  // in nano-dollars

StoredPrice price(std::string model, std::int64_t valid_from_ms, std::uint64_t input_dollars) {
  StoredPrice row;
  row.model = std::move(model);
  row.valid_from_ms = valid_from_ms;
  row.rate.input = input_dollars * kDollar;
  row.rate.output = 2 * input_dollars * kDollar;
  return row;
}

TEST(CostOf, TokensAtTheirRates) {
  const ModelRate plain{
      .input = 3 * kDollar, .output = 15 * kDollar, .cached_read = {}, .cached_write = {}};
  ModelRate cached = plain;
  cached.cached_read = kDollar * 3 / 10;
  cached.cached_write = kDollar * 15 / 4;
  struct Row {
    std::string_view name;
    ModelRate rate;
    PricedTokens tokens;
    std::uint64_t cost;
  };
  const Row kRows[] = {
      {"nothing costs nothing", plain, {}, 0},
      {"a million in", plain, {.prompt = 1'000'000}, 3 * kDollar},
      {"one out", plain, {.completion = 1}, 15'000},
      {"cached tokens without a rate cost as others",
       plain,
       {.prompt = 1'000'000, .cached_read = 400'000, .cached_write = 100'000},
       3 * kDollar},
      {"cached tokens with a rate are not paid twice",
       cached,
       {.prompt = 1'000'000, .cached_read = 1'000'000},
       kDollar * 3 / 10},
      {"read, written and plain",
       cached,
       {.prompt = 3'000'000, .cached_read = 1'000'000, .cached_write = 1'000'000},
       3 * kDollar + kDollar * 3 / 10 + kDollar * 15 / 4},
      {"more cached than prompt", plain, {.prompt = 1, .cached_read = 1'000'000}, 3 * kDollar},
      {"half a nano-dollar is rounded up",
       {.input = 1, .output = 0, .cached_read = {}, .cached_write = {}},
       {.prompt = 500'000},
       1},
      {"less is rounded down",
       {.input = 1, .output = 0, .cached_read = {}, .cached_write = {}},
       {.prompt = 499'999},
       0},
      {"too much is the largest number",
       {.input = UINT64_MAX, .output = UINT64_MAX, .cached_read = {}, .cached_write = {}},
       {.prompt = UINT64_MAX, .completion = UINT64_MAX},
       UINT64_MAX},
  };
  for (const Row& row : kRows) EXPECT_EQ(cost_of(row.rate, row.tokens), row.cost) << row.name;
}

class Prices : public StoreTest {
 protected:
  std::optional<ModelRate> rate(std::string_view model, std::int64_t unix_ms) {
    const auto transaction = environment_->read();
    return *rate_at(*transaction, model, unix_ms);
  }
};

TEST_F(Prices, APriceHoldsFromItsInstantUntilTheNext) {
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", 1000, 1)));
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", 2000, 2)));
  ASSERT_TRUE(put_price(*writer_, price("gpt-xx", 0, 9)));
  EXPECT_FALSE(rate("gpt-x", 999));
  EXPECT_EQ(rate("gpt-x", 1000)->input, 1 * kDollar);
  EXPECT_EQ(rate("gpt-x", 1999)->input, 1 * kDollar);
  EXPECT_EQ(rate("gpt-x", 2000)->input, 2 * kDollar);
  EXPECT_EQ(rate("gpt-xx", 0)->input, 9 * kDollar);
  EXPECT_FALSE(rate("gpt-", 5000));
  EXPECT_FALSE(rate("", 5000));
  ASSERT_TRUE(delete_price(*writer_, "gpt-x", 2000));
  EXPECT_EQ(rate("gpt-x", 2000)->input, 1 * kDollar);
  EXPECT_EQ(delete_price(*writer_, "gpt-x", 2000).error().code, StoreErrc::kNotFound);
  EXPECT_EQ(list_prices(*environment_)->size(), 2U);
}

TEST_F(Prices, AModelWithoutNameOrAnInstantBefore1970IsRefused) {
  EXPECT_EQ(put_price(*writer_, price("", 0, 1)).error().code, StoreErrc::kInvalid);
  EXPECT_EQ(put_price(*writer_, price("gpt-x", -1, 1)).error().code, StoreErrc::kInvalid);
  EXPECT_EQ(put_price(*writer_, price(std::string(257, 'x'), 0, 1)).error().code,
            StoreErrc::kInvalid);
}

TEST_F(Prices, CostIsBookedAnewInEveryPlaceWhereItStands) {
  UsageLedger ledger(*writer_);
  std::vector<UsageEvent> events;
  for (std::uint64_t sequence = 1; sequence <= 40; ++sequence) {
    events.push_back(end_event(sequence, 0));
    events.back().unix_ms = kDawnMs + static_cast<std::int64_t>(sequence % 4) * 10 * kHourMs;
    events.back().prompt_tokens = 1'000'000;
    events.back().completion_tokens = 0;
    if (sequence % 2 == 0) events.back().model = "free-model";
    if (sequence % 3 == 0) events.back().account = "team-b";
  }
  ASSERT_TRUE(ledger.apply("shard-0", events));
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", 0, 1)));
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", kDawnMs + 20 * kHourMs, 2)));
  const CostSource by_model = [](std::string_view, std::string_view) { return CostBy::kModel; };
  // Odd sequences: ten each in the hours 10 and 30; the last hour is left out.
  const auto done = recompute_cost(*writer_, kDawnHour, kDawnHour + 30, by_model);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->hourly_rows, 2U);
  EXPECT_EQ(done->requests, 10U);
  EXPECT_EQ(usage_total(*environment_)->cost_nano_dollars, 10 * kDollar + 30 * 1000);
  const auto rest = recompute_cost(*writer_, 0, UINT32_MAX, by_model);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->requests, 10U);
  EXPECT_EQ(usage_total(*environment_)->cost_nano_dollars, 30 * kDollar + 20 * 1000);
  const auto report = check_store(*environment_);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->good());
  const auto again = recompute_cost(*writer_, 0, UINT32_MAX, by_model);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->hourly_rows + again->requests, 0U);
}

// A price that changes in the middle of an hour; requests with and without a price, and accounts
// whose prices nobody may touch.
TEST_F(Prices, EachRequestIsPricedByItsOwnInstantAndOnlyWhereThePriceIsTheModels) {
  struct Row {
    std::string_view account;
    std::int64_t minute;
    enum : std::uint8_t { kByModel, kByOwn, kUnpriced } was;
    std::uint64_t cost;  // expected; all have been booked with 1000 nano-dollars or with none
  };
  // What an account's prices are today does not matter for what was priced.
  constexpr Row kRows[] = {
      {"by-model", 1, Row::kByModel, 1 * kDollar},
      {"by-model", 29, Row::kUnpriced, 1 * kDollar},
      {"by-model", 30, Row::kByModel, 2 * kDollar},
      {"by-model", 32, Row::kByOwn, 1000},
      {"own-price", 30, Row::kByOwn, 1000},
      {"own-price", 31, Row::kUnpriced, 0},
      {"own-price", 33, Row::kByModel, 2 * kDollar},
      {"gone", 2, Row::kByModel, 1 * kDollar},
      {"gone", 3, Row::kByOwn, 1000},
      {"gone", 45, Row::kUnpriced, 2 * kDollar},
  };
  std::vector<UsageEvent> events;
  std::uint64_t expected = 0;
  for (const Row& row : kRows) {
    UsageEvent event = end_event(events.size() + 1, 0);
    event.unix_ms = kDawnMs + row.minute * kMinuteMs;
    event.account = row.account;
    event.prompt_tokens = event.total_tokens = 1'000'000;
    event.completion_tokens = 0;
    if (row.was == Row::kByOwn) event.flags |= kUsageOwnPrice;
    if (row.was == Row::kUnpriced) {
      event.flags &= static_cast<std::uint16_t>(~kUsageCostKnown);
      event.cost_nano_dollars = 0;
    }
    events.push_back(event);
    expected += row.cost;
  }
  UsageLedger ledger(*writer_);
  ASSERT_TRUE(ledger.apply("shard-0", events));
  ASSERT_EQ(usage_total(*environment_)->unpriced, 3U);
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", 0, 1)));
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", kDawnMs + 30 * kMinuteMs, 2)));
  const CostSource source = [](std::string_view account, std::string_view) {
    return account == "by-model"    ? CostBy::kModel
           : account == "own-price" ? CostBy::kAccount
                                    : CostBy::kNobody;
  };
  const auto done = recompute_cost(*writer_, 0, UINT32_MAX, source);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->requests, 6U);
  EXPECT_EQ(usage_total(*environment_)->cost_nano_dollars, expected);
  EXPECT_EQ(usage_total(*environment_)->unpriced, 1U);
  EXPECT_TRUE(check_store(*environment_)->good());
  const auto again = recompute_cost(*writer_, 0, UINT32_MAX, source);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->hourly_rows + again->requests, 0U);
}

class PrunedPrices : public Prices {
 protected:
  // Four requests of an hour, booked with 1000 nano-dollars each, of which the first is pruned.
  void prune_one() {
    std::vector<UsageEvent> events;
    for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) {
      UsageEvent event = end_event(sequence, 0);
      event.unix_ms = kDawnMs + static_cast<std::int64_t>(sequence) * 10 * kMinuteMs;
      event.prompt_tokens = event.total_tokens = 1'000'000;
      event.completion_tokens = 0;
      events.push_back(event);
    }
    UsageLedger ledger(*writer_);
    ASSERT_TRUE(ledger.apply("shard-0", events));
    ASSERT_TRUE(prune_requests(*writer_, kDawnMs + 15 * kMinuteMs, 100));
    ASSERT_EQ(usage_total(*environment_)->cost_nano_dollars, 4000U);
  }
  RecomputedCost recompute() {
    const auto done = recompute_cost(
        *writer_, 0, UINT32_MAX, [](std::string_view, std::string_view) { return CostBy::kModel; });
    EXPECT_TRUE(done);
    EXPECT_TRUE(check_store(*environment_)->good());
    return *done;
  }
};

TEST_F(PrunedPrices, WhatIsNotKeptIsPricedAsAWholeByThePriceOfTheHour) {
  prune_one();
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", 0, 1)));
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", kDawnMs + kHourMs, 2)));
  const RecomputedCost done = recompute();
  EXPECT_EQ(done.requests, 3U);
  EXPECT_EQ(done.rows_kept, 0U);
  EXPECT_EQ(usage_total(*environment_)->cost_nano_dollars, 4 * kDollar);
  const RecomputedCost again = recompute();
  EXPECT_EQ(again.hourly_rows + again.requests, 0U);
}

TEST_F(PrunedPrices, WhatIsNotKeptKeepsItsCostWhereAPriceChangedWithinTheHour) {
  prune_one();
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", 0, 1)));
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", kDawnMs + 30 * kMinuteMs, 2)));
  const RecomputedCost done = recompute();
  EXPECT_EQ(done.requests, 3U);
  EXPECT_EQ(done.rows_kept, 1U);
  EXPECT_EQ(usage_total(*environment_)->cost_nano_dollars, 5 * kDollar + 1000);
}

TEST_F(Prices, ACallGoesThroughSoManyHoursAndSaysWhereToGoOn) {
  std::vector<UsageEvent> events;
  constexpr std::uint32_t kHours = kRecomputeHoursMax + 3;
  for (std::uint32_t hour = 0; hour < kHours; ++hour) {
    UsageEvent event = end_event(hour + 1, 0);
    event.unix_ms = kDawnMs + 2 * hour * kHourMs;
    event.prompt_tokens = event.total_tokens = 1'000'000;
    event.completion_tokens = 0;
    events.push_back(event);
  }
  UsageLedger ledger(*writer_);
  ASSERT_TRUE(ledger.apply("shard-0", events));
  ASSERT_TRUE(put_price(*writer_, price("gpt-x", 0, 1)));
  const CostSource by_model = [](std::string_view, std::string_view) { return CostBy::kModel; };
  const auto first = recompute_cost(*writer_, 0, kDawnHour + 1000, by_model);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->requests, kRecomputeHoursMax);
  EXPECT_EQ(first->next_hour, kDawnHour + 2 * kRecomputeHoursMax);
  const auto rest = recompute_cost(*writer_, first->next_hour, kDawnHour + 1000, by_model);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->requests, 3U);
  EXPECT_EQ(rest->next_hour, kDawnHour + 1000);
}

}  // namespace
}  // namespace sluice::test
