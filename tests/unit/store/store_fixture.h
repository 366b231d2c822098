#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "store/apply_usage.h"
#include "store/schema.h"
#include "store/usage_event.h"
#include "store/writer.h"

namespace sluice::test {

// TemporaryDirectory - an empty folder that goes with its test. In memory where there is such a
// place: hundreds of syncs would wait for a disk that others use too, and none of the tests is of
// the disk.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    path_ = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : testing::TempDir();
    path_ += "sluice-store-XXXXXX";
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline StoreOptions options_for(const std::string& directory) {
  StoreOptions options;
  options.directory = directory;
  options.map_bytes_initial = 4 * kMiB;
  options.map_bytes_max = 256 * kMiB;
  options.reader_wait = 0s;  // nobody ends a reader while a test waits
  return options;
}

// Opens a store, or ends the test.
inline std::unique_ptr<StoreEnvironment> open_or_fail(const StoreOptions& options) {
  auto environment = open_store(options);
  if (!environment) {
    ADD_FAILURE() << explain(environment.error(), options.directory);
    std::abort();
  }
  return std::move(*environment);
}

// StoreTest - an empty store with its writer.
class StoreTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  std::unique_ptr<StoreEnvironment> environment_ = open_or_fail(options_for(directory_.path()));
  std::unique_ptr<Writer> writer_ = std::make_unique<Writer>(*environment_);
};

// An instant of the tests, at the begin of an hour and of a day.
inline constexpr std::int64_t kDawnMs = 20'000 * 24 * kHourMs;
inline constexpr std::uint32_t kDawnHour = 20'000 * 24;

inline UsageEvent start_event(std::uint64_t sequence) {
  UsageEvent event;
  event.kind = UsageKind::kStart;
  event.sequence = sequence;
  event.attempt = 1;
  event.unix_ms = kDawnMs + static_cast<std::int64_t>(sequence);
  event.request_id = "request";
  event.account = "team-a";
  event.pool = "primary";
  event.client_key = "alice";
  event.model = "gpt-x";
  event.native_model = "vendor/gpt-x";
  return event;
}

// Answered with 200 and ten and five tokens for 1000 nano-dollars.
inline UsageEvent end_event(std::uint64_t sequence, std::uint64_t started_by) {
  UsageEvent event = start_event(sequence);
  event.kind = UsageKind::kEnd;
  event.started_by = started_by;
  event.flags = kUsageLast | kUsageCostKnown;
  event.status = 200;
  event.prompt_tokens = 10;
  event.completion_tokens = 5;
  event.total_tokens = 15;
  event.cost_nano_dollars = 1000;
  event.latency_us = 2000;
  event.first_token_us = 500;
  event.queue_us = 100;
  return event;
}

inline UsageEvent refused_event(std::uint64_t sequence) {
  UsageEvent event = start_event(sequence);
  event.kind = UsageKind::kRefused;
  event.flags = kUsageLast;
  event.status = 429;
  event.account = {};
  event.pool = {};
  return event;
}

}  // namespace sluice::test
