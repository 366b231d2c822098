#include "base/arena.h"

#include <cstdint>

#include "base/assert.h"

namespace sluice {

void* Arena::allocate(std::size_t bytes, std::size_t alignment) {
  SL_ASSERT(alignment != 0 && (alignment & (alignment - 1)) == 0 && alignment <= 64);
  const auto address = reinterpret_cast<std::uintptr_t>(at_);
  const std::size_t padding = (~address + 1) & (alignment - 1);
  if (at_ != nullptr && bytes + padding <= static_cast<std::size_t>(end_ - at_)) {
    char* const out = at_ + padding;
    at_ = out + bytes;
    return out;
  }
  const std::size_t wanted = BlockPool::rounded_up(bytes + sizeof(Block) + 64);
  const std::size_t block_bytes = wanted < kBlockBytes ? kBlockBytes : wanted;
  auto* const block = static_cast<Block*>(pool_->take(block_bytes));
  block->next = blocks_;
  block->bytes = block_bytes;
  blocks_ = block;
  at_ = reinterpret_cast<char*>(block + 1);
  end_ = reinterpret_cast<char*>(block) + block_bytes;
  return allocate(bytes, alignment);
}

void Arena::reset() noexcept {
  while (blocks_ != nullptr) {
    Block* const block = blocks_;
    blocks_ = block->next;
    pool_->give(block, block->bytes);
  }
  at_ = end_ = nullptr;
}

}  // namespace sluice
