#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "engine/config/finding.h"

namespace sluice {

// FieldProblem - one thing that is wrong with what was sent, or read, and what to give instead.
struct FieldProblem {
  std::string field, problem, mend;
  std::optional<std::size_t> entry = {};  // of an import, from 0
  int line = 0;                           // of a file, from 1; 0: none
  std::string source = {};                // of a reload: the file, the variable or the flag
};

// Of what a reader of values says: `"0" is out of range; expected a whole number`, with or without
// `field: ` before it.
[[nodiscard]] FieldProblem problem_of(std::string field, std::string_view message);
// The same of what was found in a configuration.
[[nodiscard]] FieldProblem problem_of(const Finding& finding);

// What is said of whatever has to be there.
inline constexpr std::string_view kMissingProblem = "is missing";

}  // namespace sluice
