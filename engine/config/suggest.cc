#include "engine/config/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace sluice {
namespace {

struct OtherName {
  std::string_view word;
  std::string_view name;
};

// The accounts of the API have the predecessor's names, its provider file has others, and the
// configuration its own.
constexpr OtherName kOtherNames[] = {
    {"api", "dialect"},           {"api_base_url", "endpoint_url"}, {"api_base_url", "base_url"},
    {"base_url", "endpoint_url"}, {"endpoint_url", "base_url"},     {"name", "account"},
    {"account", "name"},          {"model_mappings", "models"},     {"timeout_seconds", "timeouts"},
    {"window_seconds", "window"},
};

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> table((a.size() + 1) * width);
  const auto cell = [&](std::size_t i, std::size_t j) -> std::size_t& {
    return table[i * width + j];
  };
  for (std::size_t i = 0; i <= a.size(); ++i) cell(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cell(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cell(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1);
      cell(i, j) = std::min({cell(i - 1, j) + 1, cell(i, j - 1) + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cell(i, j) = std::min(cell(i, j), cell(i - 2, j - 2) + 1);
    }
  }
  return cell(a.size(), b.size());
}

std::string_view nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kWordBytesMax = 64;  // longer than every key, and a bound on the work
  if (word.size() > kWordBytesMax) return {};
  for (const OtherName& other : kOtherNames) {
    if (other.word != word) continue;
    const auto known = std::ranges::find(candidates, other.name);
    if (known != candidates.end()) return *known;
  }
  std::size_t best = std::min<std::size_t>(3, (word.size() + 2) / 3) + 1;
  std::string_view found;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= best || distance >= candidate.size()) continue;
    best = distance;
    found = candidate;
  }
  return found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const std::string_view found = nearest(word, candidates);
  return found.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", found);
}

}  // namespace sluice
