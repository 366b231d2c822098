#include "base/wiped_heap.h"

#include <malloc.h>
#include <string.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local int wiping = 0;

// The vector registers still have what memmove() moved last, and a core dump has the registers. It
// takes others for other sizes, and the same for the same.
void wipe_registers() noexcept {
  constexpr std::size_t kBytesMax = 4096;
  static const char kZeros[kBytesMax] = {};
  char there[kBytesMax];
  void* (*volatile const move)(void*, const void*, std::size_t) = memmove;
  for (std::size_t bytes = 16; bytes <= kBytesMax; bytes *= 2) move(there, kZeros, bytes);
}

// Locals of parsers, and the vector registers of whoever called a library's function for the first
// time: the dynamic linker saves them there. No parser of ours goes deeper than that: what it reads
// may be nested 64 times at most.
[[gnu::noinline]] void wipe_stack() noexcept {
  constexpr std::size_t kBytes = 256 * 1024;
  char below[kBytes];
  explicit_bzero(below, sizeof below);
}

}  // namespace

namespace sluice {

WipedHeap::WipedHeap() noexcept { ++wiping; }
WipedHeap::~WipedHeap() {
  if (--wiping > 0) return;
  wipe_registers();
  wipe_stack();
}

}  // namespace sluice

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// [new.delete.single]: those for arrays and with a size end in these.
void* operator new(std::size_t bytes) {
  while (true) {
    if (void* const block = std::malloc(bytes == 0 ? 1 : bytes)) return block;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) std::abort();  // nobody here goes on without memory
    handler();
  }
}

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes == 0 ? 1 : bytes);
}

void operator delete(void* block) noexcept {
  if (wiping > 0 && block != nullptr) explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}

void operator delete(void* block, std::size_t) noexcept { operator delete(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { operator delete(block); }

#endif
