// Tokens of clients and administrators.
#include "store/vault/token.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string>

namespace sluice {
namespace {

TEST(Token, HasItsPrefixAndLettersAndDigits) {
  const Secret token = generate_token();
  ASSERT_EQ(token.reveal().size(), kTokenPrefix.size() + kTokenRandomChars);
  EXPECT_TRUE(token.reveal().starts_with("sk-sluice-"));
  EXPECT_TRUE(std::ranges::all_of(token.reveal().substr(kTokenPrefix.size()),
                                  [](unsigned char c) { return std::isalnum(c) != 0; }));
}

// Each of 62 characters is drawn 43 * 3000 / 62 = 2081 times on average, with a deviation of 45;
// with a plain remainder the first eight would come 2520 times. 320 is seven deviations.
TEST(Token, CharactersAreDrawnEvenly) {
  std::array<int, 256> count{};
  std::set<std::string> seen;
  for (int i = 0; i < 3000; ++i) {
    const Secret token = generate_token();
    const std::string_view random = token.reveal().substr(kTokenPrefix.size());
    for (const char c : random) ++count[static_cast<unsigned char>(c)];
    seen.emplace(random);
  }
  EXPECT_EQ(seen.size(), 3000u);
  EXPECT_EQ(std::ranges::count_if(count, [](int n) { return n > 0; }), 62);
  for (const int n : count)
    if (n > 0) {
      EXPECT_NEAR(n, 2081, 320);
    }
}

TEST(Token, MatchesItsDigestAndNoOther) {
  const Secret token = generate_token(), other = generate_token();
  const Sha256Digest digest = sha256(token.reveal());
  EXPECT_TRUE(token_matches(digest, token.reveal()));
  EXPECT_FALSE(token_matches(digest, other.reveal()));
  EXPECT_FALSE(token_matches(digest, token.reveal().substr(1)));
  EXPECT_FALSE(token_matches(digest, ""));
}

}  // namespace
}  // namespace sluice
