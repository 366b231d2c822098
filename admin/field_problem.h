#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// FieldProblem - one thing that is wrong with what was sent, and what to send instead.
struct FieldProblem {
  std::string field, problem, mend;
  std::optional<std::size_t> entry = {};  // of an import, from 0
  int line = 0;                           // of a file, from 1; 0: none
};

// What is said of whatever has to be there.
inline constexpr std::string_view kMissingProblem = "is missing";

}  // namespace sluice
