#include "tests/unit/malloc_count.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>

// What glibc's own malloc is called beneath the names that a program may replace.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
}

namespace sluice {
namespace {

thread_local bool counted = false;
std::atomic<std::uint64_t> allocations{0};
std::atomic<std::uint64_t> library_allocations{0};

// Where the code of a library lies.
struct Range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};
std::array<Range, 4> apart;
std::size_t apart_count = 0;

// `caller`: where the allocator was called from.
void count(const void* caller) noexcept {
  if (!counted) return;
  const auto at = reinterpret_cast<std::uintptr_t>(caller);
  const bool is_apart =
      std::any_of(apart.begin(), apart.begin() + apart_count,
                  [at](const Range& range) { return at >= range.begin && at < range.end; });
  (is_apart ? library_allocations : allocations).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

void count_allocations_of_this_thread() noexcept { counted = true; }
std::uint64_t allocations_counted() noexcept { return allocations.load(); }
std::uint64_t library_allocations_counted() noexcept { return library_allocations.load(); }

bool count_library_apart(std::string_view name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(" r-xp ") == line.npos || line.find(name) == line.npos) continue;
    Range range;
    range.begin = std::stoull(line, nullptr, 16);
    range.end = std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
    const auto same = [&](const Range& other) { return range.begin == other.begin; };
    if (std::any_of(apart.begin(), apart.begin() + apart_count, same)) return true;
    if (apart_count == apart.size()) return false;
    apart[apart_count++] = range;
    return true;
  }
  return false;
}

}  // namespace sluice

extern "C" {

void* malloc(std::size_t bytes) {
  sluice::count(__builtin_return_address(0));
  return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
  sluice::count(__builtin_return_address(0));
  return __libc_calloc(count, bytes);
}

void* realloc(void* block, std::size_t bytes) {
  sluice::count(__builtin_return_address(0));
  return __libc_realloc(block, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  sluice::count(__builtin_return_address(0));
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  sluice::count(__builtin_return_address(0));
  *block = __libc_memalign(alignment, bytes);
  return *block == nullptr ? ENOMEM : 0;
}

}  // extern "C"
