#include "tests/unit/engine/store_thread_fixture.h"

namespace sluice {
namespace {

TEST_F(StoreThreadTest, BooksWhatTheShardsWrite) {
  start(2);
  attempt(0, "one");
  attempt(1, "two");
  wait([&] { return booked() == 2; });
  EXPECT_EQ(sums().requests, 2u);
}

TEST_F(StoreThreadTest, BooksWhatAFullDatabaseRefusedOnceThereIsRoom) {
  start(1);
  fill(0);
  clock_.advance(2s);  // it is synced and tried again, still without room
  ASSERT_TRUE(store_->run_job([](Writer&) {}));
  EXPECT_EQ(sink_.count(kTrouble), 1u);
  EXPECT_EQ(sink_.count(kBookedAgain), 0u);
  make_room();
  clock_.advance(2s);
  wait([&] { return booked() == begun_; });
  store_->stop();
  EXPECT_EQ(sink_.count(kTrouble), 1u);
  EXPECT_EQ(sink_.count(kBookedAgain), 1u);
}

TEST_F(StoreThreadTest, AShardInTroubleWaitsForNoOther) {
  start(2);
  fill(1);
  make_room();
  clock_.advance(2s);
  wait([&] { return booked() == begun_; });  // though shard 0 has nothing to book
}

TEST_F(StoreThreadTest, WhatAFullDatabaseRefusedIsBookedAfterARestart) {
  start(1);
  fill(0);
  config_.bytes_max = 64 * kMiB;
  start(1);
  wait([&] { return booked() == begun_; });
}

TEST_F(StoreThreadTest, RequestsOfADeadProcessAreOfUnknownOutcome) {
  open(1);  // and never started: as if it died at once
  attempt(0, "whole");
  begin(0, "half");
  start(1);
  wait([&] { return booked() == 2; });
  EXPECT_EQ(sums().unknown, 1u);
}

TEST_F(StoreThreadTest, SoAreThoseOfShardsThatAreNoMore) {
  open(2);
  attempt(1, "whole");
  begin(1, "half");
  start(1);
  wait([&] { return booked() == 2; });
  EXPECT_EQ(sums().unknown, 1u);
  // Once what was booked is on the disk.
  wait([&] { return !std::filesystem::exists(directory_.path_of("data/journal/shard-01")); });
}

TEST_F(StoreThreadTest, AndWhereTheirJournalIsGone) {
  start(2);
  attempt(1, "whole");
  begin(1, "half");
  wait([&] { return booked() == 1; });
  store_.reset();
  std::filesystem::remove_all(directory_.path_of("data/journal/shard-01"));
  start(1);
  wait([&] { return booked() == 2; });
  EXPECT_EQ(sums().unknown, 1u);
}

TEST_F(StoreThreadTest, AllThatWasLeftIsBookedAndClosedBeforeTheStartGoesOn) {
  config_.bytes_max = 64 * kMiB;
  open(2);
  for (int i = 0; i < 2500; ++i)
    begin(1, "half-" + std::to_string(i));  // more than are closed at once
  attempt(0, "whole");
  open(1);
  EXPECT_EQ(booked(), 2501u);
  EXPECT_EQ(sums().unknown, 2500u);
}

TEST_F(StoreThreadTest, WhatCannotBeBookedAtTheStartIsTold) {
  start(1);
  fill(0);
  open(1);
  EXPECT_LT(booked(), begun_);
  EXPECT_EQ(sink_.count("not all that requests of the process before this one used"), 1u);
}

}  // namespace
}  // namespace sluice
