#include "admin/field_problem.h"

#include <algorithm>

namespace sluice {
namespace {

// What a message begins with, where that is the path of a value: "accounts[0].ca_file: ...".
std::string_view path_of(std::string_view message) {
  const std::string_view words = message.substr(0, std::min(message.find(": "), message.size()));
  const bool path = words.size() < message.size() && std::ranges::all_of(words, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                             c == '.' || c == '[' || c == ']';
                    });
  return path ? words : std::string_view{};
}

}  // namespace

FieldProblem problem_of(const Finding& finding) {
  constexpr std::string_view kExpected = "; expected ";
  FieldProblem problem{finding.path, finding.message, ""};
  if (problem.field.empty()) problem.field = path_of(finding.message);
  if (!problem.field.empty() && problem.problem.starts_with(problem.field + ": "))
    problem.problem.erase(0, problem.field.size() + 2);
  problem.line = finding.place.line;
  if (finding.place.kind != Place::Kind::kDefault && finding.place.kind != Place::Kind::kStored)
    problem.source = finding.place.source;
  const std::size_t at = problem.problem.find(kExpected);
  if (at == std::string::npos) return problem;
  problem.mend = "give " + problem.problem.substr(at + kExpected.size());
  problem.problem.erase(at);
  return problem;
}

}  // namespace sluice
