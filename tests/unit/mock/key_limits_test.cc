#include "tools/mock/key_limits.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace sluice {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kStart = 1'700'000'000 * kSecond + 20 * kSecond;  // 33 s into a minute

KeyLimits limits_of(KeyLimit limit) { return KeyLimits({std::move(limit)}); }

KeyLimit limit_of(std::uint64_t requests, WindowMode mode) {
  KeyLimit limit;
  limit.key = "sk-test-a";
  limit.requests = requests;
  limit.mode = mode;
  return limit;
}

TEST(KeyLimits, ARollingWindowOpensWhenItsOldestRequestLeaves) {
  KeyLimits limits = limits_of(limit_of(2, WindowMode::kRolling));
  EXPECT_FALSE(limits.count("sk-test-a", kStart)->refused);
  EXPECT_FALSE(limits.count("sk-test-a", kStart + 10 * kSecond)->refused);
  const std::optional<LimitState> third = limits.count("sk-test-a", kStart + 20 * kSecond);
  EXPECT_TRUE(third->refused);
  EXPECT_EQ(third->reset_us, 40 * kSecond);
  EXPECT_TRUE(limits.count("sk-test-a", kStart + 60 * kSecond - 1)->refused);
  EXPECT_FALSE(limits.count("sk-test-a", kStart + 60 * kSecond)->refused);
}

TEST(KeyLimits, AFixedWindowOpensWithTheMinute) {
  KeyLimits limits = limits_of(limit_of(1, WindowMode::kFixed));
  const std::int64_t minute = kStart / (60 * kSecond) * 60 * kSecond;
  EXPECT_FALSE(limits.count("sk-test-a", minute + 59 * kSecond)->refused);
  const std::optional<LimitState> second = limits.count("sk-test-a", minute + 59 * kSecond + 1);
  EXPECT_TRUE(second->refused);
  EXPECT_EQ(second->reset_us, kSecond - 1);
  EXPECT_FALSE(limits.count("sk-test-a", minute + 60 * kSecond)->refused);
}

TEST(KeyLimits, RefusedRequestsCountWhereTheLimitSaysSo) {
  KeyLimit limit = limit_of(1, WindowMode::kRolling);
  limit.count_refused = true;
  KeyLimits limits = limits_of(limit);
  EXPECT_FALSE(limits.count("sk-test-a", kStart)->refused);
  EXPECT_TRUE(limits.count("sk-test-a", kStart + 30 * kSecond)->refused);
  EXPECT_TRUE(limits.count("sk-test-a", kStart + 60 * kSecond)->refused);
}

TEST(KeyLimits, AnyKeyHasALimitOfItsOwn) {
  KeyLimit every = limit_of(1, WindowMode::kRolling);
  every.key = "*";
  KeyLimits limits({limit_of(2, WindowMode::kRolling), every});
  EXPECT_FALSE(limits.count("sk-test-b", kStart)->refused);
  EXPECT_TRUE(limits.count("sk-test-b", kStart)->refused);
  EXPECT_FALSE(limits.count("sk-test-c", kStart)->refused);
  EXPECT_FALSE(limits.count("sk-test-a", kStart)->refused);
  EXPECT_FALSE(limits.count("sk-test-a", kStart)->refused);
  EXPECT_TRUE(limits.count("sk-test-a", kStart)->refused);
}

TEST(KeyLimits, AKeyWithoutALimitHasNone) {
  EXPECT_FALSE(limits_of(limit_of(1, WindowMode::kRolling)).count("sk-test-b", kStart));
}

// The promise itself: whoever obeys reset_us gets in, and no window ever holds more than N.
TEST(KeyLimits, NoWindowHoldsMoreThanTheLimit) {
  Prng prng(7);
  KeyLimits limits = limits_of(limit_of(5, WindowMode::kRolling));
  std::vector<std::int64_t> accepted;
  std::int64_t now = kStart;
  for (int i = 0; i < 2000; ++i) {
    now += static_cast<std::int64_t>(prng.below(15)) * kSecond;
    const std::optional<LimitState> state = limits.count("sk-test-a", now);
    if (state->refused) {
      now += state->reset_us;
      EXPECT_FALSE(limits.count("sk-test-a", now)->refused);
    }
    accepted.push_back(now);
  }
  for (std::size_t i = 5; i < accepted.size(); ++i) {
    EXPECT_GE(accepted[i] - accepted[i - 5], 60 * kSecond);
  }
}

}  // namespace
}  // namespace sluice
