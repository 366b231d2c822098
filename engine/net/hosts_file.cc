#include "engine/net/hosts_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "parser/host_name.h"

namespace sluice {
namespace {

// Block lists of a hundred thousand names are a few MiB; beyond that it is the wrong file.
constexpr std::size_t kFileBytesMax = 32u << 20;

// The next word of `line`, which it takes off; empty at the end.
std::string_view take_word(std::string_view& line) noexcept {
  constexpr std::string_view kBlank = " \t\r\v\f";
  const std::size_t start = std::min(line.find_first_not_of(kBlank), line.size());
  line.remove_prefix(start);
  const std::string_view word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

HostsFile HostsFile::parse(std::string_view text) {
  HostsFile file;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    file.add_line(line.substr(0, line.find('#')));
  }
  std::stable_sort(file.rows_.begin(), file.rows_.end(), [&file](const Row& a, const Row& b) {
    return file.name_of(a) < file.name_of(b);
  });
  return file;
}

void HostsFile::add_line(std::string_view line) {
  const std::optional<IpAddress> ip = parse_ip(take_word(line));
  if (!ip) return;
  for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
    const std::optional<HostName> name = HostName::parse(word);
    if (!name) continue;
    const std::string_view spelled = name->without_dot();
    rows_.push_back(Row{.name_at = static_cast<std::uint32_t>(names_.size()),
                        .name_bytes = static_cast<std::uint32_t>(spelled.size()),
                        .ip = *ip});
    names_ += spelled;
  }
}

std::expected<HostsFile, std::string> HostsFile::read(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return HostsFile();
  std::string text;
  ssize_t count = fd < 0 ? -1 : 1;
  while (count > 0 && text.size() <= kFileBytesMax) {
    char buffer[16 * 1024];
    count = ::read(fd, buffer, sizeof(buffer));
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
  }
  const int failed = count < 0 ? errno : 0;
  if (fd >= 0) close(fd);
  if (failed != 0) {
    return std::unexpected(std::string("cannot read ") + path + ": " + std::strerror(failed));
  }
  if (text.size() > kFileBytesMax) {
    return std::unexpected(std::string(path) + " is larger than 32 MiB: not read");
  }
  return parse(text);
}

AddressList HostsFile::find(std::string_view name) const noexcept {
  AddressList found;
  auto row = std::lower_bound(
      rows_.begin(), rows_.end(), name,
      [this](const Row& a, std::string_view wanted) { return name_of(a) < wanted; });
  for (; row != rows_.end() && name_of(*row) == name; ++row) found.add(row->ip);
  return found;
}

}  // namespace sluice
