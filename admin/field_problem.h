#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace sluice {

// FieldProblem - one thing that is wrong with what was sent, and what to send instead.
struct FieldProblem {
  std::string field, problem, mend;
  std::optional<std::size_t> entry = {};  // of an import, from 0
  int line = 0;                           // of a file, from 1; 0: none
};

}  // namespace sluice
