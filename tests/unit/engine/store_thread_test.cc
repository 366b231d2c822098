#include "engine/store_thread.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "store/queries.h"
#include "tests/unit/test_directory.h"

namespace sluice {
namespace {

// SharedClock - a ManualClock that a second thread may read.
class SharedClock final : public Clock {
 public:
  Instant now() noexcept override { return Instant(1s) + Duration(passed_ns_.load()); }
  std::int64_t unix_ms() noexcept override { return kBeginMs + passed_ns_.load() / 1'000'000; }
  void advance(Duration by) { passed_ns_ += by / 1ns; }

 private:
  static constexpr std::int64_t kBeginMs = 1'700'000'000'000;
  std::atomic<std::int64_t> passed_ns_{0};
};

class SharedSink final : public LogSink {
 public:
  void write(std::string_view line) noexcept override {
    const std::lock_guard lock(mutex_);
    text_.append(line);
  }
  [[nodiscard]] std::size_t count(std::string_view part) {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (auto at = text_.find(part); at != text_.npos; at = text_.find(part, at + 1)) ++found;
    return found;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

constexpr std::string_view kTrouble = "usage cannot be booked";
constexpr std::string_view kBookedAgain = "usage is booked again";

// A store's thread as the gateway runs it, on a database of at most 512 KiB.
class StoreThreadTest : public testing::Test {
 protected:
  void open(std::uint32_t shards) {
    store_.reset();
    const Log log(sink_, clock_, LogLevel::kInfo, LogFormat::kText);
    auto opened = StoreThread::open(config_, shards, clock_, log, log);
    ASSERT_TRUE(opened) << opened.error().text;
    store_ = std::move(*opened);
  }
  void start(std::uint32_t shards) {
    open(shards);
    store_->start();
  }

  // An attempt of request `id` through `shard`'s journal: it begins, and ends.
  std::uint64_t begin(std::size_t shard, const std::string& id) {
    const std::uint64_t sequence = store_->writer(shard).start(event(id));
    EXPECT_NE(sequence, 0u);
    ++begun_;
    return sequence;
  }
  void end(std::size_t shard, const std::string& id, std::uint64_t sequence) {
    UsageEvent ended = event(id);
    ended.status = 200;
    ended.flags = kUsageLast;
    static_cast<void>(store_->writer(shard).end(ended, sequence));
  }
  void attempt(std::size_t shard, const std::string& id) { end(shard, id, begin(shard, id)); }

  // Attempts until the database takes no more; they go on in the journal.
  void fill(std::size_t shard) {
    const std::string padding(100, 'x');
    while (sink_.count(kTrouble) == 0) {
      for (int i = 0; i < 100; ++i) attempt(shard, padding + std::to_string(begun_));
      wait([&] { return sink_.count(kTrouble) > 0 || booked() == begun_; });
      if (HasFailure()) return;
    }
    EXPECT_LT(booked(), begun_);
  }
  void make_room() { store_->environment().set_map_bytes_max(64 * kMiB); }

  [[nodiscard]] UsageSums sums() {
    const auto total = usage_total(store_->environment());
    return total ? *total : UsageSums{};
  }
  [[nodiscard]] std::uint64_t booked() { return sums().attempts; }

  // Lets the other thread work until `done`.
  template <class Done>
  void wait(Done done) {
    constexpr auto kWaitMax = std::chrono::seconds(20);
    const auto end = std::chrono::steady_clock::now() + kWaitMax;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) {
        ADD_FAILURE() << "waited in vain: " << booked() << " of " << begun_ << " booked";
        return;
      }
      std::this_thread::yield();
    }
  }

  UsageEvent event(const std::string& id) {
    UsageEvent event;
    event.attempt = 1;
    event.unix_ms = clock_.unix_ms();
    event.request_id = id;
    event.account = "team-a";
    event.pool = "primary";
    event.model = "m";
    return event;
  }

  TestDirectory directory_;
  StoreConfig config_ = [this] {
    StoreConfig config;
    config.directory = directory_.path_of("data");
    config.bytes_max = 512 * kKiB;
    config.backups_keep = 0;
    return config;
  }();
  SharedClock clock_;
  SharedSink sink_;
  std::unique_ptr<StoreThread> store_;
  std::uint64_t begun_ = 0;
};

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
  store_->run_job([](Writer&) {});
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
  clock_.advance(2s);  // once it is synced
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

}  // namespace
}  // namespace sluice
