#include <sched.h>

#include <algorithm>

#include "base/units.h"
#include "engine/config/load.h"
#include "engine/config/read_file.h"

namespace sluice {
namespace {

// What "150000 100000" (quota and period, microseconds) allows, rounded up; 0 for "max 100000".
std::uint32_t cpus_of_quota(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return 0;
  const auto quota = parse_decimal(text.substr(0, space));
  std::string_view rest = text.substr(space + 1);
  while (rest.ends_with('\n')) rest.remove_suffix(1);
  const auto period = parse_decimal(rest);
  if (!quota || !period || *period == 0) return 0;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>((*quota + *period - 1) / *period, 4096));
}

}  // namespace

std::uint32_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::uint32_t cpus = 1;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    cpus = static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
  const auto quota = read_file("/sys/fs/cgroup/cpu.max", 4096);
  const std::uint32_t allowed = quota ? cpus_of_quota(*quota) : 0;
  constexpr std::uint32_t kShardsMax = 256;
  return std::min({cpus, allowed == 0 ? cpus : allowed, kShardsMax});
}

}  // namespace sluice
