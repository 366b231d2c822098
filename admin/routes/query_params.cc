#include "admin/routes/query_params.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "parser/rfc3339.h"

namespace sluice {

std::optional<std::string> QueryParams::text(std::string_view name) {
  asked_.emplace(name);
  std::optional<std::string> found;
  for (const auto& [key, value] : request_->query) {
    if (key != name) continue;
    if (found) wrong(name, "is there twice", "give it once");
    found = value;
  }
  return found;
}

std::optional<std::uint64_t> QueryParams::number(std::string_view name, std::uint64_t min,
                                                 std::uint64_t max) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  const auto number = parse_decimal(*given);
  if (number && *number >= min && *number <= max) return number;
  wrong(name, number ? "is out of range" : "is no whole number",
        fmt::format("give {} to {}", min, max));
  return std::nullopt;
}

std::optional<bool> QueryParams::flag(std::string_view name) {
  constexpr std::string_view kChoices[] = {"false", "true"};
  const auto chosen = choice(name, kChoices);
  if (!chosen) return std::nullopt;
  return *chosen == 1;
}

std::optional<std::int64_t> QueryParams::time(std::string_view name) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  const auto time = parse_rfc3339(*given);
  if (!time) wrong(name, "is no date-time", "give one as 2026-01-31T08:00:00Z");
  return time;
}

std::optional<std::size_t> QueryParams::choice(std::string_view name,
                                               std::span<const std::string_view> choices) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  const auto found = std::ranges::find(choices, *given);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  wrong(name, "is none of its values", fmt::format("give {}", fmt::join(choices, " or ")));
  return std::nullopt;
}

void QueryParams::wrong(std::string_view name, std::string_view problem, std::string_view mend) {
  problems_.push_back({std::string(name), std::string(problem), std::string(mend)});
}

std::optional<AdminResponse> QueryParams::refusal() {
  for (const auto& [key, value] : request_->query) {
    if (asked_.contains(key)) continue;
    wrong(key, "is no parameter of this route",
          asked_.empty() ? "leave it out" : fmt::format("there are {}", fmt::join(asked_, ", ")));
  }
  if (problems_.empty()) return std::nullopt;
  return refuse_fields(problems_);
}

}  // namespace sluice
