#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "engine/store_thread.h"
#include "store/queries.h"
#include "tests/unit/test_directory.h"

namespace sluice {

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

inline constexpr std::string_view kTrouble = "usage cannot be booked";
inline constexpr std::string_view kBookedAgain = "usage is booked again";

// A store's thread as the gateway runs it, on a database of at most 512 KiB.
class StoreThreadTest : public testing::Test {
 protected:
  void open(std::uint32_t shards) {
    store_.reset();
    const Log log(sink_, clock_, LogLevel::kInfo, LogFormat::kText);
    auto opened = StoreThread::open(config_, clock_, log, log, log);
    ASSERT_TRUE(opened) << opened.error().text;
    store_ = std::move(*opened);
    const auto taken = store_->take_journals(shards);
    ASSERT_TRUE(taken) << taken.error().text;
  }
  void start(std::uint32_t shards) {
    open(shards);
    store_->start();
  }

  // An attempt of request `id` through `shard`'s journal: it begins, and ends.
  JournalStart begin(std::size_t shard, const std::string& id) {
    const JournalStart started = store_->writer(shard).start(event(id));
    EXPECT_TRUE(started.any());
    ++begun_;
    return started;
  }
  void end(std::size_t shard, const std::string& id, const JournalStart& started) {
    UsageEvent ended = event(id);
    ended.status = 200;
    ended.flags = kUsageLast;
    static_cast<void>(store_->writer(shard).end(ended, started));
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
    constexpr auto kWaitMax = std::chrono::seconds(60);
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

}  // namespace sluice
