#include <gtest/gtest.h>

#include "engine/config/listen_address.h"
#include "engine/config/suggest.h"

namespace sluice {
namespace {

struct AddressRow {
  const char* text;
  const char* shown;  // "" : refused
  bool loopback;
};

constexpr AddressRow kAddressRows[] = {
    {"127.0.0.1:9190", "127.0.0.1:9190", true},
    {"127.8.9.1:0", "127.8.9.1:0", true},
    {"localhost:80", "127.0.0.1:80", true},
    {"[::1]:80", "[::1]:80", true},
    {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", true},
    {"[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.1]:80", false},
    {"0.0.0.0:80", "0.0.0.0:80", false},
    {":80", ":80", false},
    {"*:80", ":80", false},
    {"[::]:80", "[::]:80", false},
    {"10.1.2.3:65535", "10.1.2.3:65535", false},
    {"", "", false},
    {"80", "", false},
    {":", "", false},
    {":65536", "", false},
    {":-1", "", false},
    {":80x", "", false},
    {"::1:80", "", false},
    {"[::1]80", "", false},
    {"[127.0.0.1]:80", "", false},
    {"127.0.0.1.:80", "", false},
    {"127.1:80", "", false},
    {"example.com:80", "", false},
};

TEST(ListenAddress, IsAnIpAddressAndAPort) {
  for (const AddressRow& row : kAddressRows) {
    const auto address = parse_listen_address(row.text);
    ASSERT_EQ(address.has_value(), *row.shown != '\0') << row.text;
    if (!address) continue;
    EXPECT_EQ(address->text(), row.shown);
    EXPECT_EQ(address->is_loopback(), row.loopback) << row.text;
  }
}

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

}  // namespace
}  // namespace sluice
