#pragma once

#include <functional>
#include <string>

namespace sluice {

// Runs `read`, which reads `file` through LMDB and returns an exit code, in a child process, and
// returns that code. LMDB trusts the pages that it maps: on a damaged file it may touch what is not
// there, divide by zero or fail an assertion. What ends the child so is told on stderr, with `mend`
// for what to do, and EX_DATAERR; the command itself goes on.
//
// Only while this process has one thread, no store open and nothing unwritten in its streams.
[[nodiscard]] int read_apart(const std::string& file, const std::string& mend,
                             const std::function<int()>& read);

}  // namespace sluice
