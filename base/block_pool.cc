#include "base/block_pool.h"

#include <bit>
#include <cstdlib>

#include "base/assert.h"
#include "base/poison.h"

namespace sluice {
namespace {

constexpr std::size_t kAlignment = 64;  // a cache line, and the padding unit of SIMD readers

std::size_t class_of(std::size_t rounded) noexcept {
  return static_cast<std::size_t>(std::countr_zero(rounded) -
                                  std::countr_zero(BlockPool::kBlockBytesMin));
}

}  // namespace

BlockPool::~BlockPool() {
  SL_ASSERT(bytes_in_use_ == 0);
  for (std::size_t i = 0; i < kClasses; ++i) {
    while (free_[i] != nullptr) {
      FreeBlock* const block = free_[i];
      SL_UNPOISON(block, kBlockBytesMin << i);
      free_[i] = block->next;
      std::free(block);
    }
  }
}

std::size_t BlockPool::rounded_up(std::size_t bytes) noexcept {
  if (bytes <= kBlockBytesMin) return kBlockBytesMin;
  if (bytes <= kKeepBytesMax) return std::bit_ceil(bytes);
  return (bytes + kAlignment - 1) & ~(kAlignment - 1);
}

void* BlockPool::take(std::size_t bytes) {
  const std::size_t rounded = rounded_up(bytes);
  bytes_in_use_ += rounded;
  if (rounded <= kKeepBytesMax) {
    const std::size_t size_class = class_of(rounded);
    if (FreeBlock* const block = free_[size_class]; block != nullptr) {
      SL_UNPOISON(block, rounded);
      free_[size_class] = block->next;
      --free_count_[size_class];
      return block;
    }
  }
  void* const block = std::aligned_alloc(kAlignment, rounded);
  SL_ASSERT(block != nullptr);
  return block;
}

void BlockPool::give(void* block, std::size_t bytes) noexcept {
  const std::size_t rounded = rounded_up(bytes);
  SL_ASSERT(block != nullptr && bytes_in_use_ >= rounded);
  bytes_in_use_ -= rounded;
  if (rounded > kKeepBytesMax || free_count_[class_of(rounded)] * rounded >= kFreeBytesMax) {
    std::free(block);
    return;
  }
  const std::size_t size_class = class_of(rounded);
  auto* const free_block = static_cast<FreeBlock*>(block);
  free_block->next = free_[size_class];
  free_[size_class] = free_block;
  ++free_count_[size_class];
  SL_POISON(block, rounded);
}

}  // namespace sluice
