#include "tools/mock/ledger.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

std::uint64_t begin(Ledger& ledger, const char* key) {
  MockExchange exchange;
  exchange.key = key;
  exchange.head_us = 1;
  return ledger.begin(std::move(exchange));
}

KeptRequest kept(const char* key, std::string body) {
  KeptRequest request;
  request.key = key;
  request.body = std::move(body);
  return request;
}

TEST(Ledger, HoldsAnExchangeFromItsHeadToItsEnd) {
  Ledger ledger(10);
  const std::uint64_t id = begin(ledger, "sk-test-a");
  EXPECT_EQ(ledger.counts().in_flight, 1u);
  EXPECT_EQ(ledger.exchanges({})[0].read_us, 0);
  ledger.read(id, 2, "m", true, kept("sk-test-a", "body"));
  ledger.answered(id, 3, 200);
  Ledger::End end;
  end.unix_us = 4;
  end.complete = true;
  ledger.end(id, end);
  const MockExchange exchange = ledger.exchanges({})[0];
  EXPECT_EQ(exchange.read_us, 2);
  EXPECT_EQ(exchange.answered_us, 3);
  EXPECT_EQ(exchange.ended_us, 4);
  EXPECT_EQ(exchange.status, 200);
  EXPECT_EQ(exchange.request_body_bytes, 4u);
  EXPECT_TRUE(exchange.complete);
  EXPECT_EQ(ledger.counts().in_flight, 0u);
  EXPECT_EQ(ledger.counts().by_status.at(200), 1u);
}

TEST(Ledger, FiltersByKeyAndId) {
  Ledger ledger(10);
  begin(ledger, "sk-test-a");
  begin(ledger, "sk-test-b");
  begin(ledger, "sk-test-a");
  Ledger::Filter filter;
  filter.key = "sk-test-a";
  EXPECT_EQ(ledger.exchanges(filter).size(), 2u);
  filter.since = 1;
  EXPECT_EQ(ledger.exchanges(filter).size(), 1u);
}

TEST(Ledger, ForgetsAtAResetAndIgnoresWhatWasBegunBefore) {
  Ledger ledger(10);
  const std::uint64_t before = begin(ledger, "sk-test-a");
  ledger.reset();
  EXPECT_TRUE(ledger.exchanges({}).empty());
  EXPECT_EQ(ledger.counts().in_flight, 1u);
  const std::uint64_t after = begin(ledger, "sk-test-a");
  EXPECT_GT(after, before);
  ledger.answered(before, 3, 500);
  ledger.end(before, {});
  EXPECT_EQ(ledger.exchanges({})[0].status, 0);
  EXPECT_EQ(ledger.counts().in_flight, 1u);
  EXPECT_TRUE(ledger.counts().by_status.empty());
}

TEST(Ledger, CountsWhatItHasNoRoomFor) {
  Ledger ledger(1);
  begin(ledger, "sk-test-a");
  begin(ledger, "sk-test-a");
  EXPECT_EQ(ledger.exchanges({}).size(), 1u);
  EXPECT_EQ(ledger.counts().requests, 2u);
  EXPECT_EQ(ledger.counts().dropped, 1u);
}

TEST(Ledger, KeepsTheLatestRequestsWholeNewestFirst) {
  Ledger ledger(1000);
  for (std::size_t i = 0; i < Ledger::kKeptMax + 1; ++i) {
    const std::uint64_t id = begin(ledger, "sk-test-a");
    ledger.read(id, 1, "", false, kept("sk-test-a", std::to_string(i)));
  }
  const std::vector<KeptRequest> latest = ledger.latest(1000, std::nullopt);
  ASSERT_EQ(latest.size(), Ledger::kKeptMax);
  EXPECT_EQ(latest.front().body, std::to_string(Ledger::kKeptMax));
  EXPECT_EQ(latest.back().body, "1");
  EXPECT_TRUE(ledger.latest(1, "sk-test-b").empty());
}

}  // namespace
}  // namespace sluice
