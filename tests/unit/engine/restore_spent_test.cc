#include "engine/restore_spent.h"

#include <unistd.h>

#include <fstream>

#include "tests/unit/route/route_fixture.h"
#include "tests/unit/store/store_fixture.h"

namespace sluice::test {
namespace {

constexpr std::string_view kJournal = "shard-00";
constexpr std::int64_t kNowMs = kDawnMs + 12 * kHourMs;
constexpr Instant kNow = Instant(2h);
using Kind = ClientVerdict::Kind;

// What a former process has booked, and what a new one remembers of it.
class RestoreSpent : public StoreTest {
 protected:
  // An attempt that began `ago` and took `took`.
  UsageEvent ended(Duration ago, Duration took = {}) {
    UsageEvent event = end_event(0, 0);
    event.unix_ms = kNowMs - (ago - took) / 1ms;
    event.latency_us = static_cast<std::uint64_t>(took / 1us);
    event.queue_us = 0;
    return event;
  }
  UsageEvent refused(Duration ago) {
    UsageEvent event = refused_event(0);
    event.unix_ms = kNowMs - ago / 1ms;
    event.attempt = 0;
    event.queue_us = 0;
    return event;
  }
  // Books `end` and a start before it, which reserves these tokens.
  void book(UsageEvent end, std::uint64_t reserved = 0, std::uint64_t client_reserved = 0) {
    UsageEvent start = end;
    start.kind = UsageKind::kStart;
    start.flags &= kUsageHedged | kUsageEmergency;
    start.total_tokens = start.prompt_tokens = start.completion_tokens = 0;
    start.reserved_tokens = reserved;
    start.client_reserved_tokens = client_reserved;
    start.sequence = ++sequence_;
    end.sequence = ++sequence_;
    end.started_by = start.sequence;
    // In two transactions: the start waits in a table.
    apply({start});
    apply({end});
  }
  void book_refused(UsageEvent event) {
    event.sequence = ++sequence_;
    apply({event});
  }
  // A start `ago` whose end nobody has seen.
  void book_open(Duration ago, UsageEvent start = start_event(0)) {
    start.unix_ms = kNowMs - ago / 1ms;
    start.sequence = ++sequence_;
    apply({start});
    ASSERT_TRUE(ledger_.close_open_attempts(kJournal, sequence_, 100));
  }
  void apply(const std::vector<UsageEvent>& events) {
    ASSERT_TRUE(ledger_.apply(kJournal, events));
  }

  RestoredSpent restore(const AccountRow& row, const ClientLimits& limits = {}) {
    directory_of_ = make_directory({row});
    ClientKey client;
    client.name = "alice";
    client.limits = limits;
    directory_of_.clients.clear();
    directory_of_.clients.push_back(std::move(client));
    if (limits.any()) directory_of_.clients[0].state = std::make_shared<ClientState>(limits);
    const auto restored = restore_spent(*environment_, directory_of_, kNow, kNowMs);
    EXPECT_TRUE(restored);
    return restored.value_or(RestoredSpent{});
  }
  AccountState& account() { return *directory_of_.accounts[0]->state; }
  ClientState& client() { return *directory_of_.clients[0].state; }
  std::uint64_t client_left() { return client().requests_left(kNow).remaining; }
  std::uint64_t client_tokens_left() { return client().tokens_left(kNow).remaining; }
  // Tokens of the account that are free: the largest request that passes.
  std::uint64_t account_tokens_left(std::uint64_t limit) {
    std::uint64_t fits = 0;
    for (std::uint64_t step = std::bit_floor(limit); step > 0; step /= 2) {
      if (account().next_permit_at(kNow, {.prompt = fits + step, .completion = 0}) <= kNow)
        fits += step;
    }
    return fits;
  }

  UsageLedger ledger_{*writer_};
  std::uint64_t sequence_ = 0;
  Directory directory_of_;
};

TEST_F(RestoreSpent, AnAccountsRequestsCountFromWhenTheyHadLeft) {
  UsageEvent slow = ended(61s, 50s);
  slow.sent_ms = 2000;
  book(slow);
  book(ended(70s, 69s));  // it had left 70 s ago
  UsageEvent unsent = ended(1s);
  unsent.flags = kUsageUnsent;
  book(unsent);
  restore({.name = "team-a", .rpm_limit = 4});
  EXPECT_EQ(account().available(kNow), 3U);
  EXPECT_EQ(account().available(kNow + 1s + 300ms), 4U);
}

TEST_F(RestoreSpent, OfMoreRequestsThanTheLimitTheLatestCount) {
  for (const Duration ago : {10s, 50s, 40s, 20s, 30s}) book(ended(ago));
  restore({.name = "team-a", .rpm_limit = 2});
  EXPECT_EQ(account().available(kNow), 0U);
  EXPECT_EQ(account().available(kNow + 40s), 0U);
  EXPECT_EQ(account().available(kNow + 41s), 1U);
}

TEST_F(RestoreSpent, ASteadyBucketIsNoFullerThanItCanBe) {
  for (int i = 0; i < 6; ++i) book(ended(10s * i + 1s));
  restore({.name = "team-a", .rpm_limit = 6, .bucket = BucketShape::kSteady});
  EXPECT_LE(account().available(kNow), 1U);
}

TEST_F(RestoreSpent, WithoutRequestsNothingIsSpent) {
  book(ended(200s));
  restore({.name = "team-a", .rpm_limit = 6, .bucket = BucketShape::kSteady});
  EXPECT_EQ(account().available(kNow), 6U);
}

TEST_F(RestoreSpent, WhatWasReservedCountsWhereNobodyKnowsWhatWasUsed) {
  UsageEvent broken = ended(5s, 1s);
  broken.flags = kUsageReserved;
  broken.total_tokens = 0;
  book(broken, 300);
  UsageEvent open = start_event(0);
  open.reserved_tokens = 100;
  open.client_reserved_tokens = 70;
  book_open(3s, open);
  restore({.name = "team-a", .tpm_limit = 1000}, {.tokens = 100});
  EXPECT_EQ(account_tokens_left(1000), 600U);
  EXPECT_EQ(client_tokens_left(), 30U);
}

TEST_F(RestoreSpent, MoreThanTheLimitIsADebt) {
  UsageEvent large = ended(25s, 20s);
  large.total_tokens = 1500;
  book(large, 200, 200);
  restore({.name = "team-a", .tpm_limit = 1000}, {.requests = 10, .tokens = 1000});
  EXPECT_EQ(account_tokens_left(1000), 0U);
  EXPECT_EQ(client_tokens_left(), 0U);
  EXPECT_EQ(client_left(), 9U);
  // What was used beyond the reservation counts from the end.
  EXPECT_EQ(client().tokens_left(kNow + 50s).remaining, 0U);
}

TEST_F(RestoreSpent, AClientsRequestCountsOnceWhateverBecameOfIt) {
  UsageEvent held = ended(5s, 1s);
  held.status = 403;
  held.flags = 0;
  book(held);
  held.attempt = 2;  // another account refused, too
  book(held);
  UsageEvent answered = refused(3s);  // with the held answer
  answered.attempt = 2;
  book_refused(answered);
  restore({.name = "team-a"}, {.requests = 10});
  EXPECT_EQ(client_left(), 9U);
  book_refused(refused(2s));  // queue_full: it was admitted
  restore({.name = "team-a"}, {.requests = 10});
  EXPECT_EQ(client_left(), 8U);
  UsageEvent over = refused(2s);
  over.flags |= kUsageOverLimit;
  book_refused(over);
  restore({.name = "team-a"}, {.requests = 10});
  EXPECT_EQ(client_left(), 8U);
}

TEST_F(RestoreSpent, TwoThatHedgeEachOtherAreOneRequestOfTheClient) {
  book_open(5s);
  UsageEvent second = start_event(0);
  second.attempt = 2;
  second.flags = kUsageHedged;
  book_open(4s, second);
  restore({.name = "team-a", .rpm_limit = 10}, {.requests = 10});
  EXPECT_EQ(client_left(), 9U);
  EXPECT_EQ(account().available(kNow), 8U);
}

TEST_F(RestoreSpent, AnAttemptWithoutEndMayHaveLeftLate) {
  book_open(90s);  // 5 s to connect and 30 s to send: perhaps 55 s ago
  restore({.name = "team-a", .rpm_limit = 10});
  EXPECT_EQ(account().available(kNow), 9U);
  EXPECT_EQ(account().available(kNow + 6s), 10U);
}

TEST_F(RestoreSpent, AClientsRequestCountsFromWhenItWasAdmitted) {
  UsageEvent waited = ended(50s);
  waited.queue_us = 20'000'000;
  book(waited);
  restore({.name = "team-a"}, {.requests = 10});
  EXPECT_EQ(client_left(), 10U);
}

TEST_F(RestoreSpent, TheDayIsCountedByTheHour) {
  book(ended(23h));
  book(ended(24h + 20min));  // 11:40 the day before, an hour that is not over for the day's limit
  book(ended(26h));
  restore({.name = "team-a", .rpd_limit = 3});
  EXPECT_GT(account().available(kNow), 0U);
  EXPECT_LE(account().next_permit_at(kNow), kNow);
  book(ended(1h));
  restore({.name = "team-a", .rpd_limit = 2});
  EXPECT_GT(account().next_permit_at(kNow), kNow);
}

TEST_F(RestoreSpent, RowsOfAClockThatWasSetBackCountUntilItIsUsedAgain) {
  book(ended(-1h));
  book(ended(-2h));
  EXPECT_EQ(restore({.name = "team-a", .rpm_limit = 10}).ahead, 1U);  // of the last window
  EXPECT_EQ(account().available(kNow), 9U);
  book(ended(70s));  // since then
  restore({.name = "team-a", .rpm_limit = 10});
  EXPECT_EQ(account().available(kNow), 10U);
  book(ended(10s));
  restore({.name = "team-a", .rpm_limit = 10});
  EXPECT_EQ(account().available(kNow), 8U);
  EXPECT_EQ(account().available(kNow + 51s), 10U);
}

// The largest that this process ever was, in KiB.
std::uint64_t peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib;
  }
  return 0;
}

TEST_F(RestoreSpent, ManyRowsTakeNoMemory) {
  constexpr int kBatches = 30;
  for (int batch = 0; batch < kBatches; ++batch) {
    std::vector<UsageEvent> events(1000, ended(5s));
    for (UsageEvent& event : events) event.sequence = ++sequence_;
    apply(events);
  }
  std::ofstream("/proc/self/clear_refs") << 5;  // forgets the peak
  [[maybe_unused]] const std::uint64_t before = peak_kib();
  const RestoredSpent restored = restore({.name = "team-a", .rpm_limit = 10}, {.requests = 10});
  EXPECT_EQ(restored.requests, 1000U * kBatches);
  EXPECT_EQ(account().available(kNow), 0U);
  EXPECT_EQ(client_left(), 0U);
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(peak_kib() - before, 8U * 1024);  // most of it pages of the map
#endif
}

}  // namespace
}  // namespace sluice::test
