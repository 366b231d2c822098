#include "engine/config/suggest.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct DistanceRow {
  const char* a;
  const char* b;
  std::size_t distance;
};

constexpr DistanceRow kDistanceRows[] = {
    {"", "", 0},
    {"", "abc", 3},
    {"abc", "", 3},
    {"abc", "abc", 0},
    {"acounts", "accounts", 1},
    {"levle", "level", 1},
    {"kitten", "sitting", 3},
    {"abc", "xyz", 3},
};

TEST(EditDistance, CountsInsertionsRemovalsReplacementsAndSwaps) {
  for (const DistanceRow& row : kDistanceRows)
    EXPECT_EQ(edit_distance(row.a, row.b), row.distance) << row.a << " " << row.b;
}

TEST(Nearest, OnlyWhatIsNearIsSuggested) {
  const std::vector<std::string> keys = {"listen", "log", "limits", "tls", "accounts"};
  EXPECT_EQ(nearest("lisetn", keys), "listen");
  EXPECT_EQ(nearest("lgo", keys), "log");
  EXPECT_EQ(nearest("account", keys), "accounts");
  EXPECT_EQ(nearest("zebra", keys), "");
  EXPECT_EQ(nearest("x", keys), "");
  EXPECT_EQ(nearest("", keys), "");
  EXPECT_EQ(nearest(std::string(10'000, 'l'), keys), "");
}

TEST(Nearest, AMemberOfAnAccountIsKnownByItsOtherNames) {
  const std::vector<std::string> file = {"account", "endpoint_url", "dialect", "models"};
  const std::vector<std::string> configuration = {"name", "base_url", "dialect", "models"};
  EXPECT_EQ(nearest("name", file), "account");
  EXPECT_EQ(nearest("account", configuration), "name");
  EXPECT_EQ(nearest("api_base_url", file), "endpoint_url");
  EXPECT_EQ(nearest("api_base_url", configuration), "base_url");
  EXPECT_EQ(nearest("model_mappings", file), "models");
  EXPECT_EQ(nearest("api", {}), "");
}

}  // namespace
}  // namespace sluice
