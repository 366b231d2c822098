// The routes that are served, held against the document that describes them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "admin/assets.h"
#include "admin/control_room.h"

namespace sluice::test {
namespace {

using Json = nlohmann::json;

// "GET /api/admin/backends/{}": a parameter may be called otherwise in code.
std::string operation_of(std::string_view method, std::string_view path) {
  std::string out = std::string(method) + " ";
  for (std::size_t i = 0; i < path.size(); ++i) {
    out += path[i];
    if (path[i] == '{') i = path.find('}', i) - 1;
  }
  return out;
}

// What the shards answer themselves: routes of the proxy, and readiness.
bool is_of_a_shard(std::string_view path) { return path.starts_with("/v1/") || path == "/readyz"; }

class Document : public testing::Test {
 protected:
  Document() {
    const Asset* const asset = find_asset("openapi.json");
    EXPECT_NE(asset, nullptr);
    if (asset != nullptr) document = Json::parse(asset->bytes);
  }
  Json document;
};

TEST_F(Document, DescribesEveryRouteAndNoOther) {
  std::set<std::string> described, served;
  for (const auto& [path, item] : document["paths"].items()) {
    if (is_of_a_shard(path)) continue;
    for (std::string method : {"get", "put", "post", "patch", "delete", "head", "options"}) {
      if (!item.contains(method)) continue;
      for (char& c : method) c = static_cast<char>(c - 32);
      described.insert(operation_of(method, path));
    }
  }
  for (const AdminRoute& route : admin_routes()) {
    EXPECT_TRUE(served.insert(operation_of(route.method, route.path)).second) << route.path;
  }
  EXPECT_GT(served.size(), 50u);
  EXPECT_EQ(described, served);
}

// `security: []` is of what everybody may ask.
TEST_F(Document, SaysWhichRoutesAskForNoToken) {
  for (const AdminRoute& route : admin_routes()) {
    for (const auto& [path, item] : document["paths"].items()) {
      std::string method(route.method);
      for (char& c : method) c = static_cast<char>(c + 32);
      if (operation_of(route.method, path) != operation_of(route.method, route.path)) continue;
      EXPECT_EQ(item.at(method).contains("security"), route.access == Access::kPublic)
          << route.method << ' ' << route.path;
    }
  }
}

// What a route reads of a query is refused elsewhere, so the document has to name it.
TEST_F(Document, NamesParametersWhereQueriesAreRead) {
  for (const AdminRoute& route : admin_routes()) {
    if (route.query == Query::kIgnored) continue;
    for (const auto& [path, item] : document["paths"].items()) {
      if (operation_of(route.method, path) != operation_of(route.method, route.path)) continue;
      std::string method(route.method);
      for (char& c : method) c = static_cast<char>(c + 32);
      bool named = false;
      for (const Json& parameter : item.at(method).value("parameters", Json::array()))
        named = named || parameter.value("in", "") == "query";
      EXPECT_EQ(named, route.query == Query::kRead) << route.method << ' ' << route.path;
    }
  }
}

}  // namespace
}  // namespace sluice::test
