#include "tests/unit/malloc_count.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

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

void count() noexcept {
  if (counted) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

void count_allocations_of_this_thread() noexcept { counted = true; }
std::uint64_t allocations_counted() noexcept { return allocations.load(); }

}  // namespace sluice

extern "C" {

void* malloc(std::size_t bytes) {
  sluice::count();
  return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
  sluice::count();
  return __libc_calloc(count, bytes);
}

void* realloc(void* block, std::size_t bytes) {
  sluice::count();
  return __libc_realloc(block, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  sluice::count();
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  sluice::count();
  *block = __libc_memalign(alignment, bytes);
  return *block == nullptr ? ENOMEM : 0;
}

}  // extern "C"
