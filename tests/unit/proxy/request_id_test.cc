#include "engine/proxy/request_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/block_pool.h"

namespace sluice {
namespace {

class RequestId : public ::testing::Test {
 protected:
  std::string choose(std::string_view offered) {
    return std::string(choose_request_id(arena_, offered, prng_));
  }
  std::string next(std::string_view trace_parent) {
    return std::string(next_trace_parent(arena_, trace_parent, prng_));
  }

  BlockPool pool_;
  Arena arena_{pool_};
  Prng prng_{7};
};

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool is_ours(std::string_view id) {
  return id.size() == 28 && id.starts_with("req-") && is_hex(id.substr(4));
}

TEST_F(RequestId, EveryCharacterIsKeptOrRefusedByTheRule) {
  const std::string kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool good = kept.find(c) != std::string::npos;
    for (const std::string& offered : {std::string{c}, std::string{'a', c, 'b'}}) {
      const std::string id = choose(offered);
      EXPECT_EQ(id == offered, good) << byte;
      EXPECT_EQ(is_ours(id), !good) << byte;
    }
  }
}

TEST_F(RequestId, AnIdHasOneTo128Characters) {
  EXPECT_TRUE(is_ours(choose("")));
  EXPECT_EQ(choose(std::string(128, 'x')), std::string(128, 'x'));
  EXPECT_TRUE(is_ours(choose(std::string(129, 'x'))));
}

TEST_F(RequestId, NewOnesDifferAndUseEveryDigit) {
  std::set<std::string> ids;
  std::vector<std::set<char>> digits(28);
  for (int i = 0; i < 1000; ++i) {
    const std::string id = choose("");
    ASSERT_TRUE(is_ours(id)) << id;
    EXPECT_TRUE(ids.insert(id).second) << id;
    for (std::size_t at = 4; at < id.size(); ++at) digits[at].insert(id[at]);
  }
  for (std::size_t at = 4; at < 28; ++at) EXPECT_EQ(digits[at].size(), 16u) << at;
}

constexpr std::string_view kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST_F(RequestId, EachAttemptIsASpanOfTheClientsTrace) {
  std::set<std::string> spans;
  std::set<char> last_digits;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string parent = next(kParent);
    ASSERT_EQ(parent.size(), kParent.size());
    EXPECT_EQ(parent.substr(0, 36), kParent.substr(0, 36));
    EXPECT_EQ(parent.substr(52), kParent.substr(52));
    const std::string span = parent.substr(36, 16);
    EXPECT_TRUE(is_hex(span)) << span;
    EXPECT_NE(span, "0000000000000000");
    EXPECT_TRUE(spans.insert(span).second) << span;
    last_digits.insert(span.back());
  }
  EXPECT_GT(last_digits.size(), 8u);
}

TEST_F(RequestId, OtherTraceParentsPassAsTheyCame) {
  const std::string parent(kParent);
  for (const std::string& other :
       {std::string(), std::string("x"), "01" + parent.substr(2), parent + "-x", parent + "0",
        parent.substr(0, 54), parent.substr(0, 35) + "_" + parent.substr(36),
        parent.substr(0, 52) + "_" + parent.substr(53)})
    EXPECT_EQ(next(other), other);
}

}  // namespace
}  // namespace sluice
