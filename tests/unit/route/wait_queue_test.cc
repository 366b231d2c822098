#include "engine/route/wait_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "tests/unit/route/queue_fixture.h"

namespace sluice::test {
namespace {

using enum Priority;

class WaitQueueTest : public ::testing::Test {
 protected:
  const Directory& directory_of(const std::vector<AccountRow>& rows, QueuePolicy queue = {}) {
    return directories_.emplace_back(
        make_directory(rows, Strategy::kOrdered, nullptr, kStart, queue));
  }
  Visitor& enter(const Directory& directory, Priority priority = kNormal,
                 std::string_view model = "m", Instant now = kStart) {
    Visitor& visitor = visitors_.emplace_back(shard_, directory, priority, model);
    queue_.enter(visitor.guest, now);
    return visitor;
  }
  // Who was served at `now`, by their place in `visitors_`, in any order.
  std::vector<std::size_t> served(Instant now) {
    next_ = queue_.serve(now);
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < visitors_.size(); ++i) {
      if (!visitors_[i].guest.served_by(now).empty()) places.push_back(i);
    }
    return places;
  }
  void TearDown() override {
    for (Visitor& visitor : visitors_) {
      if (!visitor.guest.ended && visitor.guest.linked()) queue_.leave(visitor.guest);
    }
    EXPECT_EQ(queue_.depth(), 0u);
  }

  std::deque<Directory> directories_;
  Shard shard_;
  WaitQueue queue_{shard_.balancer};
  std::deque<Visitor> visitors_;
  Instant next_ = kNever;
};

using Places = std::vector<std::size_t>;

TEST_F(WaitQueueTest, ServesAtOnceWhatIsFree) {
  const Directory& directory = directory_of({{.name = "a"}});
  enter(directory);
  EXPECT_EQ(served(kStart), Places{0});
  EXPECT_EQ(next_, kNever);
}

TEST_F(WaitQueueTest, TellsTheInstantOfTheNextPermit) {
  const Directory& directory = directory_of({{.name = "a", .rpm_limit = 1, .window = 500ms}});
  spend_all(*directory.accounts[0]);
  enter(directory);
  EXPECT_EQ(served(kStart), Places{});
  EXPECT_GE(next_, kStart + 750ms);
  EXPECT_LT(next_, kStart + 750ms + 5us);
  EXPECT_EQ(served(next_ - 10us), Places{});
  EXPECT_EQ(served(kStart + 750ms + 5us), Places{0});
}

TEST_F(WaitQueueTest, LooksAgainWhenAPermitIsFarAway) {
  const Directory& directory = directory_of({{.name = "a", .rpm_limit = 1}});
  spend_all(*directory.accounts[0]);
  enter(directory);
  EXPECT_EQ(served(kStart), Places{});
  EXPECT_EQ(next_, kStart + 1s);
}

TEST_F(WaitQueueTest, HigherPrioritiesFirstAndEachInTheOrderOfArrival) {
  const Directory& directory = directory_of({{.name = "a", .rpm_limit = 1}});
  spend_all(*directory.accounts[0]);
  for (const Priority priority : {kLow, kNormal, kUrgent, kNormal, kHigh, kUrgent, kLow, kHigh})
    enter(directory, priority);
  std::vector<std::size_t> order;
  Instant now = kStart;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(served(now), Places{});
    now += kSpentFor + 5us;
    const Places one = served(now);
    ASSERT_EQ(one.size(), 1u) << i;
    order.push_back(one[0]);
  }
  EXPECT_EQ(order, (Places{2, 5, 4, 7, 1, 3, 0, 6}));
}

TEST_F(WaitQueueTest, AnAccountServesTheFirstOfAllLinesThatWantIt) {
  const Directory& directory =
      directory_of({{.name = "a", .rpm_limit = 1, .models = {{"m", "m"}, {"n", "n"}}},
                    {.name = "b", .rpm_limit = 1, .models = {{"n", "n"}}}});
  spend_all(*directory.accounts[0]);
  spend_all(*directory.accounts[1], kStart + 10s);
  enter(directory, kNormal, "n");
  enter(directory, kNormal, "m");
  enter(directory, kNormal, "n");
  EXPECT_EQ(served(kStart), Places{});
  EXPECT_EQ(served(kStart + kSpentFor + 5us), Places{0});        // a, to the first
  EXPECT_EQ(served(kStart + 10s + kSpentFor + 5us), Places{2});  // b is of no use to m
  EXPECT_EQ(served(kStart + 2 * kSpentFor + 10us), Places{1});
}

TEST_F(WaitQueueTest, LinesWithoutACommonAccountDoNotDelayEachOther) {
  const Directory& directory = directory_of({{.name = "a", .rpm_limit = 1, .models = {{"m", "m"}}},
                                             {.name = "b", .models = {{"n", "n"}}}});
  spend_all(*directory.accounts[0]);
  enter(directory, kUrgent, "m");
  enter(directory, kLow, "n");
  EXPECT_EQ(served(kStart), Places{1});
}

TEST_F(WaitQueueTest, OneThatHasTriedAnAccountDoesNotKeepItFromOthers) {
  const Directory& directory = directory_of({{.name = "a", .rpm_limit = 2}});
  Visitor& tried = enter(directory);
  tried.ladder.seeker().tried.set(0);
  enter(directory);
  EXPECT_EQ(served(kStart), Places{1});
  EXPECT_EQ(queue_.depth(), 1u);
}

TEST_F(WaitQueueTest, OneThatComesBackStandsWhereItStood) {
  const Directory& directory = directory_of({{.name = "a", .rpm_limit = 2}});
  enter(directory);
  enter(directory);
  EXPECT_EQ(served(kStart), (Places{0, 1}));
  enter(directory);
  enter(directory);
  // The first two were answered with 429 and come back, the second one first.
  for (const std::size_t place : {1u, 0u}) {
    visitors_[place].ladder.seeker().tried.clear(0);
    queue_.enter(visitors_[place].guest, kStart);
  }
  EXPECT_EQ(served(kStart + kSpentFor + 5us), (Places{0, 1}));
  EXPECT_EQ(served(kStart + 2 * kSpentFor + 10us), (Places{2, 3}));
}

TEST_F(WaitQueueTest, WhoLeavesIsForgotten) {
  const Directory& directory = directory_of({{.name = "a", .rpm_limit = 1}});
  spend_all(*directory.accounts[0]);
  for (int i = 0; i < 3; ++i) enter(directory);
  queue_.leave(visitors_[0].guest);
  EXPECT_EQ(queue_.depth(), 2u);
  EXPECT_EQ(queue_.depth(kNormal), 2u);
  EXPECT_EQ(served(kStart + kSpentFor + 5us), Places{1});
  queue_.leave(visitors_[2].guest);
  EXPECT_EQ(queue_.depth(), 0u);
  EXPECT_FALSE(directory.accounts[0]->state->wanted().by_anybody());
  EXPECT_EQ(queue_.serve(kStart), kNever);
}

TEST_F(WaitQueueTest, WhatIsWantedIsNotForNewcomersOfThatPriorityOrALowerOne) {
  const Directory& directory = directory_of({{.name = "a"}});
  enter(directory, kHigh);  // before the queue has looked
  auto choice = shard_.ladder(directory, "m", kUrgent).next(kStart);
  ASSERT_TRUE(choice.permit.held());
  choice.permit.refund(kStart);
  for (const Priority priority : {kHigh, kNormal, kLow}) {
    EXPECT_EQ(shard_.ladder(directory, "m", priority).next(kStart).kind,
              ::sluice::Choice::Kind::kWait);
  }
}

TEST_F(WaitQueueTest, AFullQueueRefusesAndTellsWhenItsTurnWouldHaveBeen) {
  const Directory& directory =
      directory_of({{.name = "a", .rpm_limit = 2}}, {.capacity = 2, .overflow = Overflow::kReject});
  spend_all(*directory.accounts[0]);
  enter(directory);
  enter(directory, kLow);
  const Visitor& third = enter(directory, kUrgent);
  EXPECT_TRUE(third.guest.ended);
  EXPECT_EQ(third.guest.end, WaitEnd::kFull);
  EXPECT_EQ(queue_.depth(), 2u);
  // Nobody of its priority is before it; one normal and one low request are before a low one.
  EXPECT_LT(third.guest.expected_at - (kStart + kSpentFor), 5us);
  const Visitor& fourth = enter(directory, kLow);
  EXPECT_LT(fourth.guest.expected_at - (kStart + kSpentFor + 60s), 5us);
  EXPECT_GE(fourth.guest.expected_at, kStart + kSpentFor + 60s);
}

TEST_F(WaitQueueTest, DropLowestGivesThePlaceOfTheLastOfTheLowest) {
  const Directory& directory = directory_of({{.name = "a", .rpm_limit = 1}},
                                            {.capacity = 3, .overflow = Overflow::kDropLowest});
  spend_all(*directory.accounts[0]);
  enter(directory, kLow);
  enter(directory, kLow);
  enter(directory, kNormal);
  enter(directory, kNormal);  // takes the place of 1
  enter(directory, kUrgent);  // takes the place of 0
  enter(directory, kNormal);  // nobody below
  enter(directory, kHigh);    // takes the place of 3
  Places dropped, full;
  for (std::size_t i = 0; i < visitors_.size(); ++i) {
    if (!visitors_[i].guest.ended) continue;
    (visitors_[i].guest.end == WaitEnd::kDropped ? dropped : full).push_back(i);
  }
  EXPECT_EQ(dropped, (Places{0, 1, 3}));
  EXPECT_EQ(full, (Places{5}));
  EXPECT_EQ(queue_.depth(), 3u);
}

TEST_F(WaitQueueTest, OneOfManyOutOfOnePermit) {
  const Directory& directory = directory_of({{.name = "a", .rpm_limit = 1}}, {.capacity = 5000});
  for (int i = 0; i < 5000; ++i) enter(directory, static_cast<Priority>(i % 4));
  EXPECT_EQ(served(kStart), Places{0});
  EXPECT_EQ(queue_.depth(), 4999u);
}

TEST_F(WaitQueueTest, AHundredThousandLeaveNothingBehind) {
  const Directory& directory = directory_of(
      {{.name = "a", .rpm_limit = 1}, {.name = "b", .rpm_limit = 1}}, {.capacity = 100'000});
  for (const auto& account : directory.accounts) spend_all(*account);
  for (int i = 0; i < 100'000; ++i) enter(directory, static_cast<Priority>(i % 4));
  EXPECT_EQ(queue_.depth(), 100'000u);
  EXPECT_EQ(served(kStart), Places{});
  for (Visitor& visitor : visitors_) queue_.leave(visitor.guest);
  for (const auto& account : directory.accounts)
    EXPECT_FALSE(account->state->wanted().by_anybody());
  EXPECT_EQ(queue_.depth(), 0u);
}

TEST(WaitQueue, WhoIsToBeServedSoonOrNotAtAllIsToldAtOnce) {
  const Directory directory = make_directory({{.name = "a", .rpm_limit = 1, .window = 5s}},
                                             Strategy::kOrdered, nullptr, kStart, QueuePolicy{});
  spend_all(*directory.accounts[0]);
  Shard shard;
  WaitQueue queue(shard.balancer);
  Ladder ladders[] = {shard.ladder(directory, "m"), shard.ladder(directory, "m")};
  Guest first(ladders[0], Pool::kPrimary, kStart + 8s, true);
  queue.enter(first, kStart);
  EXPECT_FALSE(first.ended);
  Guest second(ladders[1], Pool::kPrimary, kStart + 8s, true);
  queue.enter(second, kStart);
  EXPECT_TRUE(second.ended);
  EXPECT_EQ(second.end, WaitEnd::kHopeless);
  EXPECT_GT(second.expected_at, kStart + 8s);
  EXPECT_EQ(queue.depth(), 1u);
  queue.leave(first);
}

// What they waited for is gone: those who have the time to see it come back stay.
TEST(WaitQueue, WhoWaitsInVainIsLetGo) {
  const Directory directory =
      make_directory({{.name = "a", .rpm_limit = 1, .window = 5s}, {.name = "b", .rpm_limit = 1}},
                     Strategy::kOrdered, nullptr, kStart, QueuePolicy{});
  for (const auto& account : directory.accounts) spend_all(*account);
  Shard shard;
  WaitQueue queue(shard.balancer);
  Ladder ladders[] = {shard.ladder(directory, "m"), shard.ladder(directory, "m"),
                      shard.ladder(directory, "m")};
  Guest patient(ladders[0], Pool::kPrimary, kStart + 100s);
  Guest other(ladders[1], Pool::kPrimary, kStart + 30s);
  Guest last(ladders[2], Pool::kPrimary, kStart + 40s);
  for (Guest* const guest : {&patient, &other, &last}) queue.enter(*guest, kStart);
  static_cast<void>(queue.serve(kStart));
  EXPECT_EQ(queue.depth(), 3u);
  directory.accounts[0]->state->reject(directory.accounts[0]->generation);
  static_cast<void>(queue.serve(kStart + 2s));
  EXPECT_FALSE(patient.ended);
  EXPECT_TRUE(other.ended);
  EXPECT_TRUE(last.ended);
  EXPECT_EQ(other.end, WaitEnd::kHopeless);
  directory.accounts[1]->state->reject(directory.accounts[1]->generation);
  EXPECT_EQ(queue.serve(kStart + 4s), kNever);
  EXPECT_TRUE(patient.ended);
  EXPECT_EQ(queue.depth(), 0u);
}

// Models are routes of their own, but their permits are the same account's.
TEST(WaitQueue, WhoWaitsForAnotherModelOfTheSameAccountIsCounted) {
  const Directory directory =
      make_directory({{.name = "a", .rpm_limit = 1, .models = {{"m", "m"}, {"n", "n"}}}},
                     Strategy::kOrdered, nullptr, kStart, QueuePolicy{});
  spend_all(*directory.accounts[0]);
  Shard shard;
  WaitQueue queue(shard.balancer);
  Ladder ladders[] = {shard.ladder(directory, "m"), shard.ladder(directory, "m"),
                      shard.ladder(directory, "n")};
  Guest first(ladders[0]);
  Guest second(ladders[1]);
  Guest other(ladders[2]);
  queue.enter(first, kStart);
  queue.enter(second, kStart);
  EXPECT_GT(queue.expected_at(other, kStart), kStart + 3min);
  queue.leave(first);
  queue.leave(second);
}

// It passes when nothing else is counted, and does not stop the others until then.
TEST(WaitQueue, NobodyWaitsForARequestThatIsLargerThanTheLimit) {
  const Directory directory = make_directory({{.name = "a", .rpm_limit = 10, .tpm_limit = 1000}},
                                             Strategy::kOrdered, nullptr, kStart, QueuePolicy{});
  const Account& account = *directory.accounts[0];
  Permit running = Permit::take(account, kStart, {.prompt = 10, .completion = 10});
  running.settle_sent(kStart);
  Shard shard;
  WaitQueue queue(shard.balancer);
  Ladder ladders[] = {shard.ladder(directory, "m"), shard.ladder(directory, "m")};
  ladders[0].seeker().demand = {.prompt = 10, .completion = 2000};
  ladders[1].seeker().demand = {.prompt = 10, .completion = 10};
  Guest large(ladders[0]);
  Guest small(ladders[1]);
  queue.enter(large, kStart);
  queue.enter(small, kStart);
  static_cast<void>(queue.serve(kStart));
  EXPECT_FALSE(large.ended);
  EXPECT_EQ(small.served_by(kStart), "a");
  running.finish(TokensUsed{}, kStart);
  queue.leave(large);
}

}  // namespace
}  // namespace sluice::test
