#include "admin/process_figures.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "base/units.h"

namespace sluice {
namespace {

std::string text_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Without the one that reads the list.
std::uint64_t count_open_fds() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::uint64_t entries = 0;
  while (readdir(folder) != nullptr) ++entries;
  closedir(folder);
  constexpr std::uint64_t kOthers = 3;  // ".", "..", the folder itself
  return entries > kOthers ? entries - kOthers : 0;
}

// 0: no limit.
std::uint64_t limit_of(__rlimit_resource_t what) {
  rlimit limit{};
  if (getrlimit(what, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 0;
  return limit.rlim_cur;
}

// Takes the next word off the front.
std::string_view next_word(std::string_view& text) {
  const std::size_t size = std::min(text.find_first_of(" \n"), text.size());
  const std::string_view word = text.substr(0, size);
  text.remove_prefix(std::min(size + 1, text.size()));
  return word;
}

}  // namespace

bool parse_process_stat(std::string_view text, std::uint64_t page_bytes,
                        ProcessFigures& figures) noexcept {
  // The name of the program may hold blanks and parentheses; the last one ends it.
  const std::size_t name_end = text.rfind(") ");
  if (name_end == std::string_view::npos) return false;
  text.remove_prefix(name_end + 2);
  // The numbers of proc(5) from the third field on.
  constexpr std::size_t kFirst = 3, kUser = 14, kSystem = 15, kThreads = 20, kStart = 22,
                        kVirtual = 23, kResident = 24;
  std::uint64_t fields[kResident + 1] = {};
  for (std::size_t i = kFirst; i <= kResident; ++i) {
    const std::string_view word = next_word(text);
    if (word.empty()) return false;
    fields[i] = parse_decimal(word).value_or(0);  // some are letters or below zero
  }
  figures.cpu_ticks = fields[kUser] + fields[kSystem];
  figures.threads = fields[kThreads];
  figures.start_ticks = fields[kStart];
  figures.virtual_bytes = fields[kVirtual];
  figures.resident_bytes = fields[kResident] * page_bytes;
  return figures.virtual_bytes != 0;
}

bool parse_boot_time(std::string_view text, ProcessFigures& figures) noexcept {
  constexpr std::string_view kName = "\nbtime ";
  const std::size_t at = text.find(kName);
  if (at == std::string_view::npos) return false;
  text.remove_prefix(at + kName.size());
  const auto seconds = parse_decimal(next_word(text));
  figures.boot_unix_s = seconds.value_or(0);
  return seconds.has_value();
}

std::optional<ProcessFigures> read_process_figures() {
  ProcessFigures figures;
  const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (!parse_process_stat(text_of("/proc/self/stat"), page_bytes, figures) ||
      !parse_boot_time(text_of("/proc/stat"), figures)) {
    return std::nullopt;
  }
  figures.ticks_per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  figures.open_fds = count_open_fds();
  figures.fds_max = limit_of(RLIMIT_NOFILE);
  figures.virtual_bytes_max = limit_of(RLIMIT_AS);
  return figures;
}

}  // namespace sluice
