#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/route/directory.h"
#include "engine/route/ladder.h"

namespace sluice::test {

inline constexpr Instant kStart = Instant(1000s);
inline constexpr Duration kSpentFor = 60s + 250ms;  // a window and its guard

// About: up to one tick later, and never earlier.
inline void expect_about(Instant actual, Instant expected) {
  EXPECT_GE(actual, expected);
  EXPECT_LT(actual - expected, 4096ns);
}

// AccountRow - an account as a test table states it.
struct AccountRow {
  std::string name;
  std::uint32_t rpm_limit = 40;
  Pool pool = Pool::kPrimary;
  std::vector<ModelMapping> models = {};
  std::string prefix = {};
  std::uint32_t weight = 1;
  bool enabled = true;
  BucketShape bucket = BucketShape::kRolling;
  Duration window = 60s;
  std::string api_key = "sk-test-1";
  bool emergency = false;
  std::uint32_t tpm_limit = 0;
  std::uint32_t rpd_limit = 0;
  std::uint32_t concurrent_limit = 0;
  bool learn_limits = false;
  Price cost = {};
};

// The request of `permit` has left, and its exchange is over.
inline void complete(Permit& permit, Instant now, const std::optional<TokensUsed>& used = {}) {
  permit.settle_sent(now);
  permit.finish(used, now);
}
inline void complete(Permit&& permit, Instant now) { complete(permit, now); }

inline constexpr QueuePolicy kNoQueue = {.capacity = 0};

// The directory of `rows`, finished at `now` as the successor of `previous`.
inline Directory make_directory(const std::vector<AccountRow>& rows,
                                Strategy strategy = Strategy::kOrdered,
                                const Directory* previous = nullptr, Instant now = kStart,
                                const QueuePolicy& queue = kNoQueue) {
  Directory directory;
  directory.routing.strategy = strategy;
  directory.routing.queue = queue;
  for (const AccountRow& row : rows) {
    auto account = std::make_unique<Account>();
    account->name = row.name;
    account->rpm_limit = row.rpm_limit;
    account->pool = row.pool;
    account->models = row.models;
    account->model_prefix = row.prefix;
    account->weight = row.weight;
    account->enabled = row.enabled;
    account->bucket = row.bucket;
    account->window = row.window;
    account->emergency = row.emergency;
    account->tpm_limit = row.tpm_limit;
    account->rpd_limit = row.rpd_limit;
    account->concurrent_limit = row.concurrent_limit;
    account->learn_limits = row.learn_limits;
    account->cost = row.cost;
    account->endpoint.host = "provider.test";
    account->api_key = Secret(row.api_key);
    directory.accounts.push_back(std::move(account));
  }
  finish_directory(directory, previous, now);
  return directory;
}

// Shard - what a shard lends to its ladders.
struct Shard {
  explicit Shard(std::uint64_t seed = 1) : prng(seed) {}
  Ladder ladder(const Directory& directory, std::string_view model,
                Priority priority = Priority::kNormal) {
    return Ladder(directory, balancer, model, priority);
  }
  Prng prng;
  Balancer balancer{prng};
};

}  // namespace sluice::test
