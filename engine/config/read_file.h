#pragma once

#include <expected>
#include <string>

namespace sluice {

struct ReadFault {
  int os_errno = 0;     // ENOENT, EACCES, ... or EFBIG, EISDIR
  std::string message;  // "cannot read /etc/x: No such file or directory"
};

// All bytes of a file (a pipe, too), bytes_max at most.
[[nodiscard]] std::expected<std::string, ReadFault> read_file(const std::string& path,
                                                              std::size_t bytes_max);

}  // namespace sluice
