#include "engine/io/pool_block.h"

#include <cstring>
#include <new>

namespace sluice {

PoolBlock& PoolBlock::create(BlockPool& pool, std::size_t bytes) {
  const std::size_t block_bytes = BlockPool::rounded_up(bytes + sizeof(PoolBlock));
  return *new (pool.take(block_bytes)) PoolBlock(pool, block_bytes);
}

void PoolBlock::on_unused() noexcept {
  BlockPool& pool = *pool_;
  const std::size_t block_bytes = block_bytes_;
  this->~PoolBlock();
  pool.give(this, block_bytes);
}

Slice copy_to_pool(BlockPool& pool, std::string_view bytes) {
  PoolBlock& block = PoolBlock::create(pool, bytes.size());
  std::memcpy(block.data(), bytes.data(), bytes.size());
  return Slice(block, block.data(), static_cast<std::uint32_t>(bytes.size()));
}

}  // namespace sluice
