#include "engine/config/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice {

std::expected<std::string, ReadFault> read_file(const std::string& path, std::size_t bytes_max) {
  const auto fault = [&](int code) {
    return std::unexpected(
        ReadFault{code, fmt::format("cannot read {}: {}", path, std::strerror(code))});
  };
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fault(errno);
  std::string content;
  std::size_t size = 0;
  int code = 0;
  for (;;) {
    content.resize(size + 16 * 1024);
    const ssize_t got = read(fd, content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) code = errno;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
    if (size > bytes_max) {
      code = EFBIG;
      break;
    }
  }
  close(fd);
  if (code != 0) return fault(code);
  content.resize(size);
  return content;
}

}  // namespace sluice
