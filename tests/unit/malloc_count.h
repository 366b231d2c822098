#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// The program that links malloc_count.cc has the allocator's entry points replaced by counting
// ones: malloc and its kin, and with them operator new and every C library. Not under a sanitizer,
// which brings an allocator of its own.

// From now on the allocations of the calling thread are counted.
void count_allocations_of_this_thread() noexcept;
// How many there were, of all threads that are counted. Any thread.
[[nodiscard]] std::uint64_t allocations_counted() noexcept;

// From now on those that the code of the shared library `name` ("libssl") makes are counted apart.
// False when the program has loaded no such library. Before any thread is counted.
bool count_library_apart(std::string_view name);
[[nodiscard]] std::uint64_t library_allocations_counted() noexcept;

}  // namespace sluice
