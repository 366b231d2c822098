#include "admin/router.h"

#include <algorithm>

namespace sluice {
namespace {

// The first segment of `rest`, which begins with '/', taken off.
std::string_view take_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view segment = rest.substr(0, end);
  rest.remove_prefix(end);
  return segment;
}

// Whether `path` is of that pattern; its parameters.
bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& params) {
  params.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view want = take_segment(pattern);
    if (want.ends_with("*}")) {
      path.remove_prefix(1);
      return decode_percent(path, false, params.emplace_back());
    }
    const std::string_view got = take_segment(path);
    if (!want.starts_with('{')) {
      if (want != got) return false;
      continue;
    }
    if (got.empty() || !decode_percent(got, false, params.emplace_back())) return false;
  }
  return pattern.empty() && path.empty();
}

}  // namespace

AdminMatch find_route(std::span<const AdminRoute> routes, std::string_view method,
                      std::string_view path) {
  AdminMatch match;
  if (!path.starts_with('/')) return match;
  const std::string_view asked = method == "HEAD" ? "GET" : method;
  std::vector<std::string> params;
  for (const AdminRoute& route : routes) {
    if (!matches(route.path, path, params)) continue;
    const bool exact = params.empty();
    if (route.method == asked && (match.route == nullptr || exact)) {
      match.route = &route;
      match.params = params;
      if (exact) break;
    }
    if (match.allow.find(route.method) == match.allow.npos) {
      match.allow += match.allow.empty() ? "" : ", ";
      match.allow += route.method == "GET" ? "GET, HEAD" : route.method;
    }
  }
  return match;
}

bool parse_query(std::string_view query, std::vector<std::pair<std::string, std::string>>& out) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::string name, value;
    if (!decode_percent(pair.substr(0, equals), true, name)) return false;
    if (equals < pair.size() && !decode_percent(pair.substr(equals + 1), true, value)) return false;
    out.emplace_back(std::move(name), std::move(value));
  }
  return true;
}

}  // namespace sluice
