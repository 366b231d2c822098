#include "engine/simulate/provider.h"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

using enum Reply::Kind;

constexpr Instant kMinute = Instant(1h);  // a full one

class ProviderTest : public ::testing::Test {
 protected:
  Reply ask(Provider& provider, Instant now) { return provider.ask(now, 100, 100, prng_); }
  Prng prng_{1};
};

TEST_F(ProviderTest, CountsInTheWindowThatEndsNow) {
  Provider provider({.account = "a", .limit = 2});
  EXPECT_EQ(ask(provider, kMinute + 50s).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute + 58s).kind, kServed);
  const Reply refused = ask(provider, kMinute + 100s);
  EXPECT_EQ(refused.kind, kRateLimited);
  EXPECT_EQ(refused.retry_after, Duration(10s));
  EXPECT_EQ(ask(provider, kMinute + 110s - 1ns).kind, kRateLimited);
  EXPECT_EQ(ask(provider, kMinute + 110s).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute + 111s).kind, kRateLimited);
}

TEST_F(ProviderTest, CountsInFullMinutes) {
  Provider provider({.account = "a", .counting = Counting::kFixed, .limit = 2});
  EXPECT_EQ(ask(provider, kMinute + 50s).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute + 59s).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute + 59s).retry_after, Duration(1s));
  EXPECT_EQ(ask(provider, kMinute + 60s).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute + 60s).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute + 61s).kind, kRateLimited);
}

TEST_F(ProviderTest, RefusalsCountWhereTheyDo) {
  Provider provider({.account = "a", .limit = 1, .counts_refused = true});
  EXPECT_EQ(ask(provider, kMinute).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute + 30s).kind, kRateLimited);
  EXPECT_EQ(ask(provider, kMinute + 70s).kind, kRateLimited);
  EXPECT_EQ(ask(provider, kMinute + 131s).kind, kServed);
}

TEST_F(ProviderTest, CountsTokensAndLetsOneThatIsTooLargePassAlone) {
  Provider provider({.account = "a", .limit = 100, .tokens_limit = 450});
  EXPECT_EQ(ask(provider, kMinute).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute + 1s).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute + 2s).kind, kRateLimited);
  EXPECT_EQ(ask(provider, kMinute + 60s).kind, kServed);
  EXPECT_EQ(provider.ask(kMinute + 300s, 400, 400, prng_).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute + 301s).kind, kRateLimited);
}

TEST_F(ProviderTest, ASpellIsAsLongAsItIs) {
  Provider provider({.account = "a",
                     .counting = Counting::kUnlimited,
                     .spells = {{kMinute, kMinute + 10s, Trouble::kServerErrors},
                                {kMinute + 20s, kMinute + 30s, Trouble::kUnreachable},
                                {kMinute + 40s, kMinute + 50s, Trouble::kRateLimited}}});
  EXPECT_EQ(ask(provider, kMinute - 1s).kind, kServed);
  EXPECT_EQ(ask(provider, kMinute).kind, kServerError);
  EXPECT_EQ(ask(provider, kMinute + 10s).kind, kServed);
  EXPECT_FALSE(provider.reachable(kMinute + 25s, prng_));
  EXPECT_TRUE(provider.reachable(kMinute + 30s, prng_));
  EXPECT_EQ(ask(provider, kMinute + 45s).retry_after, Duration(5s));
}

}  // namespace
}  // namespace sluice::test
