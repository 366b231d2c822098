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

FieldProblem problem_of(std::string field, std::string_view message) {
  constexpr std::string_view kExpected = "; expected ";
  if (!field.empty() && message.starts_with(field + ": ")) message.remove_prefix(field.size() + 2);
  const std::size_t at = std::min(message.find(kExpected), message.size());
  FieldProblem problem{std::move(field), std::string(message.substr(0, at)), ""};
  if (at < message.size())
    problem.mend = "give " + std::string(message.substr(at + kExpected.size()));
  return problem;
}

FieldProblem problem_of(const Finding& finding) {
  const std::string_view path = finding.path.empty() ? path_of(finding.message) : finding.path;
  FieldProblem problem = problem_of(std::string(path), finding.message);
  problem.line = finding.place.line;
  if (finding.place.kind != Place::Kind::kDefault && finding.place.kind != Place::Kind::kStored)
    problem.source = finding.place.source;
  return problem;
}

}  // namespace sluice
