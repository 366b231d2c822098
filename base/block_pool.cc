#include "base/block_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"
#include "base/poison.h"

namespace sluice {
namespace {

constexpr std::size_t kAlignment = 64;  // a cache line, and the padding unit of SIMD readers
constexpr std::size_t kPage = 4096;

std::size_t class_of(std::size_t rounded) noexcept {
  return static_cast<std::size_t>(std::countr_zero(rounded) -
                                  std::countr_zero(BlockPool::kBlockBytesMin));
}

// `bytes` is rounded up. Null when the machine is out of memory.
void* from_system(std::size_t bytes) noexcept {
  if (bytes < BlockPool::kMappedBytesMin) return std::aligned_alloc(kAlignment, bytes);
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

void to_system(void* memory, std::size_t bytes) noexcept {
  if (bytes < BlockPool::kMappedBytesMin) std::free(memory);
  else munmap(memory, bytes);
}

}  // namespace

BlockPool::~BlockPool() {
  SL_ASSERT(bytes_in_use_ == 0);
  for (std::size_t i = 0; i < kClasses; ++i) {
    while (free_[i] != nullptr) release_one(i);
  }
}

std::size_t BlockPool::rounded_up(std::size_t bytes) noexcept {
  if (bytes <= kBlockBytesMin) return kBlockBytesMin;
  if (bytes <= kKeepBytesMax) return std::bit_ceil(bytes);
  return (bytes + kPage - 1) & ~(kPage - 1);
}

void* BlockPool::take(std::size_t bytes) {
  void* const block = try_take(bytes);
  SL_ASSERT(block != nullptr);
  return block;
}

void* BlockPool::try_take(std::size_t bytes) noexcept {
  const std::size_t rounded = rounded_up(bytes);
  FreeBlock* const block = rounded <= kKeepBytesMax ? free_[class_of(rounded)] : nullptr;
  if (block != nullptr) {
    SL_UNPOISON(block, rounded);
    free_[class_of(rounded)] = block->next;
    if (block->next != nullptr) __builtin_prefetch(block->next, 1);  // the next to be taken
    bytes_free_ -= rounded;
    bytes_in_use_ += rounded;
    return block;
  }
  void* const fresh = from_system(rounded);
  if (fresh != nullptr) bytes_in_use_ += rounded;
  return fresh;
}

namespace {

// ThreadSanitizer does not see mremap: it takes the pages at their new address for those of another
// thread that had this address before.
#if defined(__SANITIZE_THREAD__)
constexpr bool kMayMovePages = false;
#else
constexpr bool kMayMovePages = true;
#endif

}  // namespace

void* BlockPool::try_grow(void* block, std::size_t bytes, std::size_t used,
                          std::size_t larger) noexcept {
  const std::size_t before = rounded_up(bytes);
  const std::size_t after = rounded_up(larger);
  SL_ASSERT(block != nullptr && used <= before && before <= after);
  if (before > kKeepBytesMax && kMayMovePages) {
    void* const moved = mremap(block, before, after, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) return nullptr;
    bytes_in_use_ += after - before;
    return moved;
  }
  void* const fresh = try_take(larger);
  if (fresh == nullptr) return nullptr;
  std::memcpy(fresh, block, used);
  give(block, bytes);
  return fresh;
}

void BlockPool::give(void* block, std::size_t bytes) noexcept {
  const std::size_t rounded = rounded_up(bytes);
  SL_ASSERT(block != nullptr && bytes_in_use_ >= rounded);
  bytes_in_use_ -= rounded;
  if (rounded > kKeepBytesMax) {
    to_system(block, rounded);
  } else {
    const std::size_t size_class = class_of(rounded);
    auto* const free_block = static_cast<FreeBlock*>(block);
    free_block->next = free_[size_class];
    free_[size_class] = free_block;
    bytes_free_ += rounded;
    SL_POISON(block, rounded);
  }
  trim();
}

// Gives back to the system what is above the limit, the largest blocks first.
void BlockPool::trim() noexcept {
  constexpr int kBlocksMax = 8;  // of one give(): it stays short, and later ones go on
  for (int i = 0; i < kBlocksMax; ++i) {
    if (bytes_free_ <= std::max(kIdleBytes, bytes_in_use_)) return;
    std::size_t size_class = kClasses - 1;
    while (free_[size_class] == nullptr) --size_class;
    release_one(size_class);
  }
}

void BlockPool::release_one(std::size_t size_class) noexcept {
  FreeBlock* const block = free_[size_class];
  const std::size_t bytes = kBlockBytesMin << size_class;
  SL_UNPOISON(block, bytes);
  free_[size_class] = block->next;
  bytes_free_ -= bytes;
  to_system(block, bytes);
}

}  // namespace sluice
