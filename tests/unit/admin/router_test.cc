#include "admin/router.h"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

constexpr AdminRoute kRoutes[] = {
    {"GET", "/api/admin/backends/{id}"},   {"PUT", "/api/admin/backends/{id}"},
    {"GET", "/api/admin/backends/export"}, {"POST", "/api/admin/backends/{id}/test"},
    {"GET", "/api/admin/backends"},        {"GET", "/models/{id*}"},
};

struct RouteRow {
  const char* method;
  const char* path;
  const char* route;  // "": none
  const char* allow;
  const char* param;
};

constexpr RouteRow kRows[] = {
    {"GET", "/api/admin/backends", "/api/admin/backends", "", ""},
    {"HEAD", "/api/admin/backends", "/api/admin/backends", "", ""},
    {"GET", "/api/admin/backends/", "", "", ""},
    {"GET", "/api/admin/backends/a", "/api/admin/backends/{id}", "", "a"},
    {"GET", "/api/admin/backends/a%20%2Fb", "/api/admin/backends/{id}", "", "a /b"},
    {"GET", "/api/admin/backends/%zz", "", "", ""},
    {"GET", "/api/admin/backends/%00", "", "", ""},
    {"GET", "/api/admin/backends/%4", "", "", ""},
    {"GET", "/api/admin/backends/export", "/api/admin/backends/export", "", ""},
    {"POST", "/api/admin/backends/x/test", "/api/admin/backends/{id}/test", "", "x"},
    {"POST", "/api/admin/backends/x/test/", "", "", ""},
    {"DELETE", "/api/admin/backends/x", "", "GET, HEAD, PUT", ""},
    {"GET", "/models/a/b%2Fc", "/models/{id*}", "", "a/b/c"},
    {"GET", "/api//admin/backends", "", "", ""},
    {"GET", "*", "", "", ""},
};

TEST(Router, FindsTheRouteOfAPath) {
  for (const RouteRow& row : kRows) {
    const AdminMatch match = find_route(kRoutes, row.method, row.path);
    EXPECT_EQ(match.route == nullptr ? "" : match.route->path, row.route) << row.path;
    EXPECT_EQ(match.route == nullptr ? match.allow : "", row.allow) << row.path;
    EXPECT_EQ(match.params.empty() ? "" : match.params.front(), row.param) << row.path;
  }
}

TEST(Router, QueriesAreDecoded) {
  std::vector<std::pair<std::string, std::string>> query;
  ASSERT_TRUE(parse_query("a=1&b=x+y%26&&c&=d", query));
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a", "1"}, {"b", "x y&"}, {"c", ""}, {"", "d"}};
  EXPECT_EQ(query, expected);
  EXPECT_FALSE(parse_query("a=%g0", query));
  EXPECT_FALSE(parse_query("a=%0", query));
}

}  // namespace
}  // namespace sluice::test
