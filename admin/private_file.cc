#include "admin/private_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace sluice {

int write_private_file(const std::string& path, std::string_view text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno;
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       write(fd, "\n", 1) == 1 && fsync(fd) == 0;
  const int os_errno = errno;
  close(fd);
  if (written) return 0;
  unlink(path.c_str());
  return os_errno;
}

int sync_folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int os_errno = errno;
  if (fd >= 0) close(fd);
  return synced ? 0 : os_errno;
}

}  // namespace sluice
