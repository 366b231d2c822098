#include "engine/config/finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace sluice {
namespace {

std::vector<Finding> sorted(std::vector<Finding> findings) {
  std::ranges::stable_sort(findings, {}, [](const Finding& finding) {
    const Place& place = finding.place;
    return std::tuple(place.kind != Place::Kind::kFile, place.line, place.column);
  });
  return findings;
}

}  // namespace

std::string Place::text() const {
  if (kind == Kind::kDefault) return "default";
  if (line == 0) return source;
  return fmt::format("{}:{}:{}", source, line, column);
}

std::string Finding::text() const {
  if (place.kind == Place::Kind::kDefault) return message;
  return fmt::format("{}: {}", place.text(), message);
}

bool Findings::refused(std::string_view path) const {
  if (refused_.contains("")) return true;
  for (auto at = refused_.lower_bound(path); at != refused_.end(); ++at) {
    if (!at->starts_with(path)) return false;
    if (at->size() == path.size() || (*at)[path.size()] == '.' || (*at)[path.size()] == '[')
      return true;
  }
  return false;
}

std::vector<Finding> Findings::take_errors() { return sorted(std::exchange(errors_, {})); }

std::vector<Finding> Findings::take_warnings() { return sorted(std::exchange(warnings_, {})); }

}  // namespace sluice
